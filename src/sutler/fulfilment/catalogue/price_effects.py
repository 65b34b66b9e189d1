"""What a change would do to the prices and limits of services: found out by doing it and taking it back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction

from sutler.catalogue.models import Service
from sutler.fulfilment.catalogue.repricing import Bounds

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Terms:
    """For what a service is sold: its price, the one that waits, its limits, and whether it is on sale."""

    rate_micros: int
    held_micros: int | None
    bounds: Bounds
    state: str


@dataclass(frozen=True, slots=True)
class Effect:
    """A service, its terms now, and those that it would have."""

    service_id: int
    name: str
    before: Terms
    after: Terms


def rehearse(verb: Callable[[], T]) -> tuple[T, list[Effect]]:
    """Returns what the verb returns and what it would do to every service there is; changes nothing.

    The verb must write to the database alone. Takes the locks that it takes, for as long as it takes.
    """
    with transaction.atomic():
        before = _terms()
        outcome = verb()
        after = _terms()
        transaction.set_rollback(True)
    moved = [pk for pk, (_, terms) in before.items() if pk in after and after[pk][1] != terms]
    return outcome, [Effect(pk, before[pk][0], before[pk][1], after[pk][1]) for pk in moved]


def _terms() -> dict[int, tuple[str, Terms]]:
    columns = ("pk", "name", "rate_micros", "floor_rate_micros", "held_rate_micros", "min", "max", "state")
    rows = Service.objects.order_by("pk").values_list(*columns)
    return {
        pk: (name, Terms(max(rate, floor), held, Bounds(low, high), state))
        for pk, name, rate, floor, held, low, high, state in rows
    }
