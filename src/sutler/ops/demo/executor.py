"""The simulated executor of the demo: it delivers nothing and reports as if it did, through the desk's verbs alone.

What becomes of an order follows from the seed and the order's id, and how far it is from its age, so that the executor
keeps nothing in mind: after a restart it goes on where the database says it was.
"""

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

import structlog
from django.db import InterfaceError, OperationalError, connection

from sutler.core.clock import Clock, Random, seeded
from sutler.core.lifecycle import RefillStatus, Status
from sutler.fulfilment.desk import desk
from sutler.orders.models import CancelRequest, Order
from sutler.orders.move import Report
from sutler.storage.transactions import Busy, CommitUnclear

ACTOR = "executor"
STEP_SECONDS = 0.5
AT_A_TIME = 500
# An order waits this long, so that a customer can see it Pending and cancel it at once.
WAIT = timedelta(seconds=1)
BETWEEN_POSTS = timedelta(seconds=4)
# A made-up account goes quiet after so many posts; else a demo left alone would spend a customer's whole balance.
MOST_POSTS = 25
LONGEST_NAME = 100

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of an order: when after it was placed it begins and ends, in seconds, and with what counts."""

    begins_seconds: float
    ends_seconds: float
    status: Status
    start_count: int
    remains: int


class Executor:
    """Takes every order, refill and request to cancel that the desk hands out, and brings subscriptions to life."""

    def __init__(self, chance: Random) -> None:
        self._seed = chance.getrandbits(64)

    def run(self, clock: Clock, stop: threading.Event) -> None:
        """Steps until told to stop. A database that is locked, full or away is waited for."""
        while not stop.is_set():
            try:
                is_behind = self.step(clock.now())
            except (Busy, CommitUnclear, OperationalError, InterfaceError) as error:
                _log.warning("executor_waits", error=str(error))
                connection.close()
                is_behind = False
            if not is_behind:
                stop.wait(STEP_SECONDS)
        connection.close()

    def step(self, now: datetime) -> bool:
        """Does what is due by now, at most 500 of each thing. Returns True if there may be more of it."""
        taken = len(desk.pull(None, AT_A_TIME, ACTOR, now, until=now - WAIT))
        self._answer_cancels(now)
        moved = self._report_orders(now)
        self._answer_refills(now)
        self._report_posts(now)
        return AT_A_TIME in {taken, moved}

    def fate(self, order_id: int, quantity: int) -> Fate:
        """Returns what becomes of an order: most are Completed, some Partial, Canceled or over-delivered."""
        chance = self._chance("order", order_id)
        begins, ends = chance.uniform(2.0, 3.5), chance.uniform(4.5, 8.0)
        start_count, lot = chance.randrange(20_000), chance.random()
        if lot < 0.05:
            return Fate(begins, ends, Status.CANCELED, start_count, quantity)
        if lot < 0.13 and quantity > 1:
            return Fate(begins, ends, Status.PARTIAL, start_count, chance.randrange(1, quantity))
        over = chance.randint(1, 1 + quantity // 20) if lot > 0.92 else 0
        return Fate(begins, ends, Status.COMPLETED, start_count, -over)

    def _answer_cancels(self, now: datetime) -> None:
        """Carries out most requests to cancel, as Canceled where the work has not begun, and rejects the rest."""
        requests = desk.pull_cancels(None, AT_A_TIME)
        rejected = {each.order_id for each in requests if self._chance("cancel", each.order_id).random() < 0.2}
        if rejected:
            desk.reject_cancels(sorted(rejected), ACTOR, now)
        self._tell([self._stopped(each) for each in requests if each.order_id not in rejected], now)

    def _stopped(self, request: CancelRequest) -> Report:
        order = request.order
        if order.status == Status.PROCESSING or order.quantity == 1:
            return Report(order.pk, Status.CANCELED)
        left = self._chance("stopped", order.pk).randrange(1, order.quantity)
        return Report(order.pk, Status.PARTIAL, remains=left)

    def _report_orders(self, now: datetime) -> int:
        """Begins and ends the orders whose time it is. Returns how many it has reported."""
        under_way = desk.Wanted(statuses=desk.UNDER_WAY, newest_first=False, limit=desk.MOST_LISTED)
        reports = [told for each in desk.find(under_way) if (told := self._due_report(each, now))]
        self._tell(reports[:AT_A_TIME], now)
        return min(len(reports), AT_A_TIME)

    def _due_report(self, order: Order, now: datetime) -> Report | None:
        fate = self.fate(order.pk, order.quantity)
        age_seconds = (now - order.created_at).total_seconds()
        if order.status == Status.PROCESSING and age_seconds >= fate.begins_seconds:
            return Report(order.pk, Status.IN_PROGRESS, fate.start_count, order.quantity)
        if order.status == Status.IN_PROGRESS and age_seconds >= fate.ends_seconds:
            return Report(order.pk, fate.status, remains=fate.remains)
        return None

    def _tell(self, reports: Iterable[Report], now: datetime) -> None:
        reports = list(reports)
        if reports:
            desk.report(reports, ACTOR, now)  # one that was overtaken by somebody else is refused, and that is well

    def _answer_refills(self, now: datetime) -> None:
        """Takes new refills and ends those that are old enough: most Completed, some Rejected."""
        desk.pull_refills(None, AT_A_TIME, ACTOR, now, until=now - WAIT)
        answers = []
        for each in desk.refills_under_way(AT_A_TIME):
            chance = self._chance("refill", each.pk)
            is_rejected = chance.random() < 0.15
            if now - each.requested_at >= timedelta(seconds=chance.uniform(3.0, 6.0)):
                answers.append((each.pk, RefillStatus.REJECTED if is_rejected else RefillStatus.COMPLETED))
        if answers:
            desk.report_refills(answers, ACTOR, now)

    def _report_posts(self, now: datetime) -> None:
        """Makes up the next post of every subscription that has not had one for a few seconds."""
        for each in desk.open_subscriptions(AT_A_TIME, posts_below=MOST_POSTS, until=now - BETWEEN_POSTS):
            number = each.posts_reported + 1
            link = f"https://example.com/{quote(each.username[:LONGEST_NAME], safe='')}/post/{number}"
            desk.report_post(each.order_id, link, now, self._chance("post", each.order_id, number), ACTOR)

    def _chance(self, *what: str | int) -> Random:
        digest = hashlib.sha256(repr((self._seed, *what)).encode()).digest()
        return seeded(int.from_bytes(digest[:8]))
