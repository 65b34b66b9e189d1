"""Rates of their own: what one customer pays for one service, in the base currency."""

from sutler.catalogue.models import PriceOverride, Service
from sutler.core.money import LARGEST_MICROS
from sutler.core.refusals import Reason, Refusal


def of_customer(customer_id: int) -> list[PriceOverride]:
    """Returns the customer's own rates with their services, in the catalogue's order."""
    found = PriceOverride.objects.filter(customer_id=customer_id).select_related("service__category")
    return list(found.order_by("service__category__position", "service__position", "service"))


def put(customer_id: int, service_id: int, rate_micros: int) -> int | Refusal | None:
    """Gives a customer a rate of their own. Returns the one they had before, or None.

    The caller writes the line of the audit log in the same transaction. Refuses with INCORRECT_SERVICE (there is none),
    INCORRECT_FIELD `rate`.
    """
    if not 0 < rate_micros <= LARGEST_MICROS:
        return Refusal(Reason.INCORRECT_FIELD, "rate")
    if not Service.objects.filter(pk=service_id).exists():
        return Refusal(Reason.INCORRECT_SERVICE)
    had = PriceOverride.objects.filter(customer_id=customer_id, service_id=service_id).first()
    PriceOverride.objects.update_or_create(
        customer_id=customer_id, service_id=service_id, defaults={"rate_micros": rate_micros}
    )
    return had.rate_micros if had else None


def remove(customer_id: int, service_id: int) -> int | None:
    """Takes a customer's own rate away. Returns what it was, or None if there was none."""
    had = PriceOverride.objects.filter(customer_id=customer_id, service_id=service_id).first()
    if had is None:
        return None
    had.delete()
    return had.rate_micros
