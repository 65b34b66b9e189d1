"""Customers: opened with a currency, suspended and resumed."""

from datetime import datetime

from sutler.accounts.models import Customer, CustomerGroup


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
