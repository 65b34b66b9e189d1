"""`/adminapi/v1`: the older way for staff's programs to take work, one address with `key` and `action`.

GET or POST. Every answer has `status`, `success` or `fail`; a `fail` has `error`, one word. Ids and counts are texts,
as programs of this age expect. `ACTIONS` is the whole interface (the protocol, section 6).
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from sutler.api import admin_request
from sutler.api.admin_filters import read_pull
from sutler.api.admin_order import echo, order_item, read_id, read_ids, read_report
from sutler.api.admin_request import Asked, Trouble, guarded, json_answer
from sutler.core.lifecycle import Status
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.desk import desk
from sutler.orders.models import Order
from sutler.orders.move import Report

MOST_AT_ONCE = 100

_WORDS = {
    Reason.INVALID_KEY: "bad_auth",
    Reason.ADDRESS_NOT_ALLOWED: "bad_auth",
    Reason.SCOPE_MISSING: "bad_auth",
    Reason.INCORRECT_ORDER: "bad_id",
    Reason.MOVE_NOT_ALLOWED: "bad_status",
    Reason.INCORRECT_REQUEST: "bad_request",
}

Data = dict[str, Any]


def get_order(asked: Asked) -> Data:
    """Hands out the oldest Pending order of the service `type`."""
    orders = _pulled(asked, 1)
    return orders if isinstance(orders, dict) else _done(**orders[0])


def get_orders(asked: Asked) -> Data:
    """Hands out up to 100 Pending orders of the service `type`, fewer with `limit`."""
    orders = _pulled(asked, MOST_AT_ONCE)
    return orders if isinstance(orders, dict) else _done(orders=orders)


def get_orders_by_id(asked: Asked) -> Data:
    """Shows the orders `orders`, at most 100, whatever their status."""
    ids = read_ids(asked.fields.get("orders")) or []
    numbers = [number for _, number in ids if number][:MOST_AT_ONCE]
    found = desk.find(desk.Wanted(ids=numbers, newest_first=False)) if numbers else []
    return _done(orders=[_item(each) for each in found]) if found else _failed("no_order")


def reporting(status: Status | None, *needs: str) -> Callable[[Asked], Data]:
    """Returns the action that moves the order `id` to a status, or none, and takes the fields that it needs."""

    def act(asked: Asked) -> Data:
        number = read_id(asked.fields.get("id"))
        missing = [name for name in needs if asked.fields.get(name) in (None, "")]
        if number is None or missing:
            return _failed(f"bad_{missing[0]}" if number else "bad_id")
        read = read_report(number, {name: asked.fields[name] for name in needs} | {"status": status})
        outcome = read if isinstance(read, Refusal) else desk.report([read], asked.actor, asked.now)[0]
        return _refused(outcome) if outcome else _done()

    return act


def update_orders(asked: Asked) -> Data:
    """Takes up to 100 reports: `orders`, a JSON list of objects with `id` and `status`, `start_count` or `remains`."""
    sent = asked.fields.get("orders")
    sent = admin_request.decode(sent.encode("utf-8", "replace")) if isinstance(sent, str) else sent
    if not isinstance(sent, list) or len(sent) > MOST_AT_ONCE or not all(isinstance(each, dict) for each in sent):
        return _failed("bad_orders")
    reads = [_report(each) for each in sent]
    reports = [each for each in reads if isinstance(each, Report)]
    outcomes = iter(desk.report(reports, asked.actor, asked.now))
    refusals = [each if isinstance(each, Refusal) else next(outcomes) for each in reads]
    return _done(
        orders=[
            {"id": str(echo(each.get("id")) or "")} | (_refused(refusal) if refusal else _done())
            for each, refusal in zip(sent, refusals, strict=True)
        ]
    )


ACTIONS: dict[str, Callable[[Asked], Data]] = {
    "getOrder": get_order,
    "getOrders": get_orders,
    "getOrders-by-id": get_orders_by_id,
    "setStartcount": reporting(None, "start_count"),
    "setInprogress": reporting(Status.IN_PROGRESS),
    "setRemains": reporting(None, "remains"),
    "setPartial": reporting(Status.PARTIAL, "remains"),
    "setCompleted": reporting(Status.COMPLETED),
    "setCanceled": reporting(Status.CANCELED),
    "updateOrders": update_orders,
}
_BY_LOWER_NAME = {name.lower(): act for name, act in ACTIONS.items()}


def _pulled(asked: Asked, most: int) -> list[Data] | Data:
    """Returns the orders handed out, as items of texts, or the answer that there are none."""
    read = read_pull({"service_ids": asked.fields.get("type") or "", "limit": asked.fields.get("limit")})
    if isinstance(read, Refusal):
        return _failed("bad_limit" if read.field == "limit" else "bad_type")
    service_ids, limit = read
    orders = desk.pull(service_ids, min(limit, most), asked.actor, asked.now)
    return [_item(each) for each in orders] if orders else _failed("no_order")


def _item(order: Order) -> Data:
    item = {name: None if value is None else str(value) for name, value in order_item(order).items()}
    item["order_status"] = item.pop("status")  # `status` says how the request went
    return item


def _report(sent: Data) -> Report | Refusal:
    number = read_id(sent.get("id"))
    return read_report(number, sent) if number else Refusal(Reason.INCORRECT_ORDER)


def _done(**more: Any) -> Data:
    return {"status": "success"} | more


def _failed(word: str) -> Data:
    return {"status": "fail", "error": word}


def _refused(refusal: Refusal) -> Data:
    return _failed(f"bad_{refusal.field}" if refusal.field else _WORDS[refusal.reason])


def trouble(why: Trouble) -> HttpResponse:
    """Returns the answer to a request that nobody refused and that is not done."""
    return json_answer(_failed(why.text), why.code)


@guarded(trouble)
def view(request: HttpRequest) -> HttpResponse:
    """Answers one request: the key first, then the action."""
    if request.method not in {"GET", "POST"}:
        answer = trouble(Trouble(405, "bad_method"))
        answer["Allow"] = "GET, POST"
        return answer
    fields = admin_request.read(request)
    if isinstance(fields, Refusal):
        return json_answer(_refused(fields))
    now = admin_request.now()
    address = request.META.get("REMOTE_ADDR", "")
    actor = admin_request.admit(str(fields.get("key", "")).strip(), address, "fulfil_orders", now)
    if isinstance(actor, Refusal):
        return json_answer(_refused(actor))
    request.META[admin_request.ACTOR] = actor
    act = _BY_LOWER_NAME.get(str(fields.get("action", "")).strip().lower())
    return json_answer(act(Asked(fields, actor, now)) if act else _failed("bad_action"))
