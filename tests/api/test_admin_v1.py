"""`/adminapi/v1` over real requests: key and action, GET or POST, one word for each fault."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from sutler.accounts import keys
from sutler.accounts.models import Customer, User
from sutler.api.admin_v1 import ACTIONS
from sutler.catalogue.models import Service
from sutler.core.lifecycle import Status
from sutler.fulfilment.desk import desk
from sutler.orders.models import Order
from sutler.storage.transactions import Busy
from tests.conftest import ALICE_KEY, NOW, SAM_KEY, make_service
from tests.orders.ordering import LINK, balance, placed, reported

pytestmark = pytest.mark.django_db

URL = "/adminapi/v1"
UNKNOWN_ID = 999_999
SUCCESS = {"status": "success"}


def fail(word: str) -> dict[str, str]:
    return {"status": "fail", "error": word}


def ask(method: str = "POST", url: str = URL, code: int = 200, **fields: Any) -> Any:
    """What the interface says to Sam's software, or whoever's `key` is given; a field that is None is not sent."""
    sent = {name: value for name, value in ({"key": SAM_KEY} | fields).items() if value is not None}
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    answer = (
        client.generic(method, url) if method not in {"GET", "POST"} else getattr(client, method.lower())(url, sent)
    )
    assert (answer.status_code, answer["Content-Type"]) == (code, "application/json")
    return json.loads(answer.content)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("url", [URL, URL + "/"])
def test_one_order_is_handed_out(sam: User, alice: Customer, service: Service, method: str, url: str) -> None:
    order, later = placed(alice, service), placed(alice, service)
    said = ask(method, url, action="getOrder", type=service.pk)
    assert said == {
        "status": "success",
        "id": str(order.pk),
        "link": LINK,
        "quantity": "1000",
        "remains": "1000",
        "order_status": "processing",
        "start_count": None,
        "service_id": str(service.pk),
        "user": "Alice",
        "service_name": "Followers",
        "service_type": "Default",
        "charge": "0.90",
        "currency": "USD",
        "created": "2026-11-21T12:00:00Z",
        "created_timestamp": "1795262400",
        "parent_id": None,
    }
    assert ask(method, url, action="getOrder", type=service.pk)["id"] == str(later.pk)
    assert ask(method, url, action="getOrder", type=service.pk) == fail("no_order")


def test_json_and_query_are_read_too(sam: User, alice: Customer) -> None:
    service = make_service(type="Custom Comments", min=1)
    order = placed(alice, service, comments="one\ntwo")
    body = json.dumps({"action": " GETORDER ", "type": service.pk})
    said = Client().post(f"{URL}?key={SAM_KEY}&action=setCanceled", body, content_type="application/json").json()
    assert (said["id"], said["comments"]) == (str(order.pk), "one\ntwo")


def test_orders_are_handed_out_together(sam: User, alice: Customer, service: Service) -> None:
    orders = [placed(alice, service) for _ in range(4)]
    other = make_service(name="Likes")
    assert ask(action="getOrders", type=other.pk) == fail("no_order")
    said = ask(action="getOrders", type=f"{service.pk},{other.pk}", limit=3)
    assert [each["id"] for each in said["orders"]] == [str(each.pk) for each in orders[:3]]
    assert len(ask(action="getOrders", type=service.pk)["orders"]) == 1
    assert ask(action="getOrders", type=service.pk) == fail("no_order")


def test_at_most_a_hundred_are_handed_out(sam: User, alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    copies = [Order(**_columns(order)) for _ in range(104)]
    Order.objects.bulk_create(copies)
    said = ask(action="getOrders", type=service.pk, limit=1000)
    assert len(said["orders"]) == 100


def _columns(order: Order) -> dict[str, Any]:
    return {each.attname: getattr(order, each.attname) for each in Order._meta.concrete_fields if each.name != "id"}


@pytest.mark.parametrize("action", ["getOrder", "getOrders"])
@pytest.mark.parametrize("wanted", [None, "", "x", "-1", "1,x", "99999999999"])
def test_a_service_is_needed(sam: User, alice: Customer, service: Service, action: str, wanted: str | None) -> None:
    order = placed(alice, service)
    assert ask(action=action, type=wanted) == fail("bad_type")
    order.refresh_from_db()
    assert order.status == Status.PENDING


def test_orders_are_shown_by_their_ids(sam: User, alice: Customer, service: Service) -> None:
    first, second = placed(alice, service), placed(alice, service)
    reported(second, Status.PARTIAL, remains=500, start_count=3572)
    said = ask("GET", action="getOrders-by-id", orders=f"{second.pk}, {first.pk},{UNKNOWN_ID},x")
    shown = [(each["id"], each["order_status"], each["start_count"], each["remains"]) for each in said["orders"]]
    assert shown == [(str(first.pk), "pending", None, "1000"), (str(second.pk), "partial", "3572", "500")]
    for nothing in (None, "", "x", str(UNKNOWN_ID)):
        assert ask(action="getOrders-by-id", orders=nothing) == fail("no_order")


@pytest.mark.parametrize(
    ("action", "fields", "status", "start_count", "remains", "charged"),
    [
        ("setStartcount", {"start_count": "3572"}, "Pending", 3572, 1000, 900_000),
        ("setInprogress", {}, "In progress", None, 1000, 900_000),
        ("setRemains", {"remains": "7"}, "Pending", None, 7, 900_000),
        ("setPartial", {"remains": "500"}, "Partial", None, 500, 450_000),
        ("setCompleted", {}, "Completed", None, 0, 900_000),
        ("setCanceled", {}, "Canceled", None, 1000, 0),
    ],
)
def test_orders_are_reported(
    sam: User,
    alice: Customer,
    service: Service,
    action: str,
    fields: dict[str, Any],
    status: str,
    start_count: int | None,
    remains: int,
    charged: int,
) -> None:
    order = placed(alice, service)
    assert ask("GET", action=action, id=order.pk, **fields) == SUCCESS
    order.refresh_from_db()
    assert (order.status, order.start_count, order.remains) == (status, start_count, remains)
    assert balance(alice) == 10_000_000_000 - charged


REPORTING = [name for name in ACTIONS if name.startswith("set")]


@pytest.mark.parametrize("action", REPORTING)
@pytest.mark.parametrize("order_id", [None, "", "x", "0", "-1", UNKNOWN_ID, "9" * 40])
def test_an_order_that_is_not_there_is_a_bad_id(sam: User, action: str, order_id: object) -> None:
    assert ask(action=action, id=order_id, start_count=1, remains=1) == fail("bad_id")


@pytest.mark.parametrize(
    ("action", "fields", "word"),
    [
        ("setStartcount", {}, "bad_start_count"),
        ("setStartcount", {"start_count": ""}, "bad_start_count"),
        ("setStartcount", {"start_count": "-1"}, "bad_start_count"),
        ("setStartcount", {"start_count": "1.5"}, "bad_start_count"),
        ("setRemains", {}, "bad_remains"),
        ("setRemains", {"remains": "many"}, "bad_remains"),
        ("setPartial", {}, "bad_remains"),
        ("setPartial", {"remains": "9" * 30}, "bad_remains"),
        ("setPartial", {"remains": "1001"}, "bad_remains"),
        ("setPartial", {"remains": "-1"}, "bad_remains"),
    ],
)
def test_a_malformed_report_changes_nothing(
    sam: User, alice: Customer, service: Service, action: str, fields: dict[str, Any], word: str
) -> None:
    order = placed(alice, service)
    assert ask(action=action, id=order.pk, **fields) == fail(word)
    order.refresh_from_db()
    assert (order.status, order.start_count, order.remains) == (Status.PENDING, None, 1000)


def test_what_has_ended_does_not_move(sam: User, alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    assert ask(action="setCompleted", id=order.pk) == SUCCESS
    assert ask(action="setCompleted", id=order.pk) == SUCCESS
    assert ask(action="setCanceled", id=order.pk) == fail("bad_status")


def test_many_orders_are_reported_together(sam: User, alice: Customer, service: Service) -> None:
    first, second, third = (placed(alice, service) for _ in range(3))
    told = [
        {"id": str(first.pk), "status": "in progress", "start_count": "5"},
        {"id": second.pk, "status": "completed"},
        {"id": third.pk, "status": "gone"},
        {"id": UNKNOWN_ID, "status": "completed"},
        {"id": "x"},
        {"id": third.pk},
    ]
    expected = {
        "status": "success",
        "orders": [
            {"id": str(first.pk), "status": "success"},
            {"id": str(second.pk), "status": "success"},
            {"id": str(third.pk), **fail("bad_status")},
            {"id": str(UNKNOWN_ID), **fail("bad_id")},
            {"id": "x", **fail("bad_id")},
            {"id": str(third.pk), **fail("bad_request")},
        ],
    }
    assert ask(action="updateOrders", orders=json.dumps(told)) == expected
    body = json.dumps({"key": SAM_KEY, "action": "updateOrders", "orders": told})
    assert Client().post(URL, body, content_type="application/json").json() == expected
    assert list(Order.objects.order_by("pk").values_list("status", flat=True)) == [
        "In progress",
        "Completed",
        "Pending",
    ]


@pytest.mark.parametrize("orders", [None, "", "x", "{}", "[1]", "[" * 50_000, json.dumps([{"id": 1}] * 101)])
def test_a_malformed_list_of_reports_is_refused(sam: User, orders: str | None) -> None:
    assert ask(action="updateOrders", orders=orders) == fail("bad_orders")


@pytest.mark.parametrize("key", [None, "", "wrong", ALICE_KEY])
def test_only_keys_of_staff_are_taken(sam: User, alice: Customer, service: Service, key: str | None) -> None:
    order = placed(alice, service)
    for action in [*ACTIONS, "nothing"]:
        assert ask(key=key, action=action, id=order.pk, type=service.pk, remains=1) == fail("bad_auth")
    order.refresh_from_db()
    assert order.status == Status.PENDING


@pytest.mark.parametrize("limits", [{"scopes": ["fulfil_refills", "fulfil_cancels"]}, {"networks": ("10.0.0.0/8",)}])
def test_a_key_may_not_do_more_than_it_was_made_for(sam: User, limits: dict[str, Any]) -> None:
    secret = "8" * 64
    keys.create(secret, NOW, user_id=sam.pk, **limits)
    assert ask(key=secret, action="getOrders", type=1) == fail("bad_auth")


@pytest.mark.parametrize("action", [None, "", "nothing", "getorderS-by", "__init__", "é"])
def test_an_unknown_action_is_a_bad_one(sam: User, action: str | None) -> None:
    assert ask(action=action) == fail("bad_action")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(sam: User, method: str) -> None:
    assert ask(method, code=405) == fail("bad_method")


def test_malformed_json_is_a_bad_request(sam: User) -> None:
    assert Client().post(URL, b'{"key"', content_type="application/json").json() == fail("bad_request")


def test_a_body_has_a_limit(sam: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.SUTLER, "SUTLER_BODY_LIMIT_BYTES", 100)
    assert ask(code=413, action="getOrder", type="1" * 100) == fail("Request too large")


@pytest.mark.parametrize(("error", "code"), [(Busy("locked"), 503), (ValueError("bug"), 500)])
def test_faults_are_answered_as_json(sam: User, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(desk, "pull", broken)
    said = ask(code=code, action="getOrder", type=1)
    assert (said["status"], "bug" in said["error"]) == ("fail", False)
