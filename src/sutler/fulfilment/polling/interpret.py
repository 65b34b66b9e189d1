"""What one answer means for one upstream order: what is kept of it, what the order is told, what staff must know.

Pure: nothing is read or written here. The rules are those of the protocol page, sections 4 and 5.8.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sutler.core import poll_interval
from sutler.core.charge_digits import SHOWN_WITHIN_MICROS
from sutler.core.clock import Random
from sutler.core.events import NOTHING, Cause, CauseKind, EventKind, Note, cause, note
from sutler.core.lifecycle import FINAL, Status
from sutler.core.order_types import ORDER_TYPES
from sutler.core.upstream_words import UnknownStatus, read_status
from sutler.fulfilment.models import Alarm
from sutler.fulfilment.providers import costs
from sutler.orders.models import Order
from sutler.orders.move import Report
from sutler.panels.results import UpstreamStatus

# So often in a row an order that was there before is not found until staff are told.
MISSES_UNTIL_ALARM = 3
# So often one that never answered as ours, over the settle window at least, until its id is taken for another's.
MISSES_UNTIL_DISOWNED = 5
_GOING_ON = frozenset({Status.PENDING, Status.PROCESSING, Status.IN_PROGRESS})


class Followed(NamedTuple):
    """An upstream order as it stands, with what is needed of its order and of the service there.

    The fields are the columns that `settle` reads, in this order.
    """

    pk: int
    attempt_id: int
    order_id: int
    upstream_service_id: int
    upstream_id: str
    expected_micros: int
    cost_micros: int
    reported_micros: int | None
    word: str
    start_count: int | None
    remains: int | None
    misses: int
    unread: int
    quantity: int
    kind: str
    type: str
    order_status: str
    rate_micros: int
    usual_seconds: int | None
    placed_at: datetime
    confirmed_at: datetime | None
    asked_at: datetime | None
    finished_at: datetime | None


class Due(NamedTuple):
    """What is needed of an upstream order to ask about it, and to see that it only goes on.

    `is_plain`: a single order that has answered as ours before, was found and read each time since, and has not ended
    there.
    """

    pk: int
    order_id: int
    upstream_id: str
    is_plain: bool
    order_status: str
    expected_micros: int
    reported_micros: int | None
    word: str
    start_count: int | None
    remains: int | None
    quantity: int
    usual_seconds: int | None
    placed_at: datetime
    asked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about an answer that goes into the provider's log; with a `kind`, staff are told too."""

    cause: Cause
    kind: Alarm.Kind | None = None


@dataclass(slots=True)
class StatusUpdate:
    """What an answer makes of an upstream order. `ask_at` None: it is not asked about any more."""

    row: Followed
    word: str
    start_count: int | None
    remains: int | None
    reported_micros: int | None
    cost_micros: int
    confirmed_at: datetime | None
    finished_at: datetime | None
    within_micros: int = SHOWN_WITHIN_MICROS
    misses: int = 0
    ask_at: datetime | None = None
    report: Report | None = None
    is_disowned: bool = False
    remarks: list[Remark] = field(default_factory=list)

    @property
    def whole_micros(self) -> int | None:
        """The charge that it is told with, if it is that of the whole order."""
        return self.reported_micros if read_status(self.word) in {*_GOING_ON, Status.COMPLETED} else None

    @property
    def tells_odd_charge(self) -> bool:
        """Whether it is told with a charge that is not what was expected of the whole order."""
        told = self.whole_micros
        return bool(told and costs.differs(told, self.row.expected_micros, self.within_micros))

    def disown(self) -> None:
        """Lets the answer count for nothing but that the id is not this order's."""
        self.is_disowned, self.report, self.finished_at, self.confirmed_at = True, None, None, None
        self.cost_micros = self.row.cost_micros
        self.remarks.clear()


# The word, the start count, what remains, and the charge.
Counts = tuple[str, int | None, int | None, int | None]


class GotOn(NamedTuple):
    """What an answer makes of an order that only goes on: no event, no remark, no money.

    `counts`: what it says, None if that is what it has said before.
    """

    row: Due
    counts: Counts | None
    wait_seconds: int
    report: Report | None


