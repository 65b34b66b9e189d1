"""Ending a restore: what was found at the providers is booked, and orders that may have been sent go to staff.

An order goes on only where nothing at all was forgotten at any provider that could have taken it. Else staff decide:
the protocol tells no link, so an order there with the right charge may be another customer's (docs/decisions/0038).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from sutler.core.attempts import AttemptState
from sutler.core.event_texts import cause_text
from sutler.core.events import CauseKind, EventKind, Note, cause, note
from sutler.core.lifecycle import FINAL, Status
from sutler.core.subjects import WHOLE, Subject, SubjectType
from sutler.fulfilment.models import Alarm, Attempt, Provider, ProviderState, Route, account_rows
from sutler.fulfilment.providers import alarms, ledger
from sutler.fulfilment.reconciling.forgotten import Forgotten
from sutler.fulfilment.sending.plan import attempt_of
from sutler.orders import hand_out, restoration
from sutler.orders.models import Approval, Order, Restoration
from sutler.storage.transactions import Busy, durable

ACTOR = "restore"
_S = AttemptState
_WHY = cause(CauseKind.RESTORED)
_MOST_SHOWN = 50


@dataclass(slots=True)
class Settled:
    """What came of it. `booked` is in each provider's currency, by provider; the rest are numbers of orders.

    `by_hand` wait for staff or executors, who may have had them before.
    """

    with_staff: int = 0
    released: int = 0
    by_hand: int = 0
    booked: dict[int, int] = field(default_factory=dict)


def accounts() -> list[Provider]:
    """Returns the providers to search, one row for each account; those that are switched off are left out."""
    rows = Provider.objects.exclude(state=Provider.State.OFF).order_by("account_id", "pk")
    first: dict[int | None, Provider] = {}
    for each in rows:
        first.setdefault(each.account_id, each)
    return list(first.values())


def settle(opened: Restoration, found: Collection[Forgotten], now: datetime) -> Settled:
    """Books what was found, gives what may have been sent to staff, and ends the restore. One transaction.

    `found` has one for each of `accounts`. Raises storage.transactions.Busy or CommitUnclear: nothing has changed then,
    or it is done.
    """
    with durable():
        settled = Settled()
        doubts = {each.provider_id: each for each in found if each.cost_micros or not each.is_complete}
        given = _give_to_staff(opened, doubts, settled, now)
        for each in found:
            settled.booked[each.provider_id] = _book(opened, each, given.get(each.provider_id, ()), now)
        alarms.close(None, Alarm.Kind.RESTORED, WHOLE, ACTOR, now)
        restoration.end(opened, _report(found, settled), now)
    return settled


def sound(opened: Restoration, now: datetime) -> None:
    """Raises the alarm that the panel stands still until it is settled, in the caller's transaction."""
    alarms.sound(None, Alarm.Kind.RESTORED, WHOLE, cause(CauseKind.STANDS_STILL, moment=_moment(opened)), now)


def _give_to_staff(
    opened: Restoration, doubts: Mapping[int, Forgotten], settled: Settled, now: datetime
) -> Mapping[int, Sequence[int]]:
    """Decides about each order that may have been sent; returns what those given to staff should have cost, by
    provider."""
    routes = _routes()
    rows = {row: each for pk, each in doubts.items() for row in account_rows(pk)}
    attempts = {each.order_id: each for each in _unclear(opened).select_related("upstream_service")}
    orders = restoration.doubtful(opened).exclude(status__in=FINAL)
    planned_or_sent = orders.filter(pk__in=attempts)
    waiting = orders.filter(pk__in=_unsent(orders, routes))
    given: dict[int, list[int]] = defaultdict(list)
    to_hand_out: dict[int, Note] = {}
    made: list[Attempt] = []
    for order in [*planned_or_sent, *waiting]:
        choices = [each for each in routes.get(order.service_id, ()) if each.upstream_service.provider_id in rows]
        attempt = attempts.get(order.pk)
        at = None if attempt is None else rows.get(attempt.provider_id)
        if not choices and at is None:
            settled.released += 1
            continue
        if attempt is None or (at is None and attempt.state == _S.PLANNED):
            if attempt is not None:
                _not_sent(attempt, now)
            attempt = _best(order, choices, rows, now)
            made.append(attempt)
        where = rows.get(attempt.provider_id) or rows[choices[0].upstream_service.provider_id]
        if order.status == Status.PENDING:
            named = {"provider": attempt.provider.name, "cause": _WHY}
            to_hand_out[order.pk] = note(EventKind.VERDICT_NEEDED, **named)
        _mark(attempt, where, opened, now)
        given[where.provider_id].append(attempt.expected_micros)
        settled.with_staff += 1
        alarms.sound(attempt.provider_id, Alarm.Kind.VERDICT, Subject(SubjectType.ORDER, order.pk), _WHY, now)
    if hand_out.hand_out_named(to_hand_out, ACTOR, now) != set(to_hand_out):
        raise Busy("somebody else works with the orders that may have been sent")
    Attempt.objects.bulk_create(made)
    settled.by_hand = _by_hand(orders, routes)
    return given


def _unclear(opened: Restoration) -> QuerySet[Attempt]:
    """The attempts that the panel would send, or settle, by what it knew then."""
    doubtful = restoration.doubtful(opened).values("pk")
    states = (_S.PLANNED, _S.SENDING, _S.UNKNOWN)
    return Attempt.objects.filter(action=Attempt.Action.ADD, state__in=states, order__in=doubtful)


