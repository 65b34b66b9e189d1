"""A customer's own data: all that is kept of them as one file, and the erasure that keeps the books.

Names and addresses go, transfers stay: what was paid and charged is the operator's to keep, who it was is not.
"""

import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Q, QuerySet

from sutler.accounts import audit_log
from sutler.accounts.models import ApiKey, Customer, Letter, User
from sutler.books.models import LedgerAccount, Transfer
from sutler.catalogue.models import PriceOverride
from sutler.core.lifecycle import FINAL
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.orders.models import Order, Post, Refill, Subscription
from sutler.payments.models import Checkout, FundsRequest
from sutler.storage.snapshot import snapshot
from sutler.storage.transactions import durable
from sutler.support.models import Message, Ticket

ERASED = "(erased)"
_AT_ONCE = 1000
_SECRETS = frozenset({"password", "digest", "fingerprint"})


def write_data(customer_id: int, file: Path) -> Refusal | dict[str, int]:
    """Writes all that is kept of a customer into a new ZIP file, a JSON list for each kind; returns how many of each.

    Without what only proves who somebody is (digests of passwords and keys). Refuses with NOT_FOUND.
    Raises OSError, FileExistsError if there is such a file.
    """
    if not Customer.objects.filter(pk=customer_id).exists():
        return Refusal(Reason.NOT_FOUND)
    counts: dict[str, int] = {}
    with file.open("xb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive, snapshot():
        file.chmod(0o600)
        for name, rows in _lists(customer_id).items():
            with archive.open(f"{name}.json", "w", force_zip64=True) as member:
                counts[name] = _write_list(member, rows.order_by("pk").values().iterator(chunk_size=_AT_ONCE))
    return counts


def erase(customer_id: int, now: datetime) -> Refusal | None:
    """Takes a customer's names, addresses, keys, links and texts out of the panel; suspends them for good.

    Orders, transfers and balances stay, under the customer's number. Safe to repeat: what was stopped goes on.
    Refuses with NOT_FOUND, or MOVE_NOT_ALLOWED while orders of theirs have not ended.
    Raises storage.transactions.Busy or CommitUnclear.
    """
    if not Customer.objects.filter(pk=customer_id).exists():
        return Refusal(Reason.NOT_FOUND)
    with durable():
        # The wallet's row is what placing an order waits for.
        LedgerAccount.objects.select_for_update().get(customer=customer_id)
        if Order.objects.filter(customer=customer_id).exclude(status__in=FINAL).exists():
            return Refusal(Reason.MOVE_NOT_ALLOWED)
        _erase_account(Customer.objects.get(pk=customer_id), now)
    _erase_orders(customer_id)
    return None


def _lists(customer_id: int) -> dict[str, QuerySet[Any]]:
    wallet = LedgerAccount.objects.filter(customer=customer_id)
    ends = Q(debit__in=wallet.values("pk")) | Q(credit__in=wallet.values("pk"))
    return {
        "customer": Customer.objects.filter(pk=customer_id),
        "people": User.objects.filter(customer=customer_id),
        "keys": ApiKey.objects.filter(customer=customer_id),
        "wallet": wallet,
        "transfers": Transfer.objects.filter(ends),
        "prices": PriceOverride.objects.filter(customer=customer_id),
        "orders": Order.objects.filter(customer=customer_id),
        "refills": Refill.objects.filter(customer_id=customer_id),
        "funds": FundsRequest.objects.filter(customer=customer_id),
        "tickets": Ticket.objects.filter(customer=customer_id),
        # Notes of staff are of staff for staff.
        "messages": Message.objects.filter(ticket__customer=customer_id).exclude(kind=Message.Kind.NOTE),
    }


def _write_list(member: Any, rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    member.write(b"[")
    for row in rows:
        plain = {name: value for name, value in row.items() if name not in _SECRETS}
        member.write((b",\n" if count else b"\n") + msgspec.json.encode(plain))
        count += 1
    member.write(b"\n]\n")
    return count


def _erase_account(customer: Customer, now: datetime) -> None:
    people = list(User.objects.filter(customer=customer))
    emails = [each.email for each in people]
    for model in (EmailAddress, Authenticator, UserSession):
        model.objects.filter(user__in=people).delete()
    Letter.objects.filter(to__in=emails).delete()
    for person in people:
        person.email, person.name, person.is_active = f"erased-{person.pk}@erased.invalid", "", False
        person.set_unusable_password()
        person.save()
    for key in ApiKey.objects.filter(customer=customer):
        key.label, key.addresses, key.prefix, key.revoked_at = "", "", "", key.revoked_at or now
        key.save()  # saved singly: the lane forgets a saved key at once
    customer.name, customer.country = f"Erased customer {customer.pk}", ""
    customer.suspended_at = customer.suspended_at or now
    customer.save()
    funds = FundsRequest.objects.filter(customer=customer)
    Checkout.objects.filter(request__in=funds).update(pay_address="", page_url="")
    funds.update(note="")
    tickets = Ticket.objects.filter(customer=customer)
    Message.objects.filter(ticket__in=tickets).update(text=ERASED)
    tickets.update(subject=ERASED)
    audit_log.write(None, "customer erased", Subject(SubjectType.CUSTOMER, customer.pk), now)


def _erase_orders(customer_id: int) -> None:
    """Takes links and what else was typed out of the customer's orders, some at a time."""
    after = 0
    while True:
        orders = Order.objects.filter(customer=customer_id, pk__gt=after).order_by("pk")
        part = list(orders.values_list("pk", flat=True)[:_AT_ONCE])
        if not part:
            return
        with durable():
            Order.objects.filter(pk__in=part).update(link="", details=None)
            Subscription.objects.filter(order__in=part).update(username="")
            Post.objects.filter(subscription__in=part).update(link="")
        after = part[-1]
