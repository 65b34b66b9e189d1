"""Customers: opened with a currency, suspended and resumed."""

from datetime import datetime

from sutler.accounts.models import Customer, CustomerGroup
from sutler.core.countries import CODES
from sutler.core.refusals import Reason, Refusal


def create(name: str, currency: str, now: datetime, group: CustomerGroup | None = None) -> Customer:
    """Stores a customer. `books.post.open_wallet` belongs to the same transaction: a customer always has a wallet."""
    return Customer.objects.create(name=name, currency=currency, group=group, created_at=now)


def suspend(customer_id: int, now: datetime | None) -> bool:
    """Suspends a customer as of `now`, or resumes them with None. Returns False if there is no such customer."""
    for customer in Customer.objects.filter(pk=customer_id):
        customer.suspended_at = now
        customer.save(update_fields=["suspended_at"])  # saved singly: the lane forgets the customer's keys at once
        return True
    return False


def set_country(customer_id: int, country: str) -> Refusal | None:
    """Says where a customer is: an ISO code, or nothing for not known. Refuses with INCORRECT_FIELD `country`."""
    code = country.strip().upper()
    if code and code not in CODES:
        return Refusal(Reason.INCORRECT_FIELD, "country")
    Customer.objects.filter(pk=customer_id).update(country=code)
    return None
