"""The scripted upstream: a panel that speaks v2, repeatable from a seed, and lies exactly as its faults say.

It has two faces: `transport` for simulated time, `server` for real callers. Neither changes what it
does: the same seed and the same calls at the same moments give the same answers.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sutler.core.clock import Clock, Random, seeded
from sutler.core.lifecycle import Status
from sutler.core.money import show_balance
from sutler.core.refusals import Reason, Refusal
from sutler.core.text import text_input
from sutler.simulator import catalogue, status
from sutler.simulator.faults import Faults, Lots
from sutler.simulator.panel import Account, Order, Refill, Service
from sutler.simulator.reply import MADE_LATER, NOT_DONE, TOO_FAST, UNREADABLE, Reply, encoded, sent
from sutler.simulator.schedules import WholePanel

Fields = Mapping[str, str]
KEY = "f" * 64
MOST_IDS = 100
# A repeated id is one of so many made last.
LATELY = 50
SILENT_REFUND_AFTER = timedelta(hours=1)
WITHOUT_FAULTS = Faults()

# The sentence of each refusal, and the key that stands for it in the panels' other dialect.
SENTENCES: dict[Reason, tuple[str, str]] = {
    Reason.INVALID_KEY: ("Invalid API key", "error.invalid_api_key"),
    Reason.INCORRECT_REQUEST: ("Incorrect request", "error.incorrect_request"),
    Reason.INCORRECT_SERVICE: ("Incorrect service ID", "error.incorrect_service_id"),
    Reason.INCORRECT_FIELD: ("Incorrect {field}", "neworder.error.{field}"),
    Reason.QUANTITY_BELOW_MINIMUM: ("Quantity less than minimal {bound}", "neworder.error.min_quantity"),
    Reason.QUANTITY_ABOVE_MAXIMUM: ("Quantity more than maximum {bound}", "neworder.error.max_quantity"),
    Reason.LINK_IN_USE: (
        "You have active order with this link. Please wait until order being completed.",
        "neworder.error.link_duplicate",
    ),
    Reason.NOT_ENOUGH_FUNDS: ("Not enough funds on balance", "neworder.error.not_enough_funds"),
    Reason.INCORRECT_ORDER: ("Incorrect order ID", "error.incorrect_order_id"),
    Reason.ORDER_NOT_FOUND: ("Order not found", "error.order_not_found"),
    Reason.REFILL_NOT_FOUND: ("Refill not found", "error.refill_not_found"),
    Reason.REFILL_NOT_AVAILABLE: ("Refill is not available for this order", "error.refill_not_available"),
    Reason.CANCEL_NOT_AVAILABLE: ("Cancel is not available for this order", "error.cancel_not_available"),
}


@dataclass(frozen=True, slots=True)
class Totals:
    """The journal of one account added up, beside the balance that the panel kept meanwhile."""

    orders: int
    paid_in_micros: int
    charged_micros: int
    refunded_micros: int
    balance_micros: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call that reached the panel: whose, with what, when, and what troubles its answer."""

    account: Account
    fields: Fields
    now: datetime
    trouble: str


