"""Taking services in from a file: what would come of each row, and doing it.

A file's ids are its writer's. Where one is the id of a service of ours, nothing of ours changes unless that was asked.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.catalogue import service_store
from sutler.catalogue.models import Service
from sutler.catalogue.service_file import Fault, Offer
from sutler.core.markup import rises_too_far
from sutler.core.money import show_rate
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.catalogue import repricing
from sutler.fulfilment.models import PriceRule
from sutler.storage.transactions import durable

BATCH = 500
LONGEST_SHOWN = 80


class IfTaken(StrEnum):
    """What becomes of a row whose id is that of a service of ours."""

    LEAVE_OUT = "leave-out"
    UPDATE = "update"
    NEW_ID = "new-id"


class LeftOutFor(StrEnum):
    """Why a row that can be read is left out."""

    TAKEN = "its ID is that of a service of ours"
    TYPE = "it is of another type than our service, which cannot be changed"
    RISE = "its rate would rise by more than 30 %"


@dataclass(frozen=True, slots=True)
class Change:
    """A service of ours, and what of it the file changes: column, value now, value then, as people read them."""

    service_id: int
    name: str
    differences: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file comes to. `left_out` has what each row is called, and why it is left out."""

    new: tuple[Offer, ...]
    updates: tuple[Offer, ...]
    changes: tuple[Change, ...]
    unchanged: int
    left_out: tuple[Fault, ...]


def plan(offers: Sequence[Offer], faults: Sequence[Fault], if_taken: IfTaken, *, accept_rises: bool = False) -> Plan:
    """Returns what `take_in` would do with the rows that were read and those that could not be; changes nothing."""
    new: list[Offer] = []
    updates: list[Offer] = []
    changes: list[Change] = []
    left_out = list(faults)
    unchanged = 0
    for start in range(0, len(offers), BATCH):
        batch = offers[start : start + BATCH]
        there = Service.objects.select_related("category").in_bulk([each.service_id for each in batch])
        ruled = set(PriceRule.objects.filter(service__in=list(there)).values_list("pk", flat=True))
        for offer in batch:
            service = there.get(offer.service_id or 0)
            if service is None or if_taken is IfTaken.NEW_ID:
                new.append(replace(offer, service_id=None) if service else offer)
                continue
            wanted = _without_rate(offer) if service.pk in ruled else offer
            why = _why_left_out(service, wanted, if_taken, accept_rises=accept_rises)
            differences = _differences(service, wanted)
            if why:
                left_out.append((_named(service, wanted), why))
            elif differences:
                updates.append(wanted)
                changes.append(Change(service.pk, service.name, differences))
            else:
                unchanged += 1
    return Plan(tuple(new), tuple(updates), tuple(changes), unchanged, tuple(left_out))


def take_in(
    offers: Sequence[Offer],
    faults: Sequence[Fault],
    if_taken: IfTaken,
    actor: User | None,
    now: datetime,
    *,
    accept_rises: bool = False,
    track: Callable[[range], Iterable[int]] = iter,
) -> Plan:
    """Stores what can be stored of a file, in one transaction, and returns what came of it.

    Services that are delivered by routes follow those. `track` goes over the batches, so that progress can be shown.
    """
    with durable():
        found = plan(offers, faults, if_taken, accept_rises=accept_rises)
        if not found.new and not found.updates:
            return found
        routed = Service.objects.filter(pk__in=_routed([each.service_id or 0 for each in found.updates]))
        stood = repricing.bounds(routed)
        service_store.store([*found.new, *found.updates], now, track)
        repricing.adjust(routed, stood, now)
        after = {"new": len(found.new), "changed": len(found.updates), "left out": len(found.left_out)}
        changed = {str(each.service_id): _audited(each) for each in found.changes[:BATCH]}
        services = Subject(SubjectType.SERVICES, len(found.new) + len(found.updates))
        audit_log.write(actor, "services imported", services, now, after=after | changed)
    return found


def _routed(ids: Sequence[int]) -> list[int]:
    found: list[int] = []
    for start in range(0, len(ids), BATCH):
        named = Service.objects.filter(pk__in=ids[start : start + BATCH], routes__gt=0)
        found += named.distinct().values_list("pk", flat=True)
    return found


def _without_rate(offer: Offer) -> Offer:
    """Returns the offer for a service whose price follows a rule, and not a file."""
    return replace(offer, fields={name: value for name, value in offer.fields.items() if name != "rate_micros"})


def _why_left_out(service: Service, offer: Offer, if_taken: IfTaken, *, accept_rises: bool) -> str:
    if if_taken is IfTaken.LEAVE_OUT:
        return LeftOutFor.TAKEN
    if offer.fields["type"] != service.type:
        return LeftOutFor.TYPE
    rises = rises_too_far(service.rate_micros, offer.fields.get("rate_micros", 0))
    return LeftOutFor.RISE if rises and not accept_rises else ""


def _named(service: Service, offer: Offer) -> str:
    """Returns how a row is called that meets a service of ours: by it, and by what the file would make of it."""
    told = (f"{column}: {before} -> {after}" for column, before, after in _differences(service, offer))
    return f"{service.pk} {service.name}: {'; '.join(told) or 'the same'}"


def _differences(service: Service, offer: Offer) -> tuple[tuple[str, str, str], ...]:
    before: dict[str, Any] = {"category": service.category.name}
    after: dict[str, Any] = {"category": offer.category}
    for name, value in offer.fields.items():
        before[name], after[name] = getattr(service, name), value
    return tuple(
        (name.removesuffix("_micros"), _shown(name, before[name]), _shown(name, after[name]))
        for name in after
        if before[name] != after[name]
    )


def _shown(column: str, value: Any) -> str:
    shown = show_rate(value) if column == "rate_micros" else str(value)
    return shown if len(shown) <= LONGEST_SHOWN else shown[:LONGEST_SHOWN] + "..."


def _audited(change: Change) -> str:
    return "; ".join(f"{column}: {before} -> {after}" for column, before, after in change.differences)[:500]
