"""The drip-feeds and subscriptions of the panel behind the scripted upstream: it makes their runs and posts by itself.

As the protocol has it: a drip-feed is charged at once for all its runs, and what does not run is given back; a
subscription costs nothing, each of its posts does.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from sutler.core.lifecycle import Status
from sutler.core.order_types import ORDER_TYPES, Measure
from sutler.core.placing import Draft
from sutler.core.pricing import charge, run_share
from sutler.core.refusals import Reason, Refusal
from sutler.simulator.panel import Account, Order, Panel


@dataclass(slots=True)
class Whole(Order):
    """A drip-feed or a subscription, with what the panel has made for it. A subscription stands under its username."""

    asked: Draft | None = None
    children: list[Order] = field(default_factory=list)
    is_stopped: bool = False

    @property
    def runs(self) -> int:
        """How many runs a drip-feed has; 0 for a subscription."""
        return self.asked.input.runs if self.asked is not None else 0

    @property
    def kept_micros(self) -> int:
        """What it costs as it stands: a subscription what its posts cost."""
        own = self.charge_micros - self.refunded_micros
        return own if self.runs else sum(each.kept_micros for each in self.children)

    def status(self, now: datetime) -> Status:
        """Returns the state at this moment."""
        if self.final is not None:
            return self.final
        return Status.IN_PROGRESS if self.children else Status.PENDING

    def remains(self, now: datetime) -> int:
        """Returns how much of all runs, or how many posts, are not delivered at this moment."""
        if not self.runs:
            return max(self.quantity - len(self.children), 0)
        unmade = self.quantity // self.runs * (self.runs - len(self.children))
        return unmade + sum(max(each.remains(now), 0) for each in self.children)

    def named(self) -> dict[str, Any]:
        """Returns what the answer to `status` has beside that of a plain order."""
        ids = [int(each.id) for each in self.children]
        if self.runs:
            delivered = sum(each.final in {Status.COMPLETED, Status.PARTIAL} for each in self.children)
            return {"runs": delivered, "orders": ids}
        expiry = self.asked.input.expiry if self.asked is not None else None
        return {"posts": len(ids), "expiry": str(expiry) if expiry else None, "orders": ids}


class WholePanel(Panel):
    """A panel that takes drip-feeds and subscriptions too."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._parents: dict[str, Whole] = {}

    def billed(self, key: str) -> list[Order]:
        """Returns the orders for which the account was charged: not the runs, which their drip-feeds have paid for."""
        return [each for each in super().billed(key) if not self._is_run(each)]

    def cancel(self, account: Account, order_id: str, now: datetime) -> Refusal | None:
        """Takes a request to cancel: of a drip-feed or a subscription nothing more is made, and what runs may stop."""
        whole = self.find(account, order_id)
        if not isinstance(whole, Whole):
            return super().cancel(account, order_id, now)
        if whole.final is not None or not self.services[whole.service_id].cancel:
            return Refusal(Reason.CANCEL_NOT_AVAILABLE)
        for each in whole.children:
            super().cancel(account, each.id, now)
        self.stop(whole, now)
        return None

    def stop(self, whole: Whole, now: datetime) -> None:
        """Makes nothing more for it, and gives back what has not run."""
        if whole.is_stopped or whole.final is not None:
            return
        whole.is_stopped = True
        if whole.runs:
            made = charge(whole.rate_micros, whole.quantity // whole.runs * len(whole.children))
            self.give_back(whole, whole.charge_micros - made)
        self._settle(whole, now)

    def give_back(self, order: Order, micros: int) -> None:
        """Refunds so much of an order; of a run, it is the drip-feed's money."""
        before = order.refunded_micros
        super().give_back(order, micros)
        if self._is_run(order):
            self._parents[order.id].refunded_micros += order.refunded_micros - before

    def _is_run(self, order: Order) -> bool:
        return order.id in self._parents and bool(self._parents[order.id].runs)

    def _write(self, account: Account, asked: Draft, charge_micros: int, now: datetime, *, is_opaque: bool) -> Order:
        is_subscription = asked.terms.type.measure is Measure.POSTS
        if not (is_subscription or asked.input.runs):
            return super()._write(account, asked, charge_micros, now, is_opaque=is_opaque)
        link = asked.input.details["username"] if is_subscription else asked.input.link
        whole = Whole(
            self.next_id(),
            account.key,
            asked.terms.service_id,
            link,
            asked.quantity,
            asked.rate_micros,
            asked.terms.type.per,
            charge_micros,
            now,
            0,
            now,
            now,
            Status.COMPLETED,
            0,
            asked=asked,
        )
        self.orders[whole.id] = whole
        self._by_link.setdefault(link, []).append(whole)
        if is_subscription:
            for _ in range(asked.input.old_posts):
                self.later(now, lambda at: self._post(account, whole, at))
            if asked.input.posts != 0:
                self.later(self._next_post(whole, now), lambda at: self._post(account, whole, at, goes_on=True))
        else:
            self.later(now, lambda at: self._run(account, whole, at))
        return whole

    def _run(self, account: Account, whole: Whole, at: datetime) -> None:
        if whole.is_stopped or whole.asked is None:
            return
        number, quantity = len(whole.children) + 1, whole.asked.input.quantity
        plain = structs.replace(whole.asked, quantity=quantity, input=structs.replace(whole.asked.input, runs=0))
        self._make(account, whole, plain, run_share(whole.rate_micros, quantity, number), at)
        if number < whole.runs:
            interval = timedelta(minutes=whole.asked.input.interval_minutes)
            self.later(at + interval, lambda later: self._run(account, whole, later))

    def _post(self, account: Account, whole: Whole, at: datetime, *, goes_on: bool = False) -> None:
        asked = whole.asked
        if whole.is_stopped or asked is None:
            return
        if asked.input.expiry is not None and asked.input.expiry < at.date():
            self.stop(whole, at)
            return
        quantity = self._chance.randint(asked.input.minimum, asked.input.maximum)
        price = charge(whole.rate_micros, quantity)
        if price <= account.balance_micros:
            account.balance_micros -= price
            link = f"https://example.com/{whole.link}/{len(whole.children)}"
            default = replace(asked.terms, type=ORDER_TYPES["Default"])
            about = structs.replace(asked.input, link=link, quantity=quantity)
            self._make(account, whole, structs.replace(asked, terms=default, input=about, quantity=quantity), price, at)
        if asked.input.posts is not None and len(whole.children) >= asked.input.posts + asked.input.old_posts:
            self.stop(whole, at)
        elif goes_on:
            self.later(self._next_post(whole, at), lambda later: self._post(account, whole, later, goes_on=True))

    def _next_post(self, whole: Whole, at: datetime) -> datetime:
        """Somebody posts about as often as an order takes."""
        delay = whole.asked.input.delay_minutes if whole.asked is not None else 0
        return at + timedelta(minutes=delay) + self._delivery * self._chance.uniform(0.2, 1.5)

    def _make(self, account: Account, whole: Whole, asked: Draft, price: int, at: datetime) -> None:
        child = super()._write(account, asked, price, at, is_opaque=False)
        self._parents[child.id] = whole
        whole.children.append(child)

    def _finish(self, order: Order, at: datetime) -> None:
        super()._finish(order, at)
        if order.final is not None and order.id in self._parents:
            self._settle(self._parents[order.id], at)

    def _settle(self, whole: Whole, now: datetime) -> None:
        """Ends it once nothing more is to be made and all that was made has ended."""
        is_made = whole.is_stopped or (whole.runs and len(whole.children) == whole.runs)
        ends = [each.final for each in whole.children]
        if whole.final is not None or not is_made or None in ends:
            return
        if not whole.runs:
            whole.final = Status.COMPLETED if ends else Status.CANCELED
        elif len(ends) == whole.runs and set(ends) == {Status.COMPLETED}:
            whole.final = Status.COMPLETED
        else:
            whole.final = Status.CANCELED if set(ends) <= {Status.CANCELED} else Status.PARTIAL
        whole.left = whole.remains(now)
