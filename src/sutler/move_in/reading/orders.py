"""Orders: what each was, what it cost, where it stands, and where it is at a provider."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from sutler.core.lifecycle import FINAL, Status
from sutler.core.old_panels import moments, numbers, texts, words
from sutler.core.old_panels.words import OddStatus
from sutler.core.order_types import LONGEST_TEXT, ORDER_TYPES, Measure
from sutler.core.pricing import PER_THOUSAND
from sutler.move_in.reading.catalogue import upstream_service
from sutler.move_in.reading.known import Known, KnownService, fitting_id
from sutler.move_in.sources.family import Row

_DETAILS = ("comments", "usernames", "username", "hashtags", "hashtag", "media")
_LONGEST_DETAIL = 20_000
_NO_UPSTREAM_ID = frozenset({"", "0", "-1", "null"})
_LARGEST_COUNT = 2**53


class OrderRecord(msgspec.Struct, frozen=True, gc=False):
    """An order. The charge is what was taken and not given back; of a canceled one all of it goes back.

    `provider` None: it never was at one that came along. `is_unsent`: staff must look at it before anybody sends it.
    """

    id: int
    customer: int
    currency: str
    service: int
    type: str
    link: str
    quantity: int
    details: str | None
    rate_micros: int
    charge_micros: int
    status: Status
    start_count: int | None
    remains: int
    created_at: datetime
    finished_at: datetime | None
    provider: int | None
    upstream_service: str
    upstream_id: str
    cost_micros: int
    is_unsent: bool = False

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.finished_at is not None


def read_orders(rows: Iterable[Row], known: Known) -> Iterator[OrderRecord]:
    """Yields the orders that can come."""
    for row in rows:
        order = _read(row, known)
        if isinstance(order, str):
            amount = numbers.micros(row["charge"]) or 0
            known.leave("orders", row, order, word=(row["status"] or ""), amount_micros=amount)
        else:
            yield order


def is_running(row: Row) -> bool:
    """Returns whether an order has not ended over there, whatever its word for that."""
    return words.status(row["status"]) not in FINAL


def _hindrance(row: Row, known: Known, upstream_id: str) -> str:
    """Returns why an order cannot come, "" if it can."""
    quantity, charge = numbers.whole(row["quantity"]), numbers.micros(row["charge"])
    is_unknown = words.status(row["status"]) is OddStatus.UNKNOWN and not upstream_id
    hindrances = {
        "the id is above 2147483647": fitting_id(row["id"]) is None,
        f"customer {row['customer']} is gone": fitting_id(row["customer"]) not in known.customers,
        f"the service {row['service']!r} is none": fitting_id(row["service"]) is None,
        f"the quantity {row['quantity']!r} is no number": quantity is None or not 0 <= quantity <= _LARGEST_COUNT,
        f"the charge {row['charge']!r} is no amount": charge is None or charge < 0,
        f"the status {row['status']!r} is unknown, and it is at no provider": is_unknown,
    }
    return next((reason for reason, stands in hindrances.items() if stands), "")


def _read(row: Row, known: Known) -> OrderRecord | str:
    provider, upstream_id = _upstream(row, known)
    if hindrance := _hindrance(row, known, upstream_id):
        return hindrance
    order_id, customer, service_id = int(str(row["id"])), int(str(row["customer"])), int(str(row["service"]))
    quantity, charge = numbers.whole(row["quantity"]) or 0, numbers.micros(row["charge"]) or 0
    word = words.status(row["status"])
    status = _status(word, upstream_id)
    service = _service(service_id, row, known)
    quantity, rate = _quantity_and_rate(service.type, quantity, charge)
    created = moments.moment(row.get("created"), known.zone)
    changed = moments.moment(row.get("changed"), known.zone)
    if created is None:
        known.note("orders", row, "without a date: it comes with the date of its last change, or of today")
        created = changed or known.now
    ended = max(changed or created, created) if status in FINAL else None
    return OrderRecord(
        id=order_id,
        customer=customer,
        currency=known.customers[customer],
        service=service_id,
        type=service.type,
        link=texts.line(row.get("link"), LONGEST_TEXT),
        quantity=quantity,
        details=_details(row),
        rate_micros=rate,
        charge_micros=charge,
        status=status,
        start_count=_count(row.get("start_count")),
        remains=_remains(status, quantity, row),
        created_at=created,
        finished_at=ended,
        provider=provider,
        upstream_service=upstream_service(row.get("upstream_service")) or service.upstream_service,
        upstream_id=upstream_id,
        cost_micros=_cost(row, provider, known) if upstream_id else 0,
        is_unsent=status is Status.PENDING,
    )


def _status(word: Status | OddStatus, upstream_id: str) -> Status:
    if isinstance(word, OddStatus):
        return Status.IN_PROGRESS if upstream_id else Status.PENDING
    # What is at a provider is not handed out again, whatever it is called.
    return Status.PROCESSING if word is Status.PENDING and upstream_id else word


def _upstream(row: Row, known: Known) -> tuple[int | None, str]:
    """Returns the provider and the id there; None and "" for an order that no provider of ours has."""
    upstream_id = (row.get("upstream_id") or "").strip()
    provider = fitting_id(row.get("provider"))
    if upstream_id.lower() in _NO_UPSTREAM_ID or len(upstream_id) > 64 or not upstream_id.isprintable():
        return None, ""
    if provider is None or provider not in known.providers:
        known.note("orders", row, f"its provider {row.get('provider')} is gone: nobody asks about {upstream_id} there")
        return None, ""
    return provider, upstream_id


def _service(service_id: int, row: Row, known: Known) -> KnownService:
    if service_id not in known.services:
        known.services[service_id] = KnownService(
            words.order_type(row.get("type")), f"Service {service_id} of the old panel", is_gone=True
        )
        known.note("orders", row, f"service {service_id} is gone: it comes hidden, for the orders of it")
    return known.services[service_id]


def _quantity_and_rate(order_type: str, quantity: int, charge: int) -> tuple[int, int]:
    """Returns the quantity, and the rate that makes the charge or, where none does, the nearest below it."""
    if ORDER_TYPES[order_type].measure is Measure.ONE:
        return 1, charge
    return quantity, charge * PER_THOUSAND // quantity if quantity else charge


def _remains(status: Status, quantity: int, row: Row) -> int:
    if status is Status.COMPLETED:
        return 0
    if status in {Status.CANCELED, Status.PENDING}:
        return quantity
    # Of what has just begun panels say 0: nothing is known yet. Only a partial one says how much is left.
    said = numbers.whole(row.get("remains"))
    if status is not Status.PARTIAL and not said:
        return quantity
    return min(max(said or 0, 0), quantity)


def _count(text: str | None) -> int | None:
    count = numbers.whole(text) if (text or "").strip() else None
    return count if count is not None and abs(count) <= _LARGEST_COUNT else None


def _cost(row: Row, provider: int | None, known: Known) -> int:
    """Returns what it cost, in the provider's currency; 0 where that is not known."""
    if provider is None:
        return 0
    if (there := row.get("upstream_cost")) is not None:
        return max(numbers.micros(there) or 0, 0)
    return max(numbers.micros(row.get("cost")) or 0, 0) if known.providers[provider] == known.currency else 0


def _details(row: Row) -> str | None:
    found = {each: texts.paragraphs(text, _LONGEST_DETAIL) for each in _DETAILS if (text := row.get(each))}
    runs, interval = numbers.whole(row.get("runs")), numbers.whole(row.get("interval"))
    if runs and runs > 1:
        found |= {"runs": str(runs), "interval": str(interval or 0)}
    found = {name: text for name, text in found.items() if text and text != "[]"}
    return msgspec.json.encode(found).decode() if found else None
