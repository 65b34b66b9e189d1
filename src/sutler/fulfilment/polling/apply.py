"""Applying what a provider said of orders: to the upstream orders, to ours, to the books; one transaction a batch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache

from django.db.models import Q

from sutler.core import charge_digits, poll_interval
from sutler.core.attempts import UNSETTLED, AttemptState
from sutler.core.clock import Random
from sutler.core.events import Cause, CauseKind, EventKind, cause, declined
from sutler.core.lifecycle import Status
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text import text_input
from sutler.core.upstream_words import DeclineKind, read_status
from sutler.fulfilment.models import (
    Attempt,
    LoggedCall,
    Provider,
    ProviderState,
    UpstreamOrder,
    UpstreamService,
    account_rows,
)
from sutler.fulfilment.polling import parents, schedule, unread_answers
from sutler.fulfilment.polling.interpret import Due, Followed, StatusUpdate, get_on, miss, update_from
from sutler.fulfilment.providers import alarms, call_log, costs
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.orders import move
from sutler.orders.change import event, write_events
from sutler.orders.models import Order
from sutler.panels.results import Declined, UpstreamStatus
from sutler.storage.statements import Statement, moment, moment_or_none, run, run_counted
from sutler.storage.transactions import durable

ACTOR = "worker"
# In these an order is charged whole.
_WHOLE = frozenset({Status.PENDING, Status.PROCESSING, Status.IN_PROGRESS, Status.COMPLETED})
FIRST_LOOK = timedelta(minutes=1)
# What an order was found to be, by its key here; None where the call came to nothing.
Answers = Mapping[int, UpstreamStatus | Declined | None]

NOTHING_READ: Mapping[int, Due] = {}
# For most answers. One that was heard of since it was read, by another worker say, is left alone.
_GET_ON = Statement(
    "UPDATE fulfilment_asktime SET asked_at = rows.asked_at, ask_at = rows.ask_at FROM {rows}"
    " WHERE fulfilment_asktime.upstream_order_id = rows.id AND fulfilment_asktime.asked_at = rows.asked_before",
    {"id": "bigint", "asked_before": "timestamptz", "asked_at": "timestamptz", "ask_at": "timestamptz"},
)
_HAS_GOT_ON = Statement(
    "SELECT {answer} FROM {rows} JOIN fulfilment_asktime ON fulfilment_asktime.upstream_order_id = rows.id"
    " AND fulfilment_asktime.asked_at = rows.asked_at",
    {"id": "bigint", "asked_at": "timestamptz"},
    ("rows.id",),
)
_COUNT = Statement(
    "UPDATE fulfilment_upstreamorder SET word = rows.word, start_count = rows.start_count, remains = rows.remains,"
    " reported_micros = rows.reported_micros FROM {rows} WHERE fulfilment_upstreamorder.id = rows.id",
    {
        "id": "bigint",
        "word": "text",
        "start_count": "bigint",
        "remains": "bigint",
        "reported_micros": "bigint",
    },
)
# A changes feed that was answered so lately tells what changes.
FEED_LIVES = timedelta(minutes=2)
_KEEP = Statement(
    "UPDATE fulfilment_upstreamorder SET word = rows.word, start_count = rows.start_count, remains = rows.remains,"
    " reported_micros = rows.reported_micros, cost_micros = rows.cost_micros, confirmed_at = rows.confirmed_at,"
    " misses = rows.misses, finished_at = rows.finished_at"
    " FROM {rows} WHERE fulfilment_upstreamorder.id = rows.id",
    {
        "id": "bigint",
        "word": "text",
        "start_count": "bigint",
        "remains": "bigint",
        "reported_micros": "bigint",
        "cost_micros": "bigint",
        "confirmed_at": "timestamptz",
        "misses": "integer",
        "finished_at": "timestamptz",
    },
)
_ASK_AGAIN = Statement(
    "UPDATE fulfilment_asktime SET asked_at = rows.asked_at, ask_at = rows.ask_at, unread = 0 FROM {rows}"
    " WHERE fulfilment_asktime.upstream_order_id = rows.id",
    {"id": "bigint", "asked_at": "timestamptz", "ask_at": "timestamptz"},
)
_ASK_NO_MORE = Statement(
    "DELETE FROM fulfilment_asktime WHERE upstream_order_id IN (SELECT id FROM {rows})", {"id": "bigint"}
)


def apply_answers(
    provider_id: int,
    answers: Answers,
    calls: Sequence[LoggedExchange],
    now: datetime,
    chance: Random,
    before: Mapping[int, Due] = NOTHING_READ,
) -> int:
    """Applies the answers, by upstream order, and keeps the calls that brought them. One durable transaction.

    Returns how many orders were heard of. What was not answered is asked about later and changes nothing. Our order
    moves only where its status or counts change; its first final status ends it, with the cost that it has come to.
    Whatever needs a person raises an alarm, and leaves an event and a line in the provider's log as it is opened.
    `before` are orders as they were read before they were asked about: those that go on are not read again.
    Raises storage.transactions.Busy or CommitUnclear, as `durable` says; repeating is safe.
    """
    with durable():
        provider = Provider.objects.select_related("live_state").get(pk=provider_id)
        got_on = _get_on(answers, before, provider, now, chance)
        rows = schedule.lock([pk for pk in answers if pk not in got_on])
        answers = parents.read(provider, rows, answers, now)
        _learn_rounding(provider, [*rows, *(before[pk] for pk in got_on)], answers)
        heard = [each for row in rows if (each := _heard(row, answers[row.pk], provider, now, chance)) is not None]
        _disown_anothers(provider, heard)
        _keep([each for each in heard if not each.is_disowned], now)
        read = [row for row in rows if not _says_nothing(answers[row.pk])]
        unread_answers.put_off(
            provider, [row for row in rows if _says_nothing(answers[row.pk])], _why(answers, calls), now
        )
        unread_answers.read_again(provider, read, now, is_any_read=bool(got_on or read))
        if reports := [each.report for each in heard if each.report is not None]:
            move.apply_reports(move.recount(reports, ACTOR, now), ACTOR, now)
        parents.move_on(heard, now)
        _book(provider, heard, now)
        _raise_highest(provider.pk, [each.row.upstream_id for each in heard if each.confirmed_at is not None])
        _learn_pace([each for each in heard if each.finished_at is not None and each.row.finished_at is None])
        _tell(provider, heard, now)
        _disown(provider, [each.row for each in heard if each.is_disowned], now)
        call_log.write(provider_id, calls)
    return len(got_on) + len(heard)


def _get_on(
    answers: Answers, before: Mapping[int, Due], provider: Provider, now: datetime, chance: Random
) -> Collection[int]:
    """Applies what most answers say, that an order goes on: what was read `before` need not be read again for it.

    Returns the orders that are done with; whatever has changed meanwhile is not among them.
    """
    currency, at = provider.currency, moment(now)
    going_on = [
        heard
        for pk, row in before.items()
        if isinstance(said := answers.get(pk), UpstreamStatus) and (heard := get_on(row, said, currency, now, chance))
    ]
    after = cache(lambda seconds: moment(now + timedelta(seconds=seconds)))
    seldom = _least_wait(provider, now)
    asked = [(each.row.pk, _shared(each.row.asked_at), at, after(max(each.wait_seconds, seldom))) for each in going_on]
    if run_counted(_GET_ON, asked) < len(asked):
        done = {pk for (pk,) in run(_HAS_GOT_ON, [(pk, at) for pk, *_ in asked])}
        going_on = [each for each in going_on if each.row.pk in done]
    run(_COUNT, [(each.row.pk, *each.counts) for each in going_on if each.counts is not None])
    if reports := [each.report for each in going_on if each.report is not None]:
        move.apply_reports(move.recount(reports, ACTOR, now), ACTOR, now)
    return {each.row.pk for each in going_on}


def _least_wait(provider: Provider, now: datetime) -> int:
    """Returns how many seconds an order that goes on is left alone: an hour while the provider's changes feed lives."""
    cursor, answered_at = provider.live_state.changes_cursor, provider.live_state.changes_at
    is_told = cursor and answered_at is not None and now - answered_at < FEED_LIVES
    return round(poll_interval.SELDOM) if is_told else 0


