"""Customers: opened with a currency, changed, suspended and resumed."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from sutler.accounts import audit_log
from sutler.accounts.models import Customer, CustomerGroup, User
from sutler.core.countries import CODES
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text.text_input import one_line

LONGEST_NAME, LONGEST_REASON = 200, 500
LONGEST_REPEAT_WINDOW_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Draft:
    """What staff say of a customer: who and where they are, and how their programs want to be answered."""

    name: str
    country: str = ""
    repeat_window_seconds: int = 0
    integer_services: bool = False
    null_start_count: bool = False


def create(name: str, currency: str, now: datetime, group: CustomerGroup | None = None) -> Customer:
    """Stores a customer. `books.post.open_wallet` belongs to the same transaction: a customer always has a wallet."""
    return Customer.objects.create(name=name, currency=currency, group=group, created_at=now)


def change(customer_id: int, draft: Draft, actor: User | None, now: datetime) -> Refusal | None:
    """Stores what staff say of a customer.

    Refuses with NOT_FOUND, INCORRECT_FIELD `name`, `country` (no ISO code) or `repeat_window_seconds` (over a week).
    """
    called, country = one_line(draft.name, LONGEST_NAME), draft.country.strip().upper()
    faults = {
        "name": not called,
        "country": bool(country) and country not in CODES,
        "repeat_window_seconds": not 0 <= draft.repeat_window_seconds <= LONGEST_REPEAT_WINDOW_SECONDS,
    }
    for field, is_wrong in faults.items():
        if is_wrong:
            return Refusal(Reason.INCORRECT_FIELD, field)
    values: dict[str, object] = {
        "name": called,
        "country": country,
        "repeat_window_seconds": draft.repeat_window_seconds,
        "integer_services": draft.integer_services,
        "null_start_count": draft.null_start_count,
    }
    return _save(customer_id, "customer changed", values, actor, now)


def say_country(customer_id: int, country: str) -> Refusal | None:
    """Stores the country that a customer names themselves, once: afterwards only staff change it, by `change`.

    Refuses with INCORRECT_FIELD `country` (no ISO code), MOVE_NOT_ALLOWED (another is known already).
    """
    said = country.strip().upper()
    if said not in CODES:
        return Refusal(Reason.INCORRECT_FIELD, "country")
    told = Customer.objects.filter(pk=customer_id, country__in=("", said)).update(country=said)
    return None if told else Refusal(Reason.MOVE_NOT_ALLOWED, "country")


def set_group(customer_id: int, group: CustomerGroup | None, actor: User | None, now: datetime) -> Refusal | None:
    """Puts a customer into a group, or into none. Refuses with NOT_FOUND."""
    return _save(customer_id, "group set", {"group": group}, actor, now)


def suspend(customer_id: int, now: datetime, *, reason: str = "", actor: User | None = None) -> bool:
    """Takes no orders from a customer until resumed. Returns False if there is no such customer."""
    return _save(customer_id, "customer suspended", {"suspended_at": now}, actor, now, reason) is None


def resume(customer_id: int, now: datetime, *, reason: str = "", actor: User | None = None) -> bool:
    """Takes orders from a suspended customer again. Returns False if there is no such customer."""
    return _save(customer_id, "customer resumed", {"suspended_at": None}, actor, now, reason) is None


def set_country(customer_id: int, country: str) -> Refusal | None:
    """Says where a customer is: an ISO code, or nothing for not known. Refuses with INCORRECT_FIELD `country`."""
    code = country.strip().upper()
    if code and code not in CODES:
        return Refusal(Reason.INCORRECT_FIELD, "country")
    Customer.objects.filter(pk=customer_id).update(country=code)
    return None


def _save(
    customer_id: int, action: str, values: dict[str, object], actor: User | None, now: datetime, reason: str = ""
) -> Refusal | None:
    """Stores what differs, with a line in the audit log; where nothing differs, there is none."""
    with transaction.atomic():
        found = Customer.objects.select_for_update(of=("self",)).select_related("group").filter(pk=customer_id).first()
        if found is None:
            return Refusal(Reason.NOT_FOUND)
        before = {name: _shown(getattr(found, name)) for name in values}
        after = {name: _shown(value) for name, value in values.items()}
        changed = [name for name in values if before[name] != after[name]]
        if changed:
            for name in changed:
                setattr(found, name, values[name])
            found.save(update_fields=changed)  # saved singly: the lane forgets the customer's keys at once
            was, became = ({name: each[name] for name in changed} for each in (before, after))
            audit_log.write(
                actor, action, Subject(SubjectType.CUSTOMER, customer_id), now, reason=reason, before=was, after=became
            )
    return None


def _shown(value: object) -> object:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    return value if isinstance(value, str | int | bool | None) else str(value)
