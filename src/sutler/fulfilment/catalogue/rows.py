"""Reading and writing a provider's catalogue as it is stored, ten thousand rows at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from sutler.core.money import Micros
from sutler.core.service_row import ServiceRow as Said
from sutler.fulfilment.catalogue.diff import Difference, Known, Note
from sutler.fulfilment.models import CatalogueChange, Route, UpstreamService
from sutler.storage.statements import Statement, moment, run

OVERTAKEN = "overtaken"

_SAID = {
    "name": "text",
    "category": "text",
    "type": "text",
    "raw_type": "text",
    "rate_micros": "bigint",
    "min": "integer",
    "max": "integer",
    "dripfeed": "boolean",
    "refill": "boolean",
    "cancel": "boolean",
}
_NAMES = ", ".join(_SAID)
_INSERT = Statement(
    f"INSERT INTO fulfilment_upstreamservice (provider_id, upstream_id, seen_at, {_NAMES})"  # noqa: S608
    f" SELECT provider_id, upstream_id, seen_at, {_NAMES} FROM {{rows}} WHERE 1 = 1 RETURNING upstream_id, id",
    {"provider_id": "bigint", "upstream_id": "text", "seen_at": "timestamptz", **_SAID},
)
_UPDATE = Statement(
    f"UPDATE fulfilment_upstreamservice SET {', '.join(f'{name} = rows.{name}' for name in _SAID)},"  # noqa: S608
    " offered_micros = rows.offered_micros, seen_at = rows.seen_at, gone_at = rows.gone_at"
    " FROM {rows} WHERE fulfilment_upstreamservice.id = rows.id",
    {"id": "bigint", "offered_micros": "bigint", "seen_at": "timestamptz", "gone_at": "timestamptz", **_SAID},
)
_OVERTAKE = Statement(
    "UPDATE fulfilment_cataloguechange SET state = 'dismissed', decided_by = rows.decided_by"
    " FROM {rows} WHERE upstream_service_id = rows.id AND fulfilment_cataloguechange.state = 'waiting'",
    {"id": "bigint", "decided_by": "text"},
)
_INSERT_CHANGES = Statement(
    "INSERT INTO fulfilment_cataloguechange (upstream_service_id, kind, before, after, at, state, decided_by)"
    " SELECT upstream_service_id, kind, before_, after_, at_, state, '' FROM {rows} WHERE 1 = 1",
    {
        "upstream_service_id": "bigint",
        "kind": "text",
        "before_": "text",
        "after_": "text",
        "at_": "timestamptz",
        "state": "text",
    },
)


def known(provider_id: int) -> dict[str, Known]:
    """Returns all that is known of a provider's catalogue, by upstream id; what is gone too."""
    upstream_services = UpstreamService.objects.filter(provider=provider_id)
    is_sold = Exists(Route.objects.filter(upstream_service=OuterRef("pk")))
    rows = upstream_services.annotate(is_sold=is_sold).values_list(
        "pk", "offered_micros", "gone_at", "is_sold", "upstream_id", *_SAID
    )
    return {each.said.upstream_id: each for each in map(_known, rows.iterator(5_000))}


def write(provider_id: int, there: Mapping[str, Known], difference: Difference, now: datetime) -> None:
    """Writes the difference, in the caller's transaction; writes nothing where there is none."""
    at = moment(now)
    ids = {upstream_id: each.id for upstream_id, each in there.items()}
    made = run(_INSERT, [(provider_id, each.upstream_id, at, *_columns(each)) for each in difference.new])
    ids.update((upstream_id, row_id) for upstream_id, row_id in made)
    run(_UPDATE, [(each.id, each.offered_micros, at, None, *_columns(each.said)) for each in difference.changed])
    run(_UPDATE, [(each.id, each.offered_micros, at, at, *_columns(each.said)) for each in difference.gone])
    run(_OVERTAKE, [(each, OVERTAKEN) for each in difference.overtaken])
    run(_INSERT_CHANGES, [_change(ids[each.upstream_id], each, at) for each in difference.notes])


def _known(row: Sequence[Any]) -> Known:
    row_id, offered, gone_at, is_sold, upstream_id, name, category, type_, raw_type, rate, *rest = row
    said = Said(upstream_id, name, category, type_, raw_type, Micros(rate), *rest)
    return Known(row_id, said, offered, gone_at is not None, bool(is_sold))


def _columns(said: Said) -> tuple[object, ...]:
    return (
        said.name,
        said.category,
        said.type,
        said.raw_type,
        said.rate_micros,
        said.min,
        said.max,
        said.dripfeed,
        said.refill,
        said.cancel,
    )


def _change(row_id: int, note: Note, at: str) -> tuple[object, ...]:
    state = CatalogueChange.State.WAITING if note.waits else CatalogueChange.State.NOTED
    return row_id, str(note.kind), note.before, note.after, at, str(state)