# What was asked together has it in common.
_shared = lru_cache(maxsize=1024)(moment_or_none)


def _heard(
    row: Followed, answer: UpstreamStatus | Declined | None, provider: Provider, now: datetime, chance: Random
) -> StatusUpdate | None:
    if isinstance(answer, UpstreamStatus):
        update = update_from(row, answer, provider.currency, now, chance, provider.live_state.rounding.within_micros)
        if update.finished_at is None and update.ask_at is not None:
            update.ask_at = max(update.ask_at, now + timedelta(seconds=_least_wait(provider, now)))
        return update
    return None if _says_nothing(answer) else miss(row, timedelta(minutes=provider.settle_minutes), now)


def _says_nothing(answer: UpstreamStatus | Declined | None) -> bool:
    return answer is None or (isinstance(answer, Declined) and answer.kind is not DeclineKind.NOT_FOUND)


def _learn_rounding(provider: Provider, rows: Sequence[Followed | Due], answers: Answers) -> None:
    """Keeps with how many digits the provider tells its charges, by those of whole orders."""
    told = ((row.expected_micros, answers[row.pk]) for row in rows)
    charges = [
        (said.charge_micros, expected)
        for expected, said in told
        if isinstance(said, UpstreamStatus) and said.charge_micros and said.status in _WHOLE
    ]
    state = provider.live_state
    known = charge_digits.learn(state.rounding, charges)
    if known != state.rounding:
        state.charge_digits, state.charges_rounded = known
        state.save(update_fields=["charge_digits", "charges_rounded"])


