"""`/adminapi/v2`: how staff's programs take work and report it (the protocol, section 6).

Header `X-Api-Key`, JSON or forms. Every answer has the envelope `{"data":...,"error_message":"","error_code":0}`; in
an error `data` is null and the code is the HTTP status too. `ROUTES` is the whole interface.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt

from sutler.api import admin_request
from sutler.api.admin_filters import read_pull, read_wanted
from sutler.api.admin_order import (
    echo,
    moment_fields,
    moment_text,
    order_item,
    read_count,
    read_id,
    read_ids,
    read_refill_status,
    read_report,
    read_status,
    snake,
)
from sutler.api.admin_request import Asked, Trouble, View, guarded, json_answer
from sutler.api.wording import sentence
from sutler.core.clock import unpredictable
from sutler.core.lifecycle import Status
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.desk import desk
from sutler.orders.models import CancelRequest, Refill
from sutler.orders.move import Report

# Refusals that are no mere mistake in what was sent (400).
_CODES = {
    Reason.INVALID_KEY: 401,
    # As a wrong key, in the code too: whoever found a key learns nothing by trying it elsewhere.
    Reason.ADDRESS_NOT_ALLOWED: 401,
    Reason.SCOPE_MISSING: 403,
    Reason.INCORRECT_ORDER: 404,
    Reason.REFILL_NOT_FOUND: 404,
    Reason.TOO_MANY_REQUESTS: 429,
}
_NOT_FOUND = Trouble(404, "Not found")
_WRONG_METHOD = Trouble(405, "Method not allowed")

Data = dict[str, Any]
Act = Callable[..., Data | Refusal]
_Ask = TypeVar("_Ask")


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: its method and path below `/adminapi/v2/`, the scope that a key needs, and what it does."""

    method: str
    path: str
    scope: str
    act: Act


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """Answers every path that is nobody's, whoever asks."""
    return trouble(_NOT_FOUND)


def pull_orders(asked: Asked) -> Data | Refusal:
    """Hands out Pending orders: `service_ids` (all if missing), `limit` (100 if missing, at most 500)."""
    limits = read_pull(asked.fields)
    if isinstance(limits, Refusal):
        return limits
    return _listed([order_item(each) for each in desk.pull(*limits, asked.actor, asked.now)])


def update_orders(asked: Asked) -> Data | Refusal:
    """Takes reports: `orders`, a list of objects with `id` and `status`, `start_count` or `remains`."""
    sent = asked.fields.get("orders")
    if isinstance(sent, str):
        sent = admin_request.decode(sent)
    if not isinstance(sent, list) or len(sent) > desk.MOST_REPORTED or not all(isinstance(each, dict) for each in sent):
        return Refusal(Reason.INCORRECT_FIELD, "orders")
    return {"orders": _each([(each.get("id"), _report(each)) for each in sent], _report_with(asked))}


def list_orders(asked: Asked) -> Data | Refusal:
    """Lists orders: filters, order and page are those of `admin_filters.read_wanted`"""
    wanted = read_wanted(asked.fields)
    return wanted if isinstance(wanted, Refusal) else _listed([order_item(each) for each in desk.find(wanted)])


def show_order(asked: Asked, order_id: str) -> Data | Refusal:
    """Shows one order."""
    return _order(read_id(order_id))


def change_status(asked: Asked) -> Data | Refusal:
    """Moves the orders `ids` to `status`."""
    status = read_status(asked.fields.get("status"))
    if status is None:
        return Refusal(Reason.INCORRECT_FIELD, "status")
    return _move_all(asked, status)


def set_partial(asked: Asked, order_id: str) -> Data | Refusal:
    """Ends an order early, `remains` of it undelivered, and shows what has become of it."""
    remains = read_count(asked.fields.get("remains"))
    if remains is None:
        return Refusal(Reason.INCORRECT_FIELD, "remains")
    number = read_id(order_id)
    refusal = desk.set_partial(number or 0, remains, asked.actor, asked.now)
    return refusal or _order(number)


def cancel_orders(asked: Asked) -> Data | Refusal:
    """Cancels the orders `ids` and gives everything back."""
    return _move_all(asked, Status.CANCELED)


def report_post(asked: Asked, order_id: str) -> Data | Refusal:
    """Takes the `link` of a new post of a subscription, and shows the subscription."""
    link = asked.fields.get("link")
    if not isinstance(link, str):
        return Refusal(Reason.INCORRECT_FIELD, "link")
    number = read_id(order_id)
    refusal = desk.report_post(number or 0, link, asked.now, unpredictable(), asked.actor)
    return refusal or _order(number)


def pull_refills(asked: Asked) -> Data | Refusal:
    """Hands out Pending refills: `service_ids`, `limit`, as for orders."""
    limits = read_pull(asked.fields)
    if isinstance(limits, Refusal):
        return limits
    return _listed([_refill_item(each) for each in desk.pull_refills(*limits, asked.actor, asked.now)])


def change_refill_status(asked: Asked) -> Data | Refusal:
    """Moves the refills `ids` to `status`."""
    ids, status = _read_many(asked.fields), read_refill_status(asked.fields.get("status"))
    if ids is None or status is None:
        return Refusal(Reason.INCORRECT_FIELD, "ids" if ids is None else "status")
    asks = [(sent, (number, status) if number else Refusal(Reason.REFILL_NOT_FOUND)) for sent, number in ids]
    return {"refills": _each(asks, lambda moves: desk.report_refills(moves, asked.actor, asked.now))}


def pull_cancels(asked: Asked) -> Data | Refusal:
    """Hands out requests to cancel, each as its order: `service_ids`, `limit`, as for orders."""
    limits = read_pull(asked.fields)
    if isinstance(limits, Refusal):
        return limits
    return _listed([_cancel_item(each) for each in desk.pull_cancels(*limits)])


