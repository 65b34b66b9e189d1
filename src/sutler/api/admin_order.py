"""Orders as the fulfilment interface writes and reads them: ids, statuses in snake case, reports, items."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sutler.api.read_request import id_of
from sutler.core.lifecycle import RefillStatus, Status
from sutler.core.money import show_charge
from sutler.core.refusals import Reason, Refusal
from sutler.orders.models import Order
from sutler.orders.move import Report

# Pages with thousands of millions of views still fit; nothing near a BIGINT's end does.
_LARGEST_COUNT = 10**15


def read_ids(value: object) -> list[tuple[object, int | None]] | None:
    """Returns the ids of a list, or of a text with commas, as (what was sent, id or None); None if it is neither."""
    if isinstance(value, str):
        value = [token for token in value.split(",") if token.strip()]
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    return [(each, read_id(each)) for each in value] if isinstance(value, list) else None


def read_id(value: object) -> int | None:
    """Returns the id that a number or a text of digits writes, or None."""
    return id_of(_written(value))


def read_count(value: object) -> int | None:
    """Returns the count that a number or a text of digits writes, with or without a minus sign, or None."""
    text = _written(value)
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 16):
        return None
    count = int(text)
    return count if abs(count) <= _LARGEST_COUNT else None


def echo(sent: object) -> int | str | None:
    """Returns an id as it is answered: as a number if it is one, else what was sent, as text that can be answered."""
    number = read_id(sent)
    return number or (sent.strip()[:100].encode("utf-8", "replace").decode() if isinstance(sent, str) else None)


def _written(value: object) -> str:
    """Returns a number of JSON as a form would carry it, nothing for what is neither number nor text."""
    if isinstance(value, str):
        return value.strip()
    is_number = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_COUNT
    return str(value) if is_number else ""


def snake(status: str) -> str:
    """Returns a status as this interface writes it: `in_progress`."""
    return status.lower().replace(" ", "_")


# Programs that were written for other panels spell two of them in their own way.
_STATUSES = {snake(each): each for each in Status} | {"inprogress": Status.IN_PROGRESS, "cancelled": Status.CANCELED}
_REFILL_STATUSES = {snake(each): each for each in RefillStatus}


def read_status(value: object) -> Status | None:
    """Returns the status that a text names, in snake case or as customers see it, or None."""
    return _STATUSES.get(snake(value.strip())) if isinstance(value, str) else None


def read_refill_status(value: object) -> RefillStatus | None:
    """Returns the status of a refill that a text names, in snake case or as customers see it, or None."""
    return _REFILL_STATUSES.get(snake(value.strip())) if isinstance(value, str) else None


def read_report(order_id: int, sent: Mapping[str, Any]) -> Report | Refusal:
    """Reads what is said of an order: `status`, `start_count`, `remains`; missing or null means nothing said.

    Refuses with INCORRECT_FIELD naming the first that is malformed, INCORRECT_REQUEST if nothing is said at all.
    """
    read_by: tuple[tuple[str, Callable[[object], Any]], ...] = (
        ("status", read_status),
        ("start_count", read_count),
        ("remains", read_count),
    )
    said = {}
    for name, reader in read_by:
        if sent.get(name) is None:
            continue
        value = reader(sent[name])
        if value is None or (name == "start_count" and value < 0):
            return Refusal(Reason.INCORRECT_FIELD, name)
        said[name] = value
    return Report(order_id, **said) if said else Refusal(Reason.INCORRECT_REQUEST)


def order_item(order: Order) -> dict[str, Any]:
    """Returns an order as this interface shows it, the fields of its type beside the others."""
    return (
        (order.details or {})
        | {
            "id": order.pk,
            "user": order.customer.name,
            "charge": show_charge(order.charge_micros - order.returned_micros),
            "currency": order.currency,
            "link": order.link,
            "quantity": order.quantity,
            "start_count": order.start_count,
            "remains": order.remains,
            "service_id": order.service_id,
            "service_name": order.service.name,
            "service_type": order.type,
            "status": snake(order.status),
            "parent_id": order.parent_id,
        }
        | moment_fields(order.created_at)
    )


def moment_fields(created: datetime) -> dict[str, Any]:
    """Returns when something was asked for, as text and in seconds since 1970."""
    return {"created": moment_text(created), "created_timestamp": int(created.timestamp())}


def moment_text(moment: datetime) -> str:
    """Returns a moment in ISO 8601, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