def _unsent(orders: QuerySet[Order], routes: Collection[int]) -> QuerySet[Order]:
    """The Pending orders that nobody is known to have taken and that a provider may have taken since."""
    alive = Q(attempts__action=Attempt.Action.ADD, attempts__state__in=(_S.PLANNED, *_OUT))
    free = orders.filter(status=Status.PENDING, kind=Order.Kind.SINGLE, at_desk=None, service__in=routes)
    return free.exclude(alive).exclude(approval__state=Approval.State.WAITING)


_OUT = (_S.SENDING, _S.ACCEPTED, _S.UNKNOWN, _S.STAFF)


def _by_hand(orders: QuerySet[Order], routes: Collection[int]) -> int:
    single = orders.filter(status=Status.PENDING, kind=Order.Kind.SINGLE)
    by_people = Q(at_desk__isnull=False) | Q(approval__state=Approval.State.WAITING) | ~Q(service__in=routes)
    return single.filter(by_people).count()


def _routes() -> dict[int, list[Route]]:
    """Returns all routes by service: one that is off now may have been on since the backup, and back."""
    routes: dict[int, list[Route]] = defaultdict(list)
    for each in Route.objects.select_related("upstream_service__provider"):
        routes[each.service_id].append(each)
    return routes


def _best(order: Order, choices: Sequence[Route], rows: Mapping[int, Forgotten], now: datetime) -> Attempt:
    """Returns the attempt, not stored yet, where an order with its charge was found; else by the first route."""
    planned = [attempt_of(order, each, now) for each in choices]
    likely = (each for each in planned if each.expected_micros in rows[each.provider_id].cost_micros.values())
    return next(likely, planned[0])


def _not_sent(attempt: Attempt, now: datetime) -> None:
    attempt.state, attempt.cause, attempt.answered_at = _S.NOT_SENT, dict(_WHY), now
    attempt.save(update_fields=["state", "cause", "answered_at"])


def _mark(attempt: Attempt, there: Forgotten, opened: Restoration, now: datetime) -> None:
    """Makes it one that staff decide about: for all that is known it was sent, and nobody knows what came of it."""
    attempt.state, attempt.cause, attempt.due_at = _S.STAFF, dict(_WHY), None
    attempt.sent_at = attempt.sent_at or opened.taken_at
    attempt.answered_at = attempt.answered_at or now
    attempt.floor_id = attempt.floor_id or there.floor_id
    attempt.evidence = _evidence(attempt, there, now)
    if attempt.pk is not None:
        attempt.save()


def _evidence(attempt: Attempt, there: Forgotten, now: datetime) -> dict[str, Any]:
    """Returns what staff are shown, as `reconcile` writes it: first the orders with the charge that was expected."""
    nearest = sorted(there.cost_micros.items(), key=lambda each: (abs(each[1] - attempt.expected_micros), each[0]))
    return {
        "looked_at": now.isoformat(),
        "ids_above": there.floor_id,
        "ids_below": there.asked_to + 1,
        "all_answered": there.is_complete,
        "clean_scans": 0,
        "expected_micros": attempt.expected_micros,
        "orphans": [{"id": pk, "charge_micros": micros} for pk, micros in nearest[:_MOST_SHOWN]],
        "missing_at_provider_micros": there.missing_micros,
        "missing_as_it_was_sent_micros": attempt.gap_micros,
    }


def _book(opened: Restoration, found: Forgotten, expected: Sequence[int], now: datetime) -> int:
    """Books what the orders found there have cost, but those that staff may find to be ours: their cost is booked then.

    The alarm has the ids; the nightly audit begins behind them.
    """
    if not found.cost_micros:
        return 0
    left = Counter(found.cost_micros.values()) - Counter(expected)
    micros = sum(cost * count for cost, count in left.items())
    first, last = min(found.cost_micros), max(found.cost_micros)
    provider = Provider.objects.get(pk=found.provider_id)
    forgotten = cause(
        CauseKind.FORGOTTEN_ORDERS,
        count=len(found.cost_micros),
        total_micros=sum(found.cost_micros.values()),
        currency=provider.currency,
        moment=_moment(opened),
        first=first,
        last=last,
    )
    if micros:
        ledger.draw(provider.pk, micros, f"forgotten:{opened.pk}:{provider.pk}", cause_text(forgotten), now)
    alarms.sound(provider.pk, Alarm.Kind.ORPHAN, Subject(SubjectType.FORGOTTEN_ORDERS), forgotten, now)
    states = ProviderState.objects.filter(provider__in=account_rows(provider.pk))
    states.filter(highest_id__lt=last).update(highest_id=last)
    states.filter(audited_id__lt=last).update(audited_id=last)
    return micros


def _moment(opened: Restoration) -> str:
    return f"{opened.taken_at:%Y-%m-%d %H:%M}"


def _report(found: Collection[Forgotten], settled: Settled) -> dict[str, Any]:
    return {
        "providers": [
            {
                "provider": each.provider_id,
                "ids": [each.floor_id + 1, each.asked_to],
                "orders": sorted(each.cost_micros),
                "booked_micros": settled.booked[each.provider_id],
                "is_complete": each.is_complete,
                "why": each.why,
            }
            for each in found
        ],
        "with_staff": settled.with_staff,
        "released": settled.released,
        "by_hand": settled.by_hand,
    }