def reject_cancels(asked: Asked) -> Data | Refusal:
    """Turns down the requests to cancel the orders `ids`."""
    ids = _read_many(asked.fields)
    if ids is None:
        return Refusal(Reason.INCORRECT_FIELD, "ids")
    asks = [(sent, number or Refusal(Reason.INCORRECT_ORDER)) for sent, number in ids]
    return {"orders": _each(asks, lambda numbers: desk.reject_cancels(numbers, asked.actor, asked.now))}


ORDERS, REFILLS, CANCELS = "fulfil_orders", "fulfil_refills", "fulfil_cancels"

ROUTES = (
    Route("POST", "orders/pull", ORDERS, pull_orders),
    Route("POST", "orders/update", ORDERS, update_orders),
    Route("GET", "orders", ORDERS, list_orders),
    Route("GET", "orders/{id}", ORDERS, show_order),
    Route("POST", "orders/change-status", ORDERS, change_status),
    Route("POST", "orders/{id}/set-partial", ORDERS, set_partial),
    Route("POST", "orders/cancel", ORDERS, cancel_orders),
    Route("POST", "orders/{id}/post", ORDERS, report_post),
    Route("POST", "refill/pull", REFILLS, pull_refills),
    Route("POST", "refill/change-status", REFILLS, change_refill_status),
    Route("POST", "cancel/pull", CANCELS, pull_cancels),
    Route("POST", "cancel/reject", CANCELS, reject_cancels),
)


def _move_all(asked: Asked, status: Status) -> Data | Refusal:
    ids = _read_many(asked.fields)
    if ids is None:
        return Refusal(Reason.INCORRECT_FIELD, "ids")
    asks = [(sent, Report(number, status) if number else Refusal(Reason.INCORRECT_ORDER)) for sent, number in ids]
    return {"orders": _each(asks, _report_with(asked))}


def _read_many(fields: Mapping[str, Any]) -> list[tuple[object, int | None]] | None:
    ids = read_ids(fields.get("ids"))
    return ids if ids and len(ids) <= desk.MOST_REPORTED else None


def _report(sent: Mapping[str, Any]) -> Report | Refusal:
    number = read_id(sent.get("id"))
    return read_report(number, sent) if number else Refusal(Reason.INCORRECT_ORDER)


def _report_with(asked: Asked) -> Callable[[Sequence[Report]], Sequence[Refusal | None]]:
    return lambda reports: desk.report(reports, asked.actor, asked.now)


def _each(
    asks: Sequence[tuple[object, _Ask | Refusal]], act: Callable[[Sequence[_Ask]], Sequence[Refusal | None]]
) -> list[Data]:
    """Acts on all that was well said at once and answers each by the id as it was sent, in the order asked."""
    outcomes = iter(act([ask for _, ask in asks if not isinstance(ask, Refusal)]))
    answers = [(sent, ask if isinstance(ask, Refusal) else next(outcomes)) for sent, ask in asks]
    return [
        {"id": echo(sent), "success": refusal is None, "message": sentence(refusal) if refusal else ""}
        for sent, refusal in answers
    ]


def _order(order_id: int | None) -> Data | Refusal:
    order = desk.get(order_id) if order_id else None
    return order_item(order) if order else Refusal(Reason.INCORRECT_ORDER)


def _refill_item(refill: Refill) -> Data:
    order = order_item(refill.order)
    kept = ("user", "link", "quantity", "start_count", "service_id", "service_name", "service_type")
    return (
        {"id": refill.pk, "order_id": refill.order_id, "status": snake(refill.status)}
        | {name: order[name] for name in kept}
        | moment_fields(refill.requested_at)
    )


def _cancel_item(request: CancelRequest) -> Data:
    return order_item(request.order) | {"order_id": request.order_id, "requested": moment_text(request.requested_at)}


def _listed(items: list[Data]) -> Data:
    return {"count": len(items), "list": items}


def trouble(why: Trouble) -> HttpResponse:
    """Returns the answer to a request that is not done, in the envelope."""
    return json_answer({"data": None, "error_message": why.text, "error_code": why.code}, why.code)


def _refused(refusal: Refusal) -> HttpResponse:
    return trouble(Trouble(_CODES.get(refusal.reason, 400), sentence(refusal)))


def _answer(request: HttpRequest, route: Route, parts: Mapping[str, str]) -> HttpResponse:
    now = admin_request.now()
    secret = request.headers.get("X-Api-Key", "").strip()
    actor = admin_request.admit(secret, request.META.get("REMOTE_ADDR", ""), route.scope, now)
    if isinstance(actor, Refusal):
        return _refused(actor)
    request.META[admin_request.ACTOR] = actor
    fields = admin_request.read(request)
    if isinstance(fields, Refusal):
        return _refused(fields)
    data = route.act(Asked(fields, actor, now), **parts)
    if isinstance(data, Refusal):
        return _refused(data)
    return json_answer({"data": data, "error_message": "", "error_code": 0})


def _view(acts: Mapping[str, Route]) -> View:
    """Returns the view of one path, given its routes by method."""

    @guarded(trouble)
    def view(request: HttpRequest, **parts: str) -> HttpResponse:
        route = acts.get(request.method or "")
        if route is None:
            answer = trouble(_WRONG_METHOD)
            answer["Allow"] = ", ".join(acts)
            return answer
        return _answer(request, route, parts)

    return view


def _patterns() -> list[URLPattern]:
    paths: dict[str, dict[str, Route]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = route
    found = [
        re_path(f"^{path.replace('{id}', '(?P<order_id>[0-9]+)')}/?$", _view(acts)) for path, acts in paths.items()
    ]
    return [*found, re_path("", unknown)]


urlpatterns = _patterns()
