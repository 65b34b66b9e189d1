"""Customers, what they may sign in with, and what they pay."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from zoneinfo import available_timezones

import msgspec

from sutler.core.money import is_currency
from sutler.core.old_panels import moments, numbers, texts
from sutler.core.old_panels.passwords import stored_password
from sutler.core.pricing import WHOLE_PRICE_BASIS_POINTS
from sutler.move_in.reading.known import Known, fitting_id
from sutler.move_in.sources.family import Row

_EMAIL = re.compile(r"[^\s@\"'<>(),;:\\]{1,64}@[^\s@\"'<>(),;:\\]{1,180}\.[^\s@\"'<>(),;:\\.]{2,63}")
_KEY = re.compile(r"[\x21-\x7e]{16,128}")
_LANGUAGES = frozenset({"en", "ru"})
LONGEST_NAME = 200


class CustomerRecord(msgspec.Struct, frozen=True, gc=False):
    """A customer: `email` is "" for one who cannot sign in, `password` what Django keeps of it, "" for a reset.

    Of the API key there is only its digest and its first letters.
    """

    id: int
    name: str
    email: str
    password: str
    key_digest: str
    key_prefix: str
    balance_micros: int
    credit_limit_micros: int
    currency: str
    discount_basis_points: int
    is_active: bool
    language: str
    time_zone: str
    created_at: datetime


class PriceRecord(msgspec.Struct, frozen=True, gc=False):
    """What one customer pays for one service, in the base currency."""

    customer: int
    service: int
    rate_micros: int


def read_customers(rows: Iterable[Row], known: Known) -> Iterator[CustomerRecord]:
    """Yields the customers that can come. Of two with one address the first signs in by it; both keep their keys."""
    for row in rows:
        customer_id = fitting_id(row["id"])
        balance = numbers.micros(row.get("balance"))
        if customer_id is None or balance is None:
            reason = "the id is above 2147483647" if customer_id is None else f"the balance {row['balance']!r} is none"
            known.leave("customers", row, reason, word=_currency(row, known), amount_micros=balance or 0)
            continue
        known.customers[customer_id] = currency = _currency(row, known)
        email = _email(row, customer_id, known)
        digest, prefix = _key_of(row, customer_id, known)
        password = stored_password(row.get("password"))
        if email and not password:
            known.note("customers", row, "the password is kept in a weak or unknown way: it has to be set anew")
        yield CustomerRecord(
            id=customer_id,
            name=_name(row) or f"Customer {customer_id}",
            email=email,
            password=password,
            key_digest=digest,
            key_prefix=prefix,
            balance_micros=balance,
            credit_limit_micros=_credit_limit(row, balance, known),
            currency=currency,
            discount_basis_points=_discount(row, known),
            is_active=known.family.flag("customers", "is_on", row, default=True),
            language=language if (language := (row.get("language") or "")[:2].lower()) in _LANGUAGES else "",
            time_zone=_zone(row.get("time_zone")),
            created_at=moments.moment(row.get("created"), known.zone) or known.now,
        )


def read_prices(rows: Iterable[Row], known: Known) -> Iterator[PriceRecord]:
    """Yields customers' own prices; a second one for the same service is left behind where it is written."""
    for row in rows:
        customer, service = fitting_id(row["customer"]), fitting_id(row["service"])
        rate = numbers.micros(row["rate"])
        if customer not in known.customers or service not in known.services:
            known.leave("prices", row, f"customer {row['customer']} or service {row['service']} is gone")
        elif rate is None or rate <= 0:
            known.leave("prices", row, f"the price {row['rate']!r} is not above 0")
        elif customer is not None and service is not None:
            yield PriceRecord(customer, service, rate)


def _name(row: Row) -> str:
    names = (texts.line(row.get(each), LONGEST_NAME) for each in ("name", "first_name", "last_name"))
    return " ".join(filter(None, names))[:LONGEST_NAME] or texts.line(row.get("username"), LONGEST_NAME)


def _currency(row: Row, known: Known) -> str:
    code = (row.get("currency") or "").strip().upper()
    return code if is_currency(code) else known.currency


def _email(row: Row, customer_id: int, known: Known) -> str:
    email = texts.line(row.get("email"), 254).lower()
    if not _EMAIL.fullmatch(email):
        known.note("customers", row, "without an email address: nobody can sign in, the API key works")
        return ""
    first = known.emails.setdefault(email, customer_id)
    if first != customer_id:
        known.note("customers", row, f"has the email address of customer {first}, who signs in by it; the key works")
        return ""
    return email


def _key_of(row: Row, customer_id: int, known: Known) -> tuple[str, str]:
    key = (row.get("api_key") or "").strip()
    if not key:
        return "", ""
    if not _KEY.fullmatch(key):
        known.note("customers", row, "the API key is no key: too short, or with odd characters")
        return "", ""
    digest = hashlib.sha256(key.encode()).hexdigest()
    first = known.keys.setdefault(digest, customer_id)
    if first != customer_id:
        known.note("customers", row, f"has the API key of customer {first}: a new one must be made")
        return "", ""
    return digest, key[:8]


def _credit_limit(row: Row, balance: int, known: Known) -> int:
    allowed = max(numbers.micros(row.get("credit_limit")) or 0, 0)
    if balance < -allowed:
        known.note("customers", row, "the balance is below zero: it comes with a credit limit of as much")
    return max(allowed, -balance, 0)


def _discount(row: Row, known: Known) -> int:
    percent = numbers.micros(row.get("discount_percent")) or 0
    points = percent // 10_000
    if 0 <= points < WHOLE_PRICE_BASIS_POINTS:
        return points
    known.note("customers", row, f"the discount of {row['discount_percent']} % does not come: prices rise nowhere")
    return 0


def _zone(text: str | None) -> str:
    name = (text or "").strip()
    return name if name in _zones() else ""


@cache
def _zones() -> set[str]:
    return available_timezones()
