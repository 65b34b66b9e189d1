"""Buying the smallest order of each type from a panel, within a budget, and following it and the money."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sutler.conformance import shapes
from sutler.conformance.adds import LINK, RUNS, cheapest, cost_micros, dripped, smallest
from sutler.conformance.call import Answer, Asker, Call, call
from sutler.conformance.reads import NO_ORDER, UNKNOWN, Check, of_another
from sutler.conformance.verdict import PASS, Judge, Known, Outcome, Verdict, differs, gravest, note, refused, untold
from sutler.core.lifecycle import FINAL, Status
from sutler.core.money import show_charge
from sutler.core.order_types import LARGEST_NUMBER, ORDER_TYPES, Measure
from sutler.core.service_row import ServiceRow
from sutler.core.upstream_words import REFUSES_REQUEST, DeclineKind, read_count
from sutler.panels import parse
from sutler.panels.results import Accepted, Balance, Declined, Taken, UpstreamStatus

DRIPPED = ", drip-fed"
_NOT_OUR_DOING = frozenset(
    {DeclineKind.FUNDS, DeclineKind.DUPLICATE, DeclineKind.LINK, DeclineKind.RATE, DeclineKind.AUTH}
)
# What a balance or a charge shown with five decimals may hide.
_HIDDEN_MICROS = 10
_NO_REFILL = refused("Refill is not available for this order", REFUSES_REQUEST)
_NO_CANCEL = refused("Cancel is not available for this order", REFUSES_REQUEST)

# A check that was made, what it came to, and the answer that it looked at.
Seen = tuple[Check, Verdict, Answer]


class Wanted:
    """The smallest order of a type, as it is about to be placed."""

    def __init__(self, service: ServiceRow, link: str, *, drip: bool) -> None:
        kind = ORDER_TYPES[service.type or ""]
        self.service = service
        self.label = f"{kind.name}{DRIPPED if drip else ''}"
        self.fields = dripped(service, link) if drip else smallest(service, link)
        self.cost_micros = cost_micros(service, RUNS if drip else 1)
        self.is_subscription = kind.measure is Measure.POSTS
        self.charge_micros = 0 if self.is_subscription else self.cost_micros
        self.quantity = 1 if kind.measure is Measure.ONE else service.min * (RUNS if drip else 1)
        self.family: tuple[str, ...] = ("runs", "orders") if drip else ()
        if self.is_subscription:
            self.family = ("posts", "expiry", "orders")


def wishes(services: Sequence[ServiceRow], token: str) -> list[Wanted]:
    """Returns an order of each type on sale and a drip-feed of each that has one, the cheapest first."""
    drips = [each for each in services if each.dripfeed and each.type and ORDER_TYPES[each.type].can_drip]
    asked = [(each, False) for each in cheapest(services).values()] + [
        (each, True) for each in cheapest(drips).values()
    ]
    wanted = [Wanted(each, f"{LINK}/{token}/{number}", drip=drip) for number, (each, drip) in enumerate(asked)]
    return sorted(wanted, key=lambda each: each.cost_micros)


class Shopper:
    """Buys, and never lets more out of `budget_micros` than there is: what an order may cost is set aside first."""

    def __init__(self, asker: Asker, budget_micros: int) -> None:
        self._asker = asker
        self.left_micros = budget_micros
        self._last_id = 0
        self._own: set[str] = set()

    async def buy(self, wanted: Wanted) -> AsyncIterator[Seen]:
        """Places the order if the budget has it, and yields each check of it as it is made."""
        label = wanted.label
        if wanted.cost_micros > self.left_micros:
            why = f"the smallest order costs {show_charge(wanted.cost_micros)}, which is more than is left to spend"
            yield _check("add", "a good order is taken", label), untold(why), Answer(None)
            return
        self.left_micros -= wanted.cost_micros
        before = await self._balance()
        answer = await self._asker.ask(call("add", **wanted.fields))
        yield _check("add", "a good order is taken", label), _taken(answer.value), answer
        after = await self._balance()
        self.left_micros -= _beyond(before, after, wanted)
        placed = parse.accepted(answer.value)
        if not isinstance(placed, Accepted):
            return
        order_id = placed.upstream_id
        self._own.add(order_id)
        yield _check("add", 'the answer is `{"order": integer}` and no more', label), self._named(answer.value), answer
        sentence = "the balance falls by rate x quantity / 1000, rounded up"
        yield _check("add", sentence, label), _fell(before, after, wanted.charge_micros), Answer(None)
        async for seen in self._follow(wanted, order_id):
            yield seen
        async for seen in self._cancel(wanted, order_id, before):
            yield seen

    async def _balance(self) -> int | None:
        said = parse.balance((await self._asker.ask(call("balance"))).value)
        return said.micros if isinstance(said, Balance) else None

    def _named(self, value: Any) -> Verdict:
        """Judges the answer of an order that was taken: the id, and that it is above all before."""
        order = value.get("order")
        found = shapes.whole_id(order) if order is not None else note(Known.OTHER_ID)
        verdicts = [found, PASS if list(value) == ["order"] or order is None else differs("there are further keys")]
        number = read_count(order) or 0
        if 0 < number <= LARGEST_NUMBER:
            verdicts.append(PASS if number > self._last_id else differs("the id is not above that of the order before"))
            self._last_id = max(number, self._last_id)
        return gravest(verdicts)

    async def _follow(self, wanted: Wanted, order_id: str) -> AsyncIterator[Seen]:
        label, family = wanted.label, wanted.family
        answer = await self._asker.ask(call("status", order=order_id))
        keys = "the keys are the five" + (f", and {', '.join(family)}" if family else "")
        for sentence, judge in (
            (keys, shapes.status_keys(family)),
            ("numbers and words are texts", shapes.status_texts),
            ("`status` is one of the six, byte for byte", shapes.status_word),
            ("`charge` is what the order costs", _charges(wanted.charge_micros)),
            ("`remains` is between 0 and what was ordered", _remains(wanted)),
        ):
            yield _check("status", sentence, label), judge(answer.value), answer
        for action, sentence, asked, judge in self._further(wanted, order_id):
            answer = await self._asker.ask(asked)
            yield _check(action, sentence, label), judge(answer.value), answer

    def _further(self, wanted: Wanted, order_id: str) -> list[tuple[str, str, Call, Judge]]:
        further: list[tuple[str, str, Call, Judge]] = [
            (
                "status",
                "the order is answered beside an unknown one",
                call("status", orders=f"{order_id},{UNKNOWN}"),
                _beside_unknown(order_id, wanted.family),
            )
        ]
        earlier = str(int(order_id) - 1) if order_id.isdigit() else "0"
        if earlier != "0" and earlier not in self._own:
            asked = call("status", order=earlier)
            further.append(("status", "the order before it, another customer's, is unknown", asked, of_another))
        return further

    async def _cancel(self, wanted: Wanted, order_id: str, before: int | None) -> AsyncIterator[Seen]:
        label = wanted.label
        refill = await self._asker.ask(call("refill", order=order_id))
        said = await self._status(order_id)
        sentence = "a refill of an order that is not completed is refused"
        yield _check("refill", sentence, label), _refill(refill.value, said), refill
        taken = parse.refill(refill.value)
        if isinstance(taken, Taken) and taken.upstream_id:
            state = await self._asker.ask(call("refill_status", refill=taken.upstream_id))
            yield _check("refill_status", "the refill is known", label), shapes.refill_state(state.value), state
        answer = await self._asker.ask(call("cancel", orders=order_id))
        said = await self._status(order_id)
        can = wanted.service.cancel
        sentence = "an order is cancelled" if can else "an order whose service has no cancel is not cancelled"
        yield _check("cancel", sentence, label), _canceled(answer.value, order_id, can, said), answer
        if can and said is not None and said.status is Status.CANCELED:
            after = await self._balance()
            verdict = gravest([_fell(before, after, 0), _amounts(said.charge_micros or 0, 0, "shown")])
            yield _check("cancel", "what is Canceled costs nothing", label), verdict, Answer(None)

    async def _status(self, order_id: str) -> UpstreamStatus | None:
        said = parse.status((await self._asker.ask(call("status", order=order_id))).value)
        return said if isinstance(said, UpstreamStatus) else None


def _check(action: str, sentence: str, label: str) -> Check:
    return Check(action, sentence, call(action), lambda _: PASS, label)


def _taken(value: Any) -> Verdict:
    said = parse.accepted(value)
    if isinstance(said, Accepted):
        return PASS
    if isinstance(said, Declined) and said.kind in _NOT_OUR_DOING:
        return untold("the order is refused")
    return differs("the order is refused" if isinstance(said, Declined) else said.why)


def _beyond(before: int | None, after: int | None, wanted: Wanted) -> int:
    """Returns what was taken beyond what was set aside."""
    beyond = 0 if before is None or after is None else before - after - wanted.cost_micros
    return beyond if beyond >= _HIDDEN_MICROS else 0


def _fell(before: int | None, after: int | None, charge_micros: int) -> Verdict:
    if before is None or after is None:
        return untold("the balance could not be read")
    return _amounts(before - after, charge_micros, "taken")


def _amounts(found: int, wanted: int, verb: str) -> Verdict:
    if abs(found - wanted) < _HIDDEN_MICROS:
        return PASS
    if any(found and found % unit == 0 and abs(found - wanted) < unit for unit in (100, 1_000, 10_000)):
        return note(Known.ROUNDED)
    return differs(f"{show_charge(found)} was {verb}, not {show_charge(wanted)}")


def _charges(charge_micros: int) -> Judge:
    def judge(value: Any) -> Verdict:
        said = parse.status(value)
        if not isinstance(said, UpstreamStatus) or said.charge_micros is None:
            return untold("the charge cannot be read")
        if said.status in FINAL:
            return untold("the order has ended already")
        return _amounts(said.charge_micros, charge_micros, "shown")

    return judge


def _remains(wanted: Wanted) -> Judge:
    def judge(value: Any) -> Verdict:
        said = parse.status(value)
        if not isinstance(said, UpstreamStatus) or said.remains is None:
            return untold("what remains cannot be read")
        if wanted.is_subscription or 0 <= said.remains <= wanted.quantity:
            return PASS
        return differs(f"{said.remains} of {wanted.quantity} remain")

    return judge


def _beside_unknown(order_id: str, family: Sequence[str]) -> Judge:
    def judge(value: Any) -> Verdict:
        found = shapes.by_id([order_id, UNKNOWN], lambda _: PASS)(value)
        if found.outcome is not Outcome.PASSED:
            return found
        members: Mapping[str, Any] = value
        return gravest([shapes.status_keys(family)(members[order_id]), NO_ORDER(members[UNKNOWN])])

    return judge


def _refill(value: Any, said: UpstreamStatus | None) -> Verdict:
    if isinstance(parse.refill(value), Taken):
        is_completed = said is not None and said.status is Status.COMPLETED
        return untold("the order has ended already") if is_completed else differs("a refill was taken")
    return shapes.nested("refill", _NO_REFILL)(value)


def _canceled(value: Any, order_id: str, can: bool, said: UpstreamStatus | None) -> Verdict:
    found = parse.cancels(value, [order_id])
    came = found.get(order_id) if isinstance(found, dict) else None
    if not can:
        judge = shapes.in_order([order_id], "order", "cancel", _NO_CANCEL)
        return note(Known.UNASKED_CANCEL) if isinstance(came, Taken) else judge(value)
    if isinstance(came, Taken):
        plain = isinstance(value, list) and value[0].get("cancel") == 1 and set(value[0]) == {"order", "cancel"}
        return PASS if plain else note(Known.OTHER_SHAPE)
    if isinstance(came, Declined) and said is not None and said.status in FINAL:
        return untold("the order has ended already")
    return differs("it was refused" if isinstance(came, Declined) else "it cannot be read")
