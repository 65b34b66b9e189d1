"""What a program of staff narrows its wishes by: services, ids, statuses, moments, and how many at a time."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sutler.api.admin_order import read_count, read_id, read_ids, read_status
from sutler.core.lifecycle import Status
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.desk.desk import MOST_LISTED, Wanted

USUAL_LIMIT = 100
# The end of the year 9999, past which no moment can be written.
_LAST_SECOND = 253_402_300_799


def read_pull(fields: Mapping[str, Any]) -> tuple[list[int] | None, int] | Refusal:
    """Reads `service_ids` (missing: all) and `limit` (missing: 100) of a pull.

    Refuses with INCORRECT_FIELD. An empty list of services is refused: it is not meant to be all of them.
    """
    read = _read(fields, {"service_ids": _read_numbers, "limit": _read_positive})
    return read if isinstance(read, Refusal) else (read.get("service_ids"), read.get("limit", USUAL_LIMIT))


def read_wanted(fields: Mapping[str, Any]) -> Wanted | Refusal:
    """Reads what a list of orders is to hold.

    `ids` and `service_ids` (at most 1,000 each) and `status` (or `order_status`) are lists with commas; `id_from`,
    `id_to`, `created_from` and `created_to` (seconds since 1970) are bounds inside the range; `sort` is `date-desc`
    (newest first) or `date-asc`; `limit` (100 if missing, at most 1,000) and `offset` turn the pages. Refuses with
    INCORRECT_FIELD.
    """
    read = _read(fields, {name: reader for name, (_, reader) in _FILTERS.items()})
    if isinstance(read, Refusal):
        return read
    return Wanted(**{_FILTERS[name][0]: value for name, value in read.items()})


def _read(fields: Mapping[str, Any], readers: "Mapping[str, _Reader]") -> dict[str, Any] | Refusal:
    """Reads those of the fields that were sent with anything in them; `service_ids` also where it is empty."""
    found = {}
    for name, reader in readers.items():
        sent = fields.get(name)
        if sent is None or (sent == "" and name != "service_ids"):
            continue
        found[name] = reader(sent)
        if found[name] is None:
            return Refusal(Reason.INCORRECT_FIELD, name)
    return found


def _read_numbers(value: object) -> list[int] | None:
    ids = read_ids(value) or []
    numbers = [number for _, number in ids if number]
    return numbers if 0 < len(numbers) == len(ids) <= MOST_LISTED else None


def _read_statuses(value: object) -> list[Status] | None:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list):
        return None
    statuses = [status for word in words if (status := read_status(word))]
    return statuses if statuses and len(statuses) == len(words) else None


def _read_positive(value: object) -> int | None:
    """Returns the count, or None; 0 is the usual limit, as programs of other panels expect."""
    count = read_count(value)
    return None if count is None or count < 0 else count or USUAL_LIMIT


def _read_offset(value: object) -> int | None:
    count = read_count(value)
    return None if count is None or count < 0 else count


def _read_moment(value: object) -> datetime | None:
    seconds = read_count(value)
    return None if seconds is None or not 0 <= seconds <= _LAST_SECOND else datetime.fromtimestamp(seconds, UTC)


def _read_sort(value: object) -> bool | None:
    return {"date-desc": True, "date-asc": False}.get(value) if isinstance(value, str) else None


_Reader = Callable[[object], Any]
_FILTERS: dict[str, tuple[str, _Reader]] = {
    "ids": ("ids", _read_numbers),
    "order_status": ("statuses", _read_statuses),
    "status": ("statuses", _read_statuses),
    "service_ids": ("service_ids", _read_numbers),
    "id_from": ("first_id", read_id),
    "id_to": ("last_id", read_id),
    "created_from": ("created_from", _read_moment),
    "created_to": ("created_until", _read_moment),
    "sort": ("newest_first", _read_sort),
    "limit": ("limit", _read_positive),
    "offset": ("offset", _read_offset),
}
