"""The seven actions of the v2 protocol and ours beside them: from fields to verbs to bytes (the protocol, 2 and 7)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from sutler.accounts.keys import KeyHolder
from sutler.api import changes, metrics
from sutler.api.actions import MOST_IDS
from sutler.api.gather import Gatherer
from sutler.api.read_request import id_of, ids_of
from sutler.api.wording import error_body, sentence
from sutler.api.writer import Writer
from sutler.books.balances import balances
from sutler.catalogue.services_answer import Feed, feeds
from sutler.core.clock import Clock
from sutler.core.lifecycle import RefillStatus
from sutler.core.money import show_balance, show_charge
from sutler.core.refusals import Reason, Refusal
from sutler.orders import refill
from sutler.orders.place import PlaceRequest, is_request_id
from sutler.orders.place_reads import placed_under
from sutler.orders.status import Family, Standing, look_up

_encode = msgspec.json.Encoder().encode
Answer = bytes | Refusal | Feed
_UNKNOWN_ORDER = Refusal(Reason.INCORRECT_ORDER)
_UNKNOWN_REFILL = Refusal(Reason.REFILL_NOT_FOUND)


class Caller(msgspec.Struct, gc=False):
    """Who asks: a customer, through a key. `request_id` is the one sent as a header."""

    customer_id: int
    holder: KeyHolder
    request_id: str = ""


class V2:
    """Answers actions. Reads are gathered on one thread; all writing is done in the writer process, one at a time."""

    def __init__(self, clock: Clock, writing: ThreadPoolExecutor, reading: ThreadPoolExecutor, writer: Writer) -> None:
        self._clock = clock
        self._writer = writer
        # Two lists: one is worked while the other stands in the writer's pipe.
        self._places: Gatherer[PlaceRequest, int | Refusal] = Gatherer(
            self._place, writing, abreast=2, note=self._count_placed
        )
        self._standings = Gatherer(look_up, reading, note=_counted("status"))
        self._balances = Gatherer(balances, reading, note=_counted("balance"))
        self._feeds = Gatherer(feeds, reading, capacity=512, share=64, note=_counted("services"))
        self._refill_looks = Gatherer(_look_up_refills, reading, note=_counted("refill_status"))
        self._finds = Gatherer(_placed_under, reading, note=_counted("find"))
        self._feed = changes.ChangesFeed()
        # One at a time: each is a transaction of its own.
        self._writes: Gatherer[tuple[str, int, list[int]], list[Any]] = Gatherer(
            self._write, writing, capacity=512, share=64, most=1
        )
        self.handlers: dict[str, Callable[[Caller, Mapping[str, str]], Awaitable[Answer]]] = {
            "services": self._services,
            "add": self._add,
            "status": self._status,
            "refill": self._refill,
            "refill_status": self._refill_status,
            "cancel": self._cancel,
            "balance": self._balance,
            "find": self._find,
            "changes": self._changes,
        }
        metrics.watch_inbox("place", self._places.__len__)
        metrics.watch_inbox("write", self._writes.__len__)
        metrics.watch_inbox("status", self._standings.__len__)
        metrics.watch_inbox("balance", self._balances.__len__)
        metrics.watch_inbox("services", self._feeds.__len__)
        metrics.watch_inbox("refill_status", self._refill_looks.__len__)
        metrics.watch_inbox("find", self._finds.__len__)

    def _place(self, requests: list[PlaceRequest]) -> list[int | Refusal]:
        began = self._clock.monotonic()
        placed: list[int | Refusal] = self._writer.call("place", [msgspec.structs.astuple(each) for each in requests])
        metrics.record_place_seconds(self._clock.monotonic() - began)
        return placed

    def _write(self, asks: list[tuple[str, int, list[int]]]) -> list[list[Any]]:
        return [self._writer.call(*ask) for ask in asks]

    def _count_placed(self, outcomes: Sequence[int | Refusal | BaseException]) -> None:
        placed = sum(isinstance(each, int) for each in outcomes)
        metrics.record_placed(placed)
        metrics.record_batch("add", placed, [each for each in outcomes if isinstance(each, Refusal)])

    async def _services(self, caller: Caller, _: Mapping[str, str]) -> Answer:
        return await self._feeds.ask((caller.customer_id, caller.holder.integer_services), caller.customer_id)

    async def _add(self, caller: Caller, fields: Mapping[str, str]) -> Answer:
        cap = caller.holder.daily_cap_micros
        outcome = await self._places.ask(
            PlaceRequest(
                caller.customer_id,
                fields,
                fields.get("request_id") or caller.request_id or None,
                caller.holder.key_id if cap is not None else None,
                cap,
            ),
            caller.customer_id,
        )
        return outcome if isinstance(outcome, Refusal) else b'{"order":%d}' % outcome

    async def _status(self, caller: Caller, fields: Mapping[str, str]) -> Answer:
        asked = _asked(fields, "order", "orders")
        if isinstance(asked, Refusal):
            return asked
        nulls = caller.holder.null_start_count
        if isinstance(asked, str):
            order_id = id_of(asked.strip())
            found = await self._standings.ask((caller.customer_id, (order_id,)), caller.customer_id) if order_id else {}
            return _standing(found[order_id], nulls) if order_id in found else _UNKNOWN_ORDER
        if not asked:
            return _UNKNOWN_ORDER
        known = [number for _, number in asked if number]
        found = await self._standings.ask((caller.customer_id, known), caller.customer_id)
        unknown = error_body(_UNKNOWN_ORDER)
        return b"{%s}" % b",".join(
            b"%s:%s" % (_encode(token), _standing(found[number], nulls) if number in found else unknown)
            for token, number in asked
        )

    async def _refill(self, caller: Caller, fields: Mapping[str, str]) -> Answer:
        asked = _asked(fields, "order", "orders")
        if isinstance(asked, Refusal):
            return asked
        ids = [(asked, id_of(asked.strip()))] if isinstance(asked, str) else asked
        outcomes = await self._write_each("refill", caller, ids)
        if isinstance(asked, str):
            return outcomes[0] if isinstance(outcomes[0], Refusal) else _encode({"refill": str(outcomes[0])})
        return _list("order", "refill", ids, outcomes)

    async def _refill_status(self, caller: Caller, fields: Mapping[str, str]) -> Answer:
        asked = _asked(fields, "refill", "refills", _UNKNOWN_REFILL)
        if isinstance(asked, Refusal):
            return asked
        ids = [(asked, id_of(asked.strip()))] if isinstance(asked, str) else asked
        found = await self._refill_looks.ask(
            (caller.customer_id, [number or 0 for _, number in ids]), caller.customer_id
        )
        statuses = [status or _UNKNOWN_REFILL for status in found]
        if isinstance(asked, str):
            return statuses[0] if isinstance(statuses[0], Refusal) else _encode({"status": statuses[0]})
        return _list("refill", "status", ids, statuses)

    async def _cancel(self, caller: Caller, fields: Mapping[str, str]) -> Answer:
        asked = _asked(fields, "order", "orders")
        if isinstance(asked, Refusal):
            return asked
        ids = [(asked, id_of(asked.strip()))] if isinstance(asked, str) else asked
        outcomes = [outcome or 1 for outcome in await self._write_each("cancel", caller, ids)]
        if isinstance(asked, str):
            return outcomes[0] if isinstance(outcomes[0], Refusal) else _encode({"order": ids[0][1], "cancel": 1})
        return _list("order", "cancel", ids, outcomes)

    async def _balance(self, caller: Caller, _: Mapping[str, str]) -> Answer:
        micros, currency = await self._balances.ask(caller.customer_id, caller.customer_id)
        return b'{"balance":"%s","currency":"%s"}' % (show_balance(micros).encode(), currency.encode())

    async def _find(self, caller: Caller, fields: Mapping[str, str]) -> Answer:
        request_id = fields.get("request_id") or caller.request_id
        if not request_id:
            return Refusal(Reason.INCORRECT_REQUEST)
        if not is_request_id(request_id):
            return Refusal(Reason.INCORRECT_FIELD, "request_id")
        order_id = await self._finds.ask((caller.customer_id, request_id), caller.customer_id)
        return b'{"order":%d}' % order_id if order_id else Refusal(Reason.ORDER_NOT_FOUND)

    async def _changes(self, caller: Caller, fields: Mapping[str, str]) -> Answer:
        asked = changes.read(fields, caller.customer_id, caller.holder.integer_services)
        if isinstance(asked, Refusal):
            return asked
        news = await self._feed.answer(*asked)
        return news if isinstance(news, Refusal) else _news(news, caller.holder.null_start_count)

    async def _write_each(self, verb: str, caller: Caller, ids: Sequence[tuple[str, int | None]]) -> list[Any]:
        """Returns what the verb answers for each id, and the refusal of an unknown order for what is no id."""
        if caller.holder.suspended:
            return [Refusal(Reason.ACCOUNT_SUSPENDED)] * len(ids)
        known = [number for _, number in ids if number]
        answers = await self._writes.ask((verb, caller.customer_id, known), caller.customer_id) if known else []
        by_id = dict(zip(known, answers, strict=True))
        return [by_id[number] if number else _UNKNOWN_ORDER for _, number in ids]


def _asked(
    fields: Mapping[str, str], single: str, batch: str, nothing: Refusal = _UNKNOWN_ORDER
) -> str | list[tuple[str, int | None]] | Refusal:
    """Returns the text of the single id, or the ids of a batch, or why neither can be read.

    The single one wins over a batch; a comma makes it a batch.
    """
    one = fields.get(single, "")
    if one.strip() and "," not in one:
        return one
    many = one if one.strip() else fields.get(batch)
    if many is None:
        return Refusal(Reason.INCORRECT_REQUEST)
    return ids_of(many, MOST_IDS) or nothing


def _placed_under(asks: Sequence[tuple[int, str]]) -> list[int | None]:
    placed = placed_under(set(asks))
    return [placed[each][0] if each in placed else None for each in asks]


def _look_up_refills(asks: Sequence[tuple[int, Sequence[int]]]) -> list[list[RefillStatus | None]]:
    flat = iter(refill.look_up([(customer_id, each) for customer_id, ids in asks for each in ids]))
    return [[next(flat) for _ in ids] for _, ids in asks]


def _counted(action: str) -> Callable[[Sequence[object]], None]:
    return lambda outcomes: metrics.record_batch(action, sum(not isinstance(each, BaseException) for each in outcomes))


def _standing(standing: Standing, nulls: bool) -> bytes:
    """The five keys, all strings; none of the values needs escaping."""
    start_count = f'"{standing.start_count or 0}"'
    if nulls and standing.start_count is None:
        start_count = "null"
    family = _family(standing.family) if standing.family else ""
    return (
        f'{{"charge":"{show_charge(standing.charge_micros)}","start_count":{start_count},'
        f'"status":"{standing.status}","remains":"{standing.remains}","currency":"{standing.currency}"{family}}}'
    ).encode()


def _news(news: changes.News, nulls: bool) -> bytes:
    """The cursor, and what has changed as `status`, `refill_status` and `services` answer it."""
    orders = b",".join(b'"%d":%s' % (pk, _standing(each, nulls)) for pk, each in news.standings.items())
    refills = _encode({str(pk): {"status": status} for pk, status in news.refills.items()})
    services = b',"services":%s' % news.services.plain if news.services else b""
    more = b"true" if news.changes.more else b"false"
    return b'{"cursor":"%s","orders":{%s},"refills":%s%s,"more":%s}' % (
        news.cursor.encode(),
        orders,
        refills,
        services,
        more,
    )


def _family(family: Family) -> str:
    added: dict[str, object] = (
        {"runs": str(family.runs)} if family.runs is not None else {"posts": str(family.posts), "expiry": family.expiry}
    )
    added["orders"] = family.children
    return "," + _encode(added).decode()[1:-1]


def _list(name: str, answer_name: str, ids: Sequence[tuple[str, int | None]], outcomes: Sequence[Any]) -> bytes:
    """An array in the order asked; a token that is no id is echoed as it came."""
    return _encode(
        [
            {
                name: token if number is None else number,
                answer_name: {"error": sentence(outcome)} if isinstance(outcome, Refusal) else outcome,
            }
            for (token, number), outcome in zip(ids, outcomes, strict=True)
        ]
    )
