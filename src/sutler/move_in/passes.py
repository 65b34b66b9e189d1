"""One pass over the old panel: every list in batches by key, each batch and its mark in one transaction.

`load`, `shadow` and `cut_over` are the same pass. Orders that still run over there wait for a later one: only the
cut-over takes them, since until then the old panel follows them itself.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import BigIntegerField, Max
from django.db.models.functions import Cast

from sutler.accounts.models import Customer
from sutler.catalogue import exchange_rates
from sutler.catalogue.models import Service
from sutler.core.old_panels import numbers
from sutler.fulfilment.models import Provider, UpstreamOrder
from sutler.move_in.models import Finding, Mark, Move, RunningOrder
from sutler.move_in.reading.catalogue import read_categories, read_providers, read_services
from sutler.move_in.reading.customers import read_customers, read_prices
from sutler.move_in.reading.known import Known, Remark, ids
from sutler.move_in.reading.orders import is_running, read_orders
from sutler.move_in.reading.talk import read_messages, read_payments, read_tickets
from sutler.move_in.sources.family import Family, Layout, Row
from sutler.move_in.writing import catalogue, customers, sequences, talk
from sutler.move_in.writing.balances import write_balances
from sutler.move_in.writing.orders import OrderWriter, Wallets
from sutler.orders.models import Order
from sutler.storage.transactions import durable
from sutler.support.models import Ticket

BATCH = 1000
_SMALL_LISTS = ("providers", "categories", "services", "customers", "prices")
_GROWING_LISTS = ("payments", "orders", "tickets", "messages")

# Name of the list, and how many rows of it have been read since the last call.
Tell = Callable[[str, int], object]


class Source(Protocol):
    """An old panel, wherever it is: what `sources.mysql.MySqlSource` promises."""

    family: Family
    layout: Layout

    def close(self) -> None: ...  # noqa: D102
    def currency(self) -> str: ...  # noqa: D102
    def zone(self) -> tzinfo: ...  # noqa: D102
    def has(self, name: str) -> bool: ...  # noqa: D102
    def count(self, name: str, after: int = 0) -> int: ...  # noqa: D102
    def last_id(self, name: str) -> int: ...  # noqa: D102
    def batch(self, name: str, after: int, limit: int) -> list[Row]: ...  # noqa: D102
    def by_ids(self, name: str, ids: Sequence[int]) -> list[Row]: ...  # noqa: D102
    def totals(  # noqa: D102
        self, name: str, amount: str, by: str | None = None, after: int = 0
    ) -> dict[str, tuple[int, int]]: ...
    def by_month(self) -> dict[tuple[str, str], int]: ...  # noqa: D102


class CannotMoveIn(Exception):
    """This panel cannot take the other one in; the message says why, in one line for the operator."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a reading without writing found: how many rows of each list come, and what is to be said of others."""

    coming: dict[str, int]
    remarks: list[Remark]
    running_orders: int


def known_of(source: Source, zone: tzinfo | None, now: datetime) -> Known:
    """Returns what is known before anything is read. Raises CannotMoveIn if the panels' currencies differ."""
    base = settings.SUTLER["SUTLER_BASE_CURRENCY"]
    said = source.currency()
    if said and said != base:
        raise CannotMoveIn(f"the old panel sells in {said}, this one in {base}: set SUTLER_BASE_CURRENCY={said}")
    return Known(source.family, base, zone or source.zone(), now)


def plan(source: Source, known: Known, tell: Tell) -> Plan:
    """Reads everything and writes nothing."""
    coming, running = dict.fromkeys((*_SMALL_LISTS, *_GROWING_LISTS), 0), 0
    for name in coming:
        for rows in _batches(source, name, 0):
            coming[name] += len(list(_READERS[name](rows, known)))
            running += sum(map(is_running, rows)) if name == "orders" else 0
            tell(name, len(rows))
    return Plan(coming, known.take_remarks(), running)