def _disown_anothers(provider: Provider, heard: Iterable[StatusUpdate]) -> None:
    """Finds ids that an `add` was answered with though they are of another order: the first answer tells the charge
    that is expected not of this one, but of one whose outcome is unknown or whose own id has not answered yet.
    """
    odd = [each for each in heard if each.row.confirmed_at is None and each.tells_odd_charge]
    if not odd:
        return
    unheard_of = (AttemptState.SENDING, *UNSETTLED)
    is_open = Q(state__in=unheard_of) | Q(state=AttemptState.ACCEPTED, upstream_order__confirmed_at=None)
    within = provider.live_state.rounding.within_micros
    others = Attempt.objects.filter(is_open, provider__in=account_rows(provider.pk), action=Attempt.Action.ADD)
    expected = list(others.values_list("expected_micros", flat=True))
    for each in odd:
        told = each.reported_micros
        if told is not None and any(not costs.differs(told, other, within) for other in expected):
            each.disown()


def _keep(heard: Sequence[StatusUpdate], now: datetime) -> None:
    at = moment(now)
    run(
        _KEEP,
        [
            (
                each.row.pk,
                each.word,
                each.start_count,
                each.remains,
                each.reported_micros,
                each.cost_micros,
                moment_or_none(each.confirmed_at),
                each.misses,
                moment_or_none(each.finished_at),
            )
            for each in heard
        ],
    )
    run(_ASK_AGAIN, [(each.row.pk, at, moment(each.ask_at)) for each in heard if each.ask_at is not None])
    run(_ASK_NO_MORE, [(each.row.pk,) for each in heard if each.ask_at is None])


def _why(answers: Answers, calls: Sequence[LoggedExchange]) -> Cause:
    """Returns why what was answered could not be read, as far as it is told."""
    for each in answers.values():
        if isinstance(each, Declined) and _says_nothing(each):
            return declined(each.kind, each.raw)
    asked = [each.exchange for each in reversed(calls) if each.exchange.action == "status"]
    return next((each.cause for each in asked if each.cause), cause(CauseKind.NOT_IN_ANSWER))


