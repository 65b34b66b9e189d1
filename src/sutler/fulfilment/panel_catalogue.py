"""Reading the `services` of an upstream panel, entry by entry: whatever is wrong with one spoils no other. Pure."""

from collections.abc import Mapping
from typing import Any

from sutler.core.order_types import LARGEST_NUMBER
from sutler.core.upstream_words import read_cost_micros, read_flag, read_id, read_limits, read_text, read_type
from sutler.fulfilment.panel_answers import Catalogue, Dropped, NoAnswer, UpstreamService

LONGEST_NAME, LONGEST_CATEGORY, LONGEST_TYPE = 500, 200, 60
MOST_ENTRIES = 50_000


def catalogue(answer: Any) -> Catalogue | NoAnswer:
    """Reads a list of services, a list or an object of objects under `data`, or an object of objects.

    Entries that cannot be used are dropped, each with its reason; of two with one id the first is kept.
    """
    entries = _entries(answer)
    if entries is None:
        return NoAnswer("the answer is no list of services")
    if len(entries) > MOST_ENTRIES:
        return NoAnswer(f"the answer has more than {MOST_ENTRIES} services")
    services: dict[str, UpstreamService] = {}
    dropped = []
    for entry in entries:
        read = _read(entry)
        if isinstance(read, UpstreamService) and read.upstream_id in services:
            read = Dropped(read.upstream_id, "its id stands in an earlier entry already")
        if isinstance(read, Dropped):
            dropped.append(read)
        else:
            services[read.upstream_id] = read
    return Catalogue(tuple(services.values()), tuple(dropped))


def _entries(answer: Any) -> list[Any] | None:
    """Returns what stands where services should, or None where nothing looks like one."""
    if isinstance(answer, dict) and isinstance(answer.get("data"), (list, dict)):
        answer = answer["data"]
    entries = list(answer.values()) if isinstance(answer, dict) else answer
    if not isinstance(entries, list) or (entries and not any(isinstance(each, dict) for each in entries)):
        return None
    return entries


def _read(entry: Any) -> UpstreamService | Dropped:
    if not isinstance(entry, dict):
        return Dropped("", "it is no object")
    upstream_id = read_id(entry.get("service"))
    if upstream_id is None:
        return Dropped("", "its id cannot be read")
    name = read_text(entry.get("name"), LONGEST_NAME)
    rate_micros = read_cost_micros(entry.get("rate"))
    limits = _limits(entry)
    if not name:
        return Dropped(upstream_id, "it has no name")
    if not rate_micros:
        return Dropped(upstream_id, "its rate is no amount above 0")
    if limits is None:
        return Dropped(upstream_id, "its min and max are no limits")
    return UpstreamService(
        upstream_id=upstream_id,
        name=name,
        category=read_text(entry.get("category"), LONGEST_CATEGORY),
        type=read_type(entry.get("type")),
        raw_type=read_text(entry.get("type"), LONGEST_TYPE),
        rate_micros=rate_micros,
        min=limits[0],
        max=limits[1],
        dripfeed=read_flag(entry.get("dripfeed")),
        refill=read_flag(entry.get("refill")),
        cancel=read_flag(entry.get("cancel")),
    )


def _limits(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """Returns min and max, within what this panel can sell; None if they are no numbers or cross."""
    limits = read_limits(entry.get("min"), entry.get("max"))
    if limits is None:
        return None
    low, high = max(limits[0], 1), min(limits[1], LARGEST_NUMBER)
    return (low, high) if low <= high else None