def begin(source: Source, zone_name: str, now: datetime) -> Move:
    """Returns the move that is under way, or begins one. Raises CannotMoveIn if the panel is not empty."""
    move = Move.objects.filter(pk=1).first()
    if move is None:
        if Customer.objects.exists() or Order.objects.exists() or Service.objects.exists():
            raise CannotMoveIn("this panel has customers, services or orders: move into an empty one")
        move = Move.objects.create(pk=1, family=source.family.name, time_zone=zone_name, started_at=now)
    if move.family != source.family.name:
        raise CannotMoveIn(f"a move from {move.family} is under way, this is {source.family.name}")
    if move.cut_over_at is not None:
        raise CannotMoveIn(f"the move was ended on {move.cut_over_at:%Y-%m-%d %H:%M} UTC; nothing more is read")
    return move


def run(source: Source, known: Known, tell: Tell, *, is_last: bool = False, size: int = BATCH) -> None:
    """One pass, `size` rows at a time.

    With `is_last` it takes the orders that still run as well: the old panel must have been stopped.
    Raises CannotMoveIn, storage.transactions.Busy or CommitUnclear: what has been written stays, and the next pass goes
    on behind it.
    """
    for name in _SMALL_LISTS:
        for rows in _batches(source, name, 0, size):
            _write_small(name, rows, known)
            tell(name, len(rows))
    _demand_worth(known)
    for name in _GROWING_LISTS:
        if name == "orders":
            _run_orders(source, known, tell, size, is_last=is_last)
        else:
            _run_growing(source, name, known, tell, size)
    _run_balances(source, known)
    with durable():
        sequences.raise_above(source.last_id("orders"))


def active(source: Source, known: Known) -> tuple[list[int], list[int]]:
    """Returns the customers and the providers that are switched on over there."""
    found: tuple[list[int], list[int]] = [], []
    fresh = Known(known.family, known.currency, known.zone, known.now)
    for name, there in zip(("customers", "providers"), found, strict=True):
        for rows in _batches(source, name, 0):
            for each in _READERS[name](rows, fresh):
                if each.is_active if name == "customers" else each.is_on:
                    there.append(each.id)
    return found


def set_on(now: datetime, active: Iterable[int], providers: Iterable[int]) -> None:
    """Ends the move in the caller's transaction: these customers may order, these providers are asked and sent to."""
    Customer.objects.filter(pk__in=list(active)).update(suspended_at=None)
    for provider in Provider.objects.select_related("live_state").filter(pk__in=list(providers)):
        numbered = UpstreamOrder.objects.filter(provider=provider, upstream_id__regex=r"^[0-9]{1,18}$")
        highest = numbered.annotate(number=Cast("upstream_id", BigIntegerField())).aggregate(last=Max("number"))["last"]
        provider.state = Provider.State.ON
        # What was ordered there before is not looked for: orders that could not come would be called orphans.
        provider.save(update_fields=["state"])
        provider.live_state.highest_id = provider.live_state.audited_id = highest or 0
        provider.live_state.save(update_fields=["highest_id", "audited_id"])
    Move.objects.filter(pk=1).update(cut_over_at=now)