def get_on(row: Due, answer: UpstreamStatus, currency: str, now: datetime, chance: Random) -> GotOn | None:
    """Returns what `hear` does if it is no more than that an order goes on as it did; else None.

    Then nothing changes but counts, the word for the same state, and when it is asked about again. What is said of a
    parent may name an order that is not known yet. Most answers are such, so it is reckoned here with little effort.
    """
    status, is_running = answer.status, answer.status is Status.IN_PROGRESS
    if not row.is_plain or status not in _GOING_ON or is_running is not (row.order_status == Status.IN_PROGRESS):
        return None
    told: int | None = answer.charge_micros if answer.currency in ("", currency) else None
    if told is None:
        told = row.reported_micros
    elif told and told != row.reported_micros and costs.differs(told, row.expected_micros):
        return None
    start_count = row.start_count if answer.start_count is None else answer.start_count
    remains = row.remains if answer.remains is None else answer.remains
    wait = wait_seconds(row, status, remains, now, chance)
    counts = answer.raw, start_count, remains, told
    if counts == (row.word, row.start_count, row.remains, row.reported_micros):
        return GotOn(row, None, wait, None)
    is_news = (start_count, remains) != (row.start_count, row.remains) or read_status(row.word) is not status
    report = Report(row.order_id, status, start_count, remains) if is_running and is_news else None
    return GotOn(row, counts, wait, report)


def update_from(
    row: Followed,
    said: UpstreamStatus,
    currency: str,
    now: datetime,
    chance: Random,
    within_micros: int = SHOWN_WITHIN_MICROS,
) -> StatusUpdate:
    """Returns what it means that the provider says this of the order. A charge in another currency says nothing.

    What the provider's rounding may change of a charge, `within_micros`, is no news.
    """
    if said.currency not in ("", currency):
        said = said._replace(charge_micros=None)
    charge = said.charge_micros
    heard = StatusUpdate(
        row=row,
        word=said.raw,
        start_count=row.start_count if said.start_count is None else said.start_count,
        remains=row.remains if said.remains is None else said.remains,
        reported_micros=row.reported_micros if charge is None else charge,
        cost_micros=row.cost_micros,
        # A state that is not known tells nothing of the charge: whose the id is shows with the first that is.
        confirmed_at=row.confirmed_at or (None if isinstance(said.status, UnknownStatus) else now),
        finished_at=row.finished_at,
        within_micros=within_micros,
    )
    if row.finished_at is not None:
        _compare(heard, said.status)
        heard.ask_at = _after_end(row.finished_at, now)
        return heard
    _take(heard, said, now)
    if heard.finished_at is None:
        # What it should cost in a state that is not known cannot be reckoned.
        is_new = heard.reported_micros != row.reported_micros and said.status in _GOING_ON
        _check_charge(heard, row.expected_micros, is_new=is_new)
        heard.ask_at = now + timedelta(seconds=wait_seconds(row, said.status, heard.remains, now, chance))
    else:
        heard.ask_at = _after_end(heard.finished_at, now)
    return heard


def miss(row: Followed, settle_window: timedelta, now: datetime) -> StatusUpdate:
    """Returns what it means that the provider does not know the order. That is never the order's end."""
    heard = StatusUpdate(
        row=row,
        word=row.word,
        start_count=row.start_count,
        remains=row.remains,
        reported_micros=row.reported_micros,
        cost_micros=row.cost_micros,
        confirmed_at=row.confirmed_at,
        finished_at=row.finished_at,
        misses=row.misses + 1,
    )
    if row.confirmed_at is None:
        heard.is_disowned = heard.misses >= MISSES_UNTIL_DISOWNED and now - row.placed_at >= settle_window
    elif heard.misses == MISSES_UNTIL_ALARM:
        heard.remarks.append(Remark(cause(CauseKind.NOT_FOUND), Alarm.Kind.NOT_FOUND))
    if row.finished_at is not None:
        heard.ask_at = _after_end(row.finished_at, now)
    else:
        heard.ask_at = now + timedelta(seconds=poll_interval.missing_seconds(heard.misses))
    return heard


def wait_seconds(
    row: Followed | Due, status: Status | UnknownStatus, remains: int | None, now: datetime, chance: Random
) -> int:
    """Returns how long to wait before an order that has not ended there is asked about again."""
    if status is UnknownStatus.STAFF:
        return round(poll_interval.SELDOM)
    done = _done(row.quantity, remains)
    gained = 0.0 if remains == row.remains else done - _done(row.quantity, row.remains)
    since = (now - (row.asked_at or row.placed_at)).total_seconds()
    age = (now - row.placed_at).total_seconds()
    return round(poll_interval.next_ask_seconds(age, row.usual_seconds, done, gained, since, chance))


