"""How a provider's catalogue differs from its last good one. Pure: knows no database."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sutler.core import skipped_rows
from sutler.core.events import Cause, CauseKind, cause
from sutler.core.markup import jumps
from sutler.core.money import Micros, show_rate
from sutler.core.service_row import ServiceRow
from sutler.fulfilment.models import CatalogueChange
from sutler.panels.results import Catalogue

Kind = CatalogueChange.Kind
FLAGS = ("dripfeed", "refill", "cancel")


@dataclass(frozen=True, slots=True)
class Known:
    """A service as we have it: `said` with the rate that was last accepted, and the rate that waits or was dismissed.

    `is_sold`: a route leads to it, so that its price is somebody's cost.
    """

    id: int
    said: ServiceRow
    offered_micros: int | None = None
    is_gone: bool = False
    is_sold: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """One difference in words. `waits`: staff must decide."""

    upstream_id: str
    kind: CatalogueChange.Kind
    before: str = ""
    after: str = ""
    waits: bool = False


@dataclass(slots=True)
class Difference:
    """What is new, what is otherwise from now on, what is gone, and the notes about it.

    `overtaken` holds the ids of services whose waiting prices no longer hold. `broken` says what services that are sold
    on have stopped to promise.
    """

    new: list[ServiceRow] = field(default_factory=list)
    changed: list[Known] = field(default_factory=list)
    gone: list[Known] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    overtaken: list[int] = field(default_factory=list)
    broken: list[Cause] = field(default_factory=list)


def unfit(known: Mapping[str, Known], catalogue: Catalogue) -> Cause | None:
    """Returns why a catalogue cannot be the provider's whole catalogue, or nothing.

    An empty one is none, nor is one without half of what there was.
    """
    if not catalogue.services:
        if not catalogue.dropped:
            return cause(CauseKind.EMPTY)
        reasons = skipped_rows.counted(catalogue.left_out())
        return cause(CauseKind.CATALOGUE_UNREADABLE, count=len(catalogue.dropped), reasons=reasons)
    there = sum(not each.is_gone for each in known.values())
    gone = sum(1 for _ in _gone(known, catalogue))
    return cause(CauseKind.CATALOGUE_SHRUNK, gone=gone, there=there) if 2 * gone > there else None


def compare(known: Mapping[str, Known], catalogue: Catalogue) -> Difference:
    """Returns how the catalogue differs from what is known. What was dropped is neither gone nor changed."""
    found = Difference()
    for said in catalogue.services:
        had = known.get(said.upstream_id)
        if had is None:
            found.new.append(said)
            if known:  # of a first catalogue everything is new
                found.notes.append(Note(said.upstream_id, Kind.NEW, after=_named(said)))
        elif said != had.said or had.is_gone or had.offered_micros is not None:
            _compare_one(had, said, found)
    for had in _gone(known, catalogue):
        found.gone.append(replace(had, is_gone=True))
        found.notes.append(Note(had.said.upstream_id, Kind.GONE, before=_named(had.said)))
    return found


def _gone(known: Mapping[str, Known], catalogue: Catalogue) -> Iterator[Known]:
    seen = {each.upstream_id for each in catalogue.services} | {each.upstream_id for each in catalogue.dropped}
    return (had for upstream_id, had in known.items() if not had.is_gone and upstream_id not in seen)


def _compare_one(had: Known, said: ServiceRow, found: Difference) -> None:
    rate, offered = _price(had, said)
    now = Known(had.id, replace(said, rate_micros=rate), offered, is_gone=False, is_sold=had.is_sold)
    if now == had:
        return
    found.changed.append(now)
    if offered != had.offered_micros:
        found.overtaken.append(had.id)
    found.notes += _notes(had, now, said)
    if had.is_sold:
        found.broken += _broken(had.said, said)


def _price(had: Known, said: ServiceRow) -> tuple[Micros, int | None]:
    """Returns the rate that counts, and the one that waits: a jump, where we sell the service on."""
    if had.is_sold and jumps(had.said.rate_micros, said.rate_micros):
        return had.said.rate_micros, said.rate_micros
    return said.rate_micros, None


def _notes(had: Known, now: Known, said: ServiceRow) -> Iterator[Note]:
    before, id_ = had.said, said.upstream_id
    if had.is_gone:
        yield Note(id_, Kind.BACK, after=_named(said))
    if (said.name, said.category) != (before.name, before.category):
        yield Note(id_, Kind.NAME, _named(before), _named(said))
    if said.type != before.type:
        yield Note(id_, Kind.TYPE, before.raw_type, said.raw_type)
    if (said.min, said.max) != (before.min, before.max):
        yield Note(id_, Kind.LIMITS, f"{before.min} - {before.max}", f"{said.min} - {said.max}")
    if _flags(said) != _flags(before):
        yield Note(id_, Kind.FLAGS, _flags(before), _flags(said))
    if now.offered_micros is not None and now.offered_micros != had.offered_micros:
        yield Note(id_, Kind.PRICE, show_rate(before.rate_micros), show_rate(now.offered_micros), waits=True)
    elif now.said.rate_micros != before.rate_micros:
        yield Note(id_, Kind.PRICE, show_rate(before.rate_micros), show_rate(now.said.rate_micros))


def _broken(before: ServiceRow, said: ServiceRow) -> Iterable[Cause]:
    if said.type != before.type:
        kind = CauseKind.TYPE_CHANGED if said.raw_type else CauseKind.TYPE_LOST
        yield cause(kind, id=said.upstream_id, type=said.raw_type)
    lost: Collection[str] = [name for name in FLAGS if getattr(before, name) and not getattr(said, name)]
    if lost:
        yield cause(CauseKind.PROMISE_LOST, id=said.upstream_id, promises=", ".join(lost))


def _flags(said: ServiceRow) -> str:
    return " ".join(name for name in FLAGS if getattr(said, name)) or "none"


def _named(said: ServiceRow) -> str:
    return f"{said.category}: {said.name}"[:500] if said.category else said.name
