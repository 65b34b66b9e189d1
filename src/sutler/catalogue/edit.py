"""A service as staff write it: checked as a whole, stored, and customers told what they should know."""

from dataclasses import dataclass, fields
from datetime import datetime

from django.db import transaction
from django.db.models import Max

from sutler.catalogue import acceptable_use, updates
from sutler.catalogue.models import Category, Service, ServiceUpdate
from sutler.core.money import LARGEST_MICROS, show_rate
from sutler.core.order_types import LARGEST_NUMBER, ORDER_TYPES
from sutler.core.refusals import Reason, Refusal
from sutler.core.service_row import LONGEST_DESCRIPTION, LONGEST_NAME
from sutler.core.text.text_input import one_line, paragraphs


@dataclass(frozen=True, slots=True)
class Draft:
    """All that staff say of a service; the names are those of its columns. `type` counts for a new one only."""

    name: str
    category_id: int
    type: str
    rate_micros: int
    min: int
    max: int
    dripfeed: bool = False
    refill: bool = False
    cancel: bool = False
    refill_days: int | None = None
    refill_wait_hours: int = 24
    one_active_order_per_link: bool = False
    description: str = ""


_RULES = ("delivery", "link_allowed", "link_refused", "needs_approval", "closed_countries")


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator answers for, as `acceptable_use.restrict` takes it."""

    delivery: str = ""
    link_allowed: str = ""
    link_refused: str = ""
    needs_approval: bool = False
    closed_countries: str = ""


def save(draft: Draft, rules: Rules, now: datetime, service_id: int | None = None) -> Service | Refusal:
    """Makes a service, last in its category and on sale, or changes one. Orders that were placed keep their terms.

    Refuses with INCORRECT_SERVICE (none has this id) and INCORRECT_FIELD naming what cannot be. Nothing is stored then.
    """
    wrong = _wrong_field(draft)
    if wrong:
        return Refusal(Reason.INCORRECT_FIELD, wrong)
    with transaction.atomic():
        found = Service.objects.select_for_update().filter(pk=service_id).first() if service_id else Service()
        if found is None:
            return Refusal(Reason.INCORRECT_SERVICE)
        before = (found.rate_micros, found.min, found.max) if service_id else None
        _fill(found, draft)
        found.save()
        refusal = acceptable_use.restrict(found.pk, **{name: getattr(rules, name) for name in _RULES})
        if refusal is not None:
            transaction.set_rollback(True)
            return refusal
        updates.publish(told(found, before, now))
    found.refresh_from_db()
    return found


def told(service: Service, before: tuple[int, int, int] | None, now: datetime) -> list[ServiceUpdate]:
    """Returns what customers are told of a service on sale whose rate, least and most were these; None: it is new."""
    if service.state != Service.State.ACTIVE:
        return []
    if before is None:
        return [updates.note(service, ServiceUpdate.Kind.NEW, now, after=show_rate(service.rate_micros))]
    rate, low, high = before
    found = []
    if rate != service.rate_micros:
        shown = show_rate(rate), show_rate(service.rate_micros)
        found.append(updates.note(service, ServiceUpdate.Kind.PRICE, now, *shown))
    if (low, high) != (service.min, service.max):
        limits = f"{low} - {high}", f"{service.min} - {service.max}"
        found.append(updates.note(service, ServiceUpdate.Kind.LIMITS, now, *limits))
    return found


def _wrong_field(draft: Draft) -> str:
    days = 0 if draft.refill_days is None else draft.refill_days
    right = {
        "name": bool(one_line(draft.name, LONGEST_NAME)),
        "category": Category.objects.filter(pk=draft.category_id).exists(),
        "type": draft.type in ORDER_TYPES,
        "rate": 0 < draft.rate_micros <= LARGEST_MICROS,
        "min": 1 <= draft.min <= LARGEST_NUMBER,
        "max": draft.min <= draft.max <= LARGEST_NUMBER,
        "refill_days": 0 <= days <= LARGEST_NUMBER,
        "refill_wait_hours": 0 <= draft.refill_wait_hours <= LARGEST_NUMBER,
        "description": paragraphs(draft.description, LONGEST_DESCRIPTION) is not None,
    }
    return next((name for name, is_right in right.items() if not is_right), "")


def _fill(service: Service, draft: Draft) -> None:
    is_new = service.pk is None
    if is_new or service.category_id != draft.category_id:
        there = Service.objects.filter(category=draft.category_id)
        service.position = (there.aggregate(last=Max("position"))["last"] or 0) + 1
    for each in fields(draft):
        if is_new or each.name != "type":
            setattr(service, each.name, getattr(draft, each.name))
    service.name = one_line(draft.name, LONGEST_NAME) or ""
    service.description = paragraphs(draft.description, LONGEST_DESCRIPTION) or ""