def _take(heard: StatusUpdate, answer: UpstreamStatus, now: datetime) -> None:
    """Reads the status of an order that has not ended there."""
    row = heard.row
    is_new = read_status(row.word) is not answer.status
    match answer.status:
        case UnknownStatus.UNKNOWN:
            heard.remarks.append(Remark(cause(CauseKind.STATUS_UNKNOWN, word=answer.raw), Alarm.Kind.UNKNOWN_STATUS))
        case UnknownStatus.STAFF:
            heard.remarks.append(Remark(cause(CauseKind.STATUS_FAILED, word=answer.raw), Alarm.Kind.FAILED))
        case Status.PENDING | Status.PROCESSING:
            if row.order_status == Status.IN_PROGRESS and is_new:
                heard.remarks.append(Remark(cause(CauseKind.STATUS_BACK, word=answer.raw)))
        case Status.IN_PROGRESS:
            if is_new or (heard.start_count, heard.remains) != (row.start_count, row.remains):
                heard.report = _report(heard, Status.IN_PROGRESS)
        case Status.PARTIAL if answer.remains is None:
            heard.remarks.append(Remark(cause(CauseKind.PARTIAL_WITHOUT_REMAINS), Alarm.Kind.UNKNOWN_STATUS))
        case status:
            if status is Status.PARTIAL and answer.remains is not None and not 0 <= answer.remains <= row.quantity:
                odd = cause(CauseKind.PARTIAL_OUT_OF_RANGE, remains=answer.remains, quantity=row.quantity)
                heard.remarks.append(Remark(odd, Alarm.Kind.UNKNOWN_STATUS))
            if answer.charge_micros is None and status is not Status.COMPLETED:
                heard.reported_micros = None  # what was told before the refund says nothing of what is left
            _end(heard, status, now)


def _end(heard: StatusUpdate, status: Status, now: datetime) -> None:
    """Takes the first final status: what the order has cost counts from now on, and the order ends with it."""
    row = heard.row
    heard.finished_at = now
    per = ORDER_TYPES[row.type].per
    own = costs.reckoned(row.expected_micros, row.rate_micros, row.quantity, per, status, heard.remains or 0)
    _check_charge(heard, own, is_new=True)
    told = heard.reported_micros
    heard.cost_micros = told if told is not None and costs.differs(told, own) else own
    heard.report = _report(heard, status)


def _report(heard: StatusUpdate, status: Status) -> Report | None:
    """Returns what the order is told; nothing if staff have ended it by hand."""
    row = heard.row
    if row.order_status in FINAL:
        return None
    moves = upstream_status(heard) if row.order_status != status else NOTHING
    remains = heard.remains
    if status is Status.PARTIAL and remains is not None:  # of what panels say too much or too little is the bound
        remains = min(max(remains, 0), row.quantity)
    return Report(row.order_id, status, heard.start_count, remains, moves)


def upstream_status(heard: StatusUpdate) -> Note:
    """Returns what the order's event says of the provider's word."""
    return note(EventKind.UPSTREAM_STATUS, id=heard.row.upstream_id, word=heard.word)


def _check_charge(heard: StatusUpdate, own: int, *, is_new: bool) -> None:
    """Remarks a charge that is not what was reckoned. Nothing yet is no undercharge while the order goes on.

    Nor is less than the whole of a drip-feed: some runs may be still to come, or have been given back.
    """
    told = heard.reported_micros
    if told is None:
        return
    is_early = heard.finished_at is None and (told == 0 or (heard.row.kind != Order.Kind.SINGLE and told < own))
    within = heard.within_micros
    if within > SHOWN_WITHIN_MICROS and read_status(heard.word) is Status.PARTIAL:
        within *= 2  # both the charge and what was given back may have been rounded
    if not is_new or is_early or not costs.differs(told, own, within):
        return
    kind = Alarm.Kind.OVERCHARGE if told > own else Alarm.Kind.UNDERCHARGE
    heard.remarks.append(Remark(cause(CauseKind.CHARGE_DIFFERS, charge_micros=told, expected_micros=own), kind))


def _compare(heard: StatusUpdate, status: Status | UnknownStatus) -> None:
    """Remarks what has changed since the order ended there; no money moves for it."""
    row = heard.row
    if read_status(row.word) is not status:
        change = cause(CauseKind.STATUS_CHANGED, before=row.word, after=heard.word)
        heard.remarks.append(Remark(change, Alarm.Kind.LATE_CHANGE))
    before, after = row.reported_micros, heard.reported_micros
    if before is not None and after is not None and before != after:
        kind = Alarm.Kind.REFUND if after < before else Alarm.Kind.LATE_CHANGE
        change = cause(CauseKind.CHARGE_CHANGED, before_micros=before, after_micros=after)
        heard.remarks.append(Remark(change, kind))


def _done(quantity: int, remains: int | None) -> float:
    if not quantity or remains is None or remains >= quantity:
        return 0.0
    return 1 - remains / quantity if remains > 0 else 1.0


def _after_end(finished_at: datetime, now: datetime) -> datetime | None:
    wait = poll_interval.after_end_seconds((now - finished_at).total_seconds())
    return None if wait is None else now + timedelta(seconds=wait)