class LyingUpstream:
    """A panel with one account to begin with, `services` (by default twenty of all types) and an honest journal.

    One that `keeps_request_ids` places one order for a request ID and answers `find`, as Sutler does.
    `delivery_seconds` is what an order takes from beginning to end, half as long or half as much again by chance.
    `faults` may be changed at any time.
    """

    def __init__(
        self,
        chance: Random,
        clock: Clock,
        faults: Faults = WITHOUT_FAULTS,
        *,
        key: str = KEY,
        currency: str = "USD",
        balance_micros: int = 10_000_000_000,
        services: Iterable[Service] | None = None,
        delivery_seconds: float = 600.0,
        keeps_request_ids: bool = False,
    ) -> None:
        # Three courses of chance: lies change neither the catalogue nor what becomes of the same orders.
        stocking, fates, lies = (seeded(chance.getrandbits(64)) for _ in range(3))
        sold = catalogue.stock(20, stocking) if services is None else services
        self._clock = clock
        self._lots = Lots(faults, lies)
        self._second, self._calls_in_second = -1, 0
        self._hand_orders = 0
        self.keeps_request_ids = keeps_request_ids
        self._by_request_id: dict[tuple[str, str], Order] = {}
        self.panel = WholePanel(fates, sold, delivery_seconds)
        self.panel.charge_step = max(1, int(faults.charge_step_micros))
        self.key = key
        self.panel.open_account(key, currency, balance_micros)

    @property
    def faults(self) -> Faults:
        """The faults that are switched on."""
        return self._lots.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._lots.faults = faults
        self.panel.charge_step = max(1, int(faults.charge_step_micros))

    @property
    def struck(self) -> Mapping[str, int]:
        """How often each fault has struck so far."""
        return +self._lots.struck

    def answer(self, fields: Fields) -> Reply:
        """Does what a call asks, unless a fault has it otherwise, and returns how the answer reaches the caller."""
        now = self._clock.now()
        self.panel.catch_up(now)
        if self._is_too_fast():
            return TOO_FAST
        action = _action(fields)
        account = self.panel.accounts.get(fields.get("key", ""))
        trouble = self._lots.on_the_way(action)
        said, named = self._outcome(action, Call(account, fields, now, trouble)) if account else self._no_such_key()
        reply = sent(trouble, Reply(encoded(said), names=named), self.faults, self._lots.chance)
        if self.faults.latency_seconds and not reply.delay_seconds:
            return replace(reply, delay_seconds=self._lots.chance.uniform(0, self.faults.latency_seconds))
        return reply

    def orders_for(self, link: str) -> list[Order]:
        """Returns every order made for this link by now, in the order in which they were made."""
        self.panel.catch_up(self._clock.now())
        return self.panel.orders_for(link)

    def journal(self) -> list[Order]:
        """Returns every order made by now, of all accounts, oldest first."""
        self.panel.catch_up(self._clock.now())
        return list(self.panel.orders.values())

    def totals(self, key: str = "") -> Totals:
        """Returns the sums of an account's journal, by default of the account it began with."""
        account = self.panel.accounts[key or self.key]
        self.panel.catch_up(self._clock.now())
        orders = self.panel.billed(account.key)
        charged, refunded = (sum(each.charge_micros for each in orders), sum(each.refunded_micros for each in orders))
        return Totals(len(orders), account.paid_in_micros, charged, refunded, account.balance_micros)

    def _no_such_key(self) -> tuple[object, Order | None]:
        return self._refusal(Refusal(Reason.INVALID_KEY)), None

    def _is_too_fast(self) -> bool:
        second = int(self._clock.monotonic())
        self._calls_in_second = self._calls_in_second + 1 if second == self._second else 1
        self._second = second
        limit = self.faults.calls_per_second
        return limit > 0 and self._calls_in_second > limit

    def _outcome(self, action: str, call: Call) -> tuple[object, Order | None]:
        """Does the call if it is one that gets done; returns what the panel would say and the order it truly names."""
        if action == "add":
            self._order_by_hand(call)
        if call.trouble in MADE_LATER:
            due = call.now + timedelta(seconds=self._lots.chance.uniform(1, max(1, self.faults.created_late_seconds)))
            self.panel.later(due, lambda at: self._add(replace(call, now=at)))
        is_left = call.trouble in UNREADABLE and self._lots.chance.random() >= self.faults.done_share
        if call.trouble in NOT_DONE or is_left:
            return None, None
        if action == "add":
            return self._add(call)
        ask = _ASKS.get(action)
        return self._refusal(Refusal(Reason.INCORRECT_REQUEST)) if ask is None else ask(self, call), None

    def _order_by_hand(self, call: Call) -> None:
        """Has a person who shares the account order the same for another link, if that fault strikes."""
        if not self._lots.strikes("shared"):
            return
        self._hand_orders += 1
        link = f"https://example.com/by-hand/{self._hand_orders}"
        made = self.panel.add(call.account, {**call.fields, "link": link}, call.now)
        if isinstance(made, Order):
            made.by_hand = True

    def _add(self, call: Call) -> tuple[object, Order | None]:
        percent = 100
        if self._lots.strikes("overcharge"):
            percent = self._lots.chance.randint(105, 200)
        elif self._lots.strikes("undercharge"):
            percent = self._lots.chance.randint(10, 95)
        request = call.account.key, call.fields.get("request_id", "")
        if request in self._by_request_id:
            return self._named(self._by_request_id[request])
        made = self._made(call, percent)
        if isinstance(made, Refusal):
            return self._refusal(made), None
        if self.keeps_request_ids and request[1]:
            self._by_request_id[request] = made
        made.fault = call.trouble
        if self._lots.strikes("created_twice"):
            twin = self._made(call, percent)
            if isinstance(twin, Order):
                twin.fault = "created_twice"
        return self._named(made)

    def _made(self, call: Call, percent: int) -> Order | Refusal:
        is_opaque = self._lots.strikes("opaque_ids")
        made = self.panel.add(call.account, call.fields, call.now, percent=percent, is_opaque=is_opaque)
        if isinstance(made, Order) and self._lots.strikes("silent_refund"):
            self._refund_later(made, self._lots.chance.choice((1, 2)))
        return made

    def _refund_later(self, order: Order, divisor: int) -> None:
        def refund(_: datetime) -> None:
            if order.final is Status.COMPLETED:
                self.panel.give_back(order, order.charge_micros // divisor)

        self.panel.later(order.ends_at + SILENT_REFUND_AFTER, refund)

    def _named(self, order: Order) -> tuple[object, Order | None]:
        """Returns the answer to add, and the order if that is the one it names."""
        wrong = self._lots.first(("foreign_id", "repeated_id", "zero_id", "empty_id"))
        if wrong == "repeated_id":
            lately = islice(reversed(self.panel.orders.values()), LATELY)
            earlier = [each for each in lately if each.key == order.key and each is not order]
            wrong = wrong if earlier else ""
        if wrong:
            order.fault = order.fault or wrong
        match wrong:
            case "foreign_id":
                return {"order": int(self.panel.next_id())}, None
            case "repeated_id":
                return {"order": _bare(self._lots.chance.choice(earlier).id)}, None
            case "zero_id":
                return {"order": 0}, None
            case "empty_id":
                return {"order": self._lots.chance.choice(("", None, False))}, None
        shown = order.id if self._lots.strikes("text_id") else _bare(order.id)
        if self._lots.strikes("nested_id"):
            return self._lots.chance.choice(({"order_id": shown}, {"data": {"order": shown}})), order
        return {"order": shown}, order

    def _find(self, call: Call) -> object:
        if not self.keeps_request_ids:
            return self._refusal(Refusal(Reason.INCORRECT_REQUEST))
        order = self._by_request_id.get((call.account.key, call.fields.get("request_id", "")))
        if order is None or self._lots.strikes("passing_error"):
            return self._refusal(Refusal(Reason.ORDER_NOT_FOUND))
        return {"order": _bare(order.id)}

    def _services(self, _: Call) -> object:
        return catalogue.listed(list(self.panel.services.values()), self._lots)

    def _balance(self, call: Call) -> object:
        balance = status.with_commas(show_balance(call.account.balance_micros), self._lots)
        return {"balance": balance, "currency": call.account.currency}

    def _status(self, call: Call) -> object:
        ids, is_batch = _ids(call.fields, "order")
        if not ids:
            return self._refusal(Refusal(Reason.INCORRECT_ORDER))
        if not is_batch:
            return self._status_of(ids[0], call)
        return {each: self._status_of(each, call) for each in ids if not self._lots.strikes("missing_item")}

    def _status_of(self, order_id: str, call: Call) -> object:
        order = self.panel.find(call.account, order_id)
        if order is None or self._lots.strikes("passing_error"):
            return self._refusal(Refusal(Reason.INCORRECT_ORDER))
        return status.told(order, call.now, call.account.currency, self._lots)

    def _refill(self, call: Call) -> object:
        ids, is_batch = _ids(call.fields, "order")
        made = [self.panel.refill(call.account, each, call.now) for each in ids]
        if not made:
            return self._refusal(Refusal(Reason.INCORRECT_ORDER))
        if is_batch:
            return [{"order": _bare(each), "refill": self._item(one)} for each, one in zip(ids, made, strict=True)]
        if not self._lots.strikes("other_shapes"):
            return self._refusal(made[0]) if isinstance(made[0], Refusal) else {"refill": made[0].id}
        item = self._item(made[0])
        return {"refill": item if isinstance(item, dict) else self._lots.chance.choice((item, True))}

    def _item(self, one: Refill | Refusal) -> object:
        return self._refusal(one) if isinstance(one, Refusal) else int(one.id)

    def _refill_status(self, call: Call) -> object:
        ids, is_batch = _ids(call.fields, "refill")
        states = [self._refill_state(each, call) for each in ids]
        if not states:
            return self._refusal(Refusal(Reason.REFILL_NOT_FOUND))
        if is_batch:
            return [{"refill": _bare(each), "status": one} for each, one in zip(ids, states, strict=True)]
        return states[0] if isinstance(states[0], dict) else {"status": states[0]}

    def _refill_state(self, refill_id: str, call: Call) -> object:
        refill = self.panel.refills.get(refill_id)
        if refill is None or refill.key != call.account.key:
            return self._refusal(Refusal(Reason.REFILL_NOT_FOUND))
        return refill.status(call.now).value

    def _cancel(self, call: Call) -> object:
        ids, is_batch = _ids(call.fields, "order")
        refusals = [self.panel.cancel(call.account, each, call.now) for each in ids]
        if not refusals:
            return self._refusal(Refusal(Reason.INCORRECT_ORDER))
        items: list[object] = [1 if each is None else self._refusal(each) for each in refusals]
        if len(items) == 1 and self._lots.strikes("other_shapes"):
            return self._canceled_otherwise(items[0])
        if is_batch:
            return [{"order": _bare(each), "cancel": item} for each, item in zip(ids, items, strict=True)]
        return items[0] if isinstance(items[0], dict) else {"order": _bare(ids[0]), "cancel": 1}

    def _canceled_otherwise(self, item: object) -> object:
        if isinstance(item, dict):
            return self._lots.chance.choice((item, {"cancel": item}))
        return self._lots.chance.choice(({"cancel": 1}, {"cancel": True}, {"ok": True}, {"success": True}))

    def _refusal(self, refusal: Refusal) -> dict[str, Any]:
        sentence, key = SENTENCES[refusal.reason]
        text = key if self._lots.strikes("dialect") else sentence
        return {"error": text.format(field=refusal.field, bound=refusal.bound)}


_ASKS: dict[str, Callable[[LyingUpstream, Call], object]] = {
    "services": LyingUpstream._services,
    "balance": LyingUpstream._balance,
    "status": LyingUpstream._status,
    "refill": LyingUpstream._refill,
    "refill_status": LyingUpstream._refill_status,
    "cancel": LyingUpstream._cancel,
    "find": LyingUpstream._find,
}


def _action(fields: Fields) -> str:
    action = fields.get("action", "").strip().lower()
    return "status" if action == "orders" else action


def _ids(fields: Fields, name: str) -> tuple[list[str], bool]:
    """Returns the distinct ids asked for, at most 100, and whether the answer is a batch. A single id wins."""
    single, several = fields.get(name, ""), fields.get(f"{name}s", "")
    text = single or several
    ids = list(dict.fromkeys(stripped for token in text.split(",") if (stripped := token.strip())))
    return ids[:MOST_IDS], not single or "," in single


def _bare(order_id: str) -> int | str:
    """Returns an id as the wire shows it: a number where it is one."""
    number = text_input.number(order_id)
    return order_id if number is None else number