def _book(provider: Provider, heard: Iterable[StatusUpdate], now: datetime) -> None:
    costs.finish(
        provider.pk,
        provider.currency,
        [costs.Costed(each.row.pk, each.row.order_id, each.row.cost_micros, each.cost_micros) for each in heard],
        now,
    )


def _raise_highest(provider_id: int, confirmed: Iterable[str]) -> None:
    """Keeps the highest id that has answered as ours: what is sent from now on gets a higher one."""
    highest = max((text_input.number(each) or 0 for each in confirmed), default=0)
    if not highest:
        return
    states = ProviderState.objects.filter(provider__in=account_rows(provider_id))
    states.filter(highest_id__lt=highest).update(highest_id=highest)


def _learn_pace(ended: Iterable[StatusUpdate]) -> None:
    """Keeps how long orders of each service usually take to be completed."""
    usual: dict[int, int | None] = {}
    for each in ended:
        row = each.row
        is_usual = row.kind == Order.Kind.SINGLE  # a parent takes as long as its schedule
        if is_usual and read_status(each.word) is Status.COMPLETED and each.finished_at is not None:
            took = (each.finished_at - row.placed_at).total_seconds()
            before = usual.get(row.upstream_service_id, row.usual_seconds)
            usual[row.upstream_service_id] = poll_interval.usual_seconds(before, took)
    for service_id, seconds in sorted(usual.items()):
        UpstreamService.objects.filter(pk=service_id).update(usual_seconds=seconds)


def _tell(provider: Provider, heard: Iterable[StatusUpdate], now: datetime) -> None:
    """Raises the alarms; one that is new, and what staff need not see to, goes into the log."""
    events, lines = [], []
    for each in heard:
        for remark in each.remarks:
            if remark.kind is not None:
                order_id, odd = each.row.order_id, {"provider": provider.name, "cause": remark.cause}
                why = cause(CauseKind.ORDER_ODD, order=order_id, id=each.row.upstream_id, **odd)
                if not alarms.sound(provider.pk, remark.kind, Subject(SubjectType.ORDER, order_id), why, now):
                    continue
                events.append(event(each.row.order_id, ACTOR, now, EventKind.ODD_STATUS, **odd))
            lines.append(_line(provider, each, remark.cause, now))
    write_events(events)
    LoggedCall.objects.bulk_create(lines)


def _line(provider: Provider, heard: StatusUpdate, why: Cause, now: datetime) -> LoggedCall:
    return LoggedCall(
        provider=provider,
        at=now,
        action="status",
        asked={"order": heard.row.upstream_id},
        answer=heard.word,
        milliseconds=0,
        outcome="Remarked",
        cause=why,
        order_id=heard.row.order_id,
    )


def _disown(provider: Provider, rows: Sequence[Followed], now: datetime) -> None:
    """Gives up ids that were never ours: what became of the order is unknown again, and its cost is taken back."""
    if not rows:
        return
    attempts = Attempt.objects.filter(pk__in=[row.attempt_id for row in rows], state=AttemptState.ACCEPTED)
    attempts.update(
        state=AttemptState.UNKNOWN,
        upstream_id=None,
        cause=cause(CauseKind.DISOWNED_ID),
        refusal="",
        due_at=now + FIRST_LOOK,
    )
    booked = [costs.Costed(row.pk, row.order_id, row.cost_micros, 0) for row in rows]
    costs.finish(provider.pk, provider.currency, booked, now)
    UpstreamOrder.objects.filter(pk__in=[row.pk for row in rows]).delete()
    write_events(
        event(row.order_id, ACTOR, now, EventKind.DISOWNED, provider=provider.name, id=row.upstream_id) for row in rows
    )