def zone_named(name: str) -> tzinfo | None:
    """Returns a time zone by its name; None for "". Raises CannotMoveIn if there is none."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise CannotMoveIn(f"{name!r} is no time zone, such as Europe/Istanbul") from error


_READERS: dict[str, Callable[[Iterable[Row], Known], Iterator[Any]]] = {
    "providers": read_providers,
    "categories": read_categories,
    "services": read_services,
    "customers": read_customers,
    "prices": read_prices,
    "payments": read_payments,
    "orders": read_orders,
    "tickets": read_tickets,
    "messages": read_messages,
}
_WRITERS: dict[str, Callable[[Sequence[Any]], None]] = {
    "payments": talk.write_payments,
    "tickets": talk.write_tickets,
    "messages": talk.write_messages,
}


def _batches(source: Source, name: str, after: int, size: int = BATCH) -> Iterator[list[Row]]:
    """Yields the rows of a list behind a key, a batch at a time; of a list that is not kept there, nothing."""
    while source.has(name):
        rows = source.batch(name, after, size)
        if not rows:
            return
        after = ids(rows)[-1]
        yield rows


def _write_small(name: str, rows: list[Row], known: Known) -> None:
    records = list(_READERS[name](rows, known))
    with durable():
        match name:
            case "providers":
                catalogue.write_providers(records, known.now)
            case "categories":
                catalogue.write_categories(records)
            case "services":
                catalogue.write_services(records, known.now)
            case "customers":
                customers.write_customers(records, known.now)
            case _:
                customers.write_prices(records)
        sequences.raise_above()
        _keep(known)


def _run_growing(source: Source, name: str, known: Known, tell: Tell, size: int) -> None:
    write = _WRITERS[name]
    mark = _mark(name)
    if name == "messages":  # of tickets that came in an earlier pass, too
        known.tickets |= dict(Ticket.objects.filter(customer__isnull=False).values_list("pk", "customer_id"))
    for rows in _batches(source, name, mark, size):
        with durable():
            write(list(_READERS[name](rows, known)))
            _move_mark(name, ids(rows)[-1])
            _keep(known)
        tell(name, len(rows))


def _run_orders(source: Source, known: Known, tell: Tell, size: int, *, is_last: bool) -> None:
    writer = OrderWriter(known, Wallets(known.family.name, _ahead(source)))
    waiting = list(RunningOrder.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(waiting), size):
        part = waiting[start : start + size]
        rows = source.by_ids("orders", part)
        gone = set(part) - set(ids(rows))
        known.remarks += [Remark("orders", str(each), "it ran there, and is gone now") for each in gone]
        ended = [each for each in rows if is_last or not is_running(each)]
        with durable():
            writer.write(list(read_orders(ended, known)))
            RunningOrder.objects.filter(pk__in=[*ids(ended), *gone]).delete()
            _keep(known)
        tell("orders", len(rows))
    for rows in _batches(source, "orders", _mark("orders"), size):
        ended = [each for each in rows if is_last or not is_running(each)]
        left = set(ids(rows)) - set(ids(ended))
        with durable():
            writer.write(list(read_orders(ended, known)))
            RunningOrder.objects.bulk_create(RunningOrder(pk=each) for each in sorted(left))
            _move_mark("orders", ids(rows)[-1])
            _keep(known)
        tell("orders", len(rows))


def _ahead(source: Source) -> dict[int, int]:
    """Returns what the orders behind the mark have cost each customer, as the server adds it up."""
    totals = source.totals("orders", "charge", "customer", _mark("orders"))
    found: dict[int, int] = {}
    for word, (_, micros) in totals.items():
        customer = numbers.whole(word)
        if customer is not None:
            found[customer] = found.get(customer, 0) + micros
    return found


def _run_balances(source: Source, known: Known) -> None:
    """Brings every wallet to what it holds there now. Stopped in the middle, the next pass does all of it again."""
    move = Move.objects.get(pk=1)
    fresh = Known(known.family, known.currency, known.zone, known.now)
    for rows in _batches(source, "customers", 0):
        records = list(read_customers(rows, fresh))
        with durable():
            write_balances(records, known, move.passes + 1)
    with durable():
        Move.objects.filter(pk=1).update(passes=move.passes + 1)


def _demand_worth(known: Known) -> None:
    missing = {*known.customers.values(), *known.providers.values()} - set(exchange_rates.worth())
    if missing:
        one = min(missing)
        raise CannotMoveIn(f"{one} has no exchange rate: `sutler rate set {one} ...`, then go on with the same command")


def _mark(name: str) -> int:
    return Mark.objects.filter(pk=name).values_list("last_id", flat=True).first() or 0


def _move_mark(name: str, last_id: int) -> None:
    Mark.objects.update_or_create(pk=name, defaults={"last_id": last_id})


def _keep(known: Known) -> None:
    """Writes down what was noted of rows, in the caller's transaction; once, however often they are read."""
    Finding.objects.bulk_create(
        (
            Finding(
                name=each.name,
                old_id=each.old_id,
                came=each.came,
                reason=each.reason,
                word=each.word,
                amount_micros=each.amount_micros,
            )
            for each in known.take_remarks()
        ),
        ignore_conflicts=True,
    )
