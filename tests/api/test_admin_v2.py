"""`/adminapi/v2` over real requests: keys, envelope, every endpoint, and whatever goes wrong."""

import json
from datetime import timedelta
from typing import Any

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.lifecycle import Status
from sutler.orders import cancel, refill
from sutler.orders.models import CancelRequest, Order, OrderEvent, Post, Refill
from tests.api.admin_caller import ORDER_KEYS, UNKNOWN_ID, Executor, heard
from tests.conftest import NOW, SAM_KEY, make_service
from tests.orders.ordering import balance, placed, reported

pytestmark = pytest.mark.django_db


def test_pull_hands_out_orders_as_items(executor: Executor, alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    other = placed(alice, make_service(name="Likes"))
    data = executor.post("orders/pull", service_ids=f"{service.pk}, {UNKNOWN_ID}", limit=100)
    assert data == {
        "count": 1,
        "list": [
            {
                **{"id": order.pk, "user": "Alice", "charge": "0.90", "currency": "USD"},
                **{"link": "https://example.com/post/1", "quantity": 1000, "start_count": None, "remains": 1000},
                **{"service_id": service.pk, "service_name": "Followers", "service_type": "Default"},
                **{"status": "processing", "created": "2026-11-21T12:00:00Z"},
                **{"created_timestamp": 1_795_262_400, "parent_id": None},
            }
        ],
    }
    assert executor.post("orders/pull")["list"][0]["id"] == other.pk
    assert executor.post("orders/pull") == {"count": 0, "list": []}
    assert OrderEvent.objects.order_by("pk").values_list("actor", flat=True)[0].startswith("staff ")


def test_the_fields_of_a_type_stand_in_the_item(executor: Executor, alice: Customer) -> None:
    service = make_service(type="Custom Comments", min=1)
    placed(alice, service, comments="one\ntwo")
    item = executor.post("orders/pull")["list"][0]
    assert (item["comments"], item["quantity"]) == ("one\ntwo", 2)
    assert set(item) == ORDER_KEYS | {"comments"}


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({"limit": "2"}, 2),
        ({"limit": 0}, 3),
        ({"limit": 10**9}, 3),
        ({"service_ids": None, "limit": None}, 3),
        ({"service_ids": [1], "limit": ""}, None),
    ],
)
def test_pull_takes_numbers_and_texts(
    executor: Executor, alice: Customer, service: Service, body: dict[str, Any], count: int | None
) -> None:
    for _ in range(3):
        placed(alice, service)
    if count is None:
        body, count = body | {"service_ids": [service.pk, str(service.pk)]}, 3
    assert executor.post("orders/pull", **body)["count"] == count


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"service_ids": "1,x"}, "service_ids"),
        ({"service_ids": ""}, "service_ids"),
        ({"service_ids": []}, "service_ids"),
        ({"service_ids": {"a": 1}}, "service_ids"),
        ({"service_ids": "99999999999"}, "service_ids"),
        ({"service_ids": "1," * 1001}, "service_ids"),
        ({"service_ids": "-1"}, "service_ids"),
        ({"limit": "-1"}, "limit"),
        ({"limit": 1.5}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": "1e3"}, "limit"),
        ({"limit": "１"}, "limit"),
        ({"limit": 10**17}, "limit"),
    ],
)
@pytest.mark.parametrize("path", ["orders/pull", "refill/pull", "cancel/pull"])
def test_a_malformed_pull_takes_nothing(
    executor: Executor, alice: Customer, service: Service, path: str, body: dict[str, Any], field: str
) -> None:
    order = placed(alice, service)
    assert executor.refused(path, body) == (400, f"Incorrect {field}")
    order.refresh_from_db()
    assert order.status == Status.PENDING


def test_orders_are_pulled_and_reported_by_forms_too(executor: Executor, alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    client, key = executor.client, {"X-Api-Key": SAM_KEY}
    pulled = heard(client.post("/adminapi/v2/orders/pull", {"service_ids": str(service.pk)}, headers=key))
    assert pulled["data"]["count"] == 1
    orders = json.dumps([{"id": order.pk, "status": "in_progress"}])
    form = f"orders={orders}"
    sent = executor.send("POST", "orders/update", form.encode(), content_type="application/x-www-form-urlencoded")
    assert heard(sent)["data"]["orders"][0]["success"] is True


def test_update_answers_each_order(executor: Executor, alice: Customer, service: Service) -> None:
    begun, ended, over, left = (placed(alice, service) for _ in range(4))
    data = executor.post(
        "orders/update",
        orders=[
            {"id": begun.pk, "status": "in_progress", "start_count": 10, "remains": 5},
            {"id": str(ended.pk), "status": "Partial", "remains": "250"},
            {"id": over.pk, "status": "completed", "remains": -20, "start_count": None},
            {"id": UNKNOWN_ID, "status": "completed"},
            {"id": "x", "status": "completed"},
            {"status": "completed"},
            {"id": left.pk, "status": "done"},
            {"id": left.pk, "start_count": -1},
            {"id": left.pk, "remains": 1.5},
            {"id": left.pk},
            {"id": ended.pk, "status": "completed"},
        ],
    )
    assert data == {
        "orders": [
            {"id": begun.pk, "success": True, "message": ""},
            {"id": ended.pk, "success": True, "message": ""},
            {"id": over.pk, "success": True, "message": ""},
            {"id": UNKNOWN_ID, "success": False, "message": "Incorrect order ID"},
            {"id": "x", "success": False, "message": "Incorrect order ID"},
            {"id": None, "success": False, "message": "Incorrect order ID"},
            {"id": left.pk, "success": False, "message": "Incorrect status"},
            {"id": left.pk, "success": False, "message": "Incorrect start_count"},
            {"id": left.pk, "success": False, "message": "Incorrect remains"},
            {"id": left.pk, "success": False, "message": "Incorrect request"},
            {"id": ended.pk, "success": False, "message": "Status change is not allowed"},
        ]
    }
    rows = Order.objects.order_by("pk").values_list("status", "start_count", "remains")
    assert list(rows) == [
        ("In progress", 10, 5),
        ("Partial", None, 250),
        ("Completed", None, -20),
        ("Pending", None, 1000),
    ]
    assert balance(alice) == 10_000_000_000 - 4 * 900_000 + 225_000


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"orders": None},
        {"orders": "x"},
        {"orders": {"id": 1}},
        {"orders": [1]},
        {"orders": [{"id": 1, "status": "completed"}] * 501},
    ],
)
def test_a_malformed_update_is_refused_whole(executor: Executor, body: dict[str, Any]) -> None:
    assert executor.refused("orders/update", body) == (400, "Incorrect orders")


def test_five_hundred_reports_are_taken_at_once(executor: Executor, alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    said = [{"id": order.pk, "status": "in_progress"}, *({"id": UNKNOWN_ID + n, "remains": 1} for n in range(499))]
    outcomes = executor.post("orders/update", orders=said)["orders"]
    assert (len(outcomes), [each["success"] for each in outcomes].count(True)) == (500, 1)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [3, 2, 1, 0]),
        ("?sort=date-asc", [0, 1, 2, 3]),
        ("?sort=date-desc&limit=2&offset=1", [2, 1]),
        ("?limit=0", [3, 2, 1, 0]),
        ("?limit=5000", [3, 2, 1, 0]),
        ("?status=pending", [3, 2]),
        ("?order_status=in_progress,completed", [1, 0]),
        ("?order_status=in_progress", [1]),
        ("?status=", [3, 2, 1, 0]),
        ("?created_from=1795262401&created_to=1795262402", [2, 1]),
        ("?created_from=&unknown=1", [3, 2, 1, 0]),
    ],
)
def test_orders_are_listed_by_filters(
    executor: Executor, alice: Customer, service: Service, query: str, expected: list[int]
) -> None:
    orders = [placed(alice, service, NOW + timedelta(seconds=each, microseconds=5)) for each in range(4)]
    Order.objects.filter(pk=orders[2].pk).update(created_at=NOW + timedelta(seconds=1.5))
    reported(orders[0], Status.COMPLETED)
    reported(orders[1], Status.IN_PROGRESS)
    data = executor.get(f"orders{query}")
    assert [each["id"] for each in data["list"]] == [orders[each].pk for each in expected]
    assert data["count"] == len(expected)


def test_orders_are_listed_by_ids_and_services(executor: Executor, alice: Customer, service: Service) -> None:
    other = make_service(name="Likes")
    first, second, third = (placed(alice, each).pk for each in (service, other, service))

    def listed(query: str) -> list[int]:
        return [each["id"] for each in executor.get(f"orders/?{query}")["list"]]

    assert listed(f"ids={first},{third},{UNKNOWN_ID}") == [third, first]
    assert listed(f"service_ids={other.pk}") == [second]
    assert listed(f"id_from={second}&id_to={third}") == [third, second]
    assert listed(f"id_from={second}&limit=1&sort=date-asc") == [second]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("ids=1,x", "ids"),
        ("ids=,", "ids"),
        ("status=gone", "status"),
        ("order_status=pending,", "order_status"),
        ("service_ids=", "service_ids"),
        ("id_from=0", "id_from"),
        ("id_to=3000000000", "id_to"),
        ("created_from=yesterday", "created_from"),
        ("created_to=999999999999999", "created_to"),
        ("sort=random", "sort"),
        ("limit=-5", "limit"),
        ("offset=-1", "offset"),
        ("offset=%00", "offset"),
        ("limit=%FF", "limit"),
    ],
)
def test_a_malformed_filter_is_named(executor: Executor, query: str, field: str) -> None:
    assert executor.refused(f"orders?{query}", method="GET") == (400, f"Incorrect {field}")


def test_one_order_is_shown(executor: Executor, alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    reported(order, Status.PARTIAL, remains=500, start_count=3572)
    shown = executor.get(f"orders/{order.pk}")
    assert set(shown) == ORDER_KEYS
    assert (shown["charge"], shown["start_count"], shown["status"]) == ("0.45", 3572, "partial")
    assert executor.get(f"orders/{order.pk}/") == shown


@pytest.mark.parametrize("number", ["999999", "0", "3000000000", "9" * 30])
@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [("GET", "", None), ("POST", "/set-partial", {"remains": 1}), ("POST", "/post", {"link": "https://example.com"})],
)
def test_an_order_that_is_not_there_is_404(
    executor: Executor, number: str, method: str, rest: str, body: dict[str, Any] | None
) -> None:
    assert executor.refused(f"orders/{number}{rest}", body, method) == (404, "Incorrect order ID")


@pytest.mark.parametrize("as_list", [True, False])
def test_status_is_changed_for_many(executor: Executor, alice: Customer, service: Service, as_list: bool) -> None:
    first, second = placed(alice, service), placed(alice, service)
    numbers = [first.pk, second.pk, UNKNOWN_ID, "no"]
    ids = numbers if as_list else " , ".join(map(str, numbers))
    outcomes = executor.post("orders/change-status", ids=ids, status="in_progress")["orders"]
    assert [(each["id"], each["success"]) for each in outcomes] == [
        (first.pk, True),
        (second.pk, True),
        (UNKNOWN_ID, False),
        ("no", False),
    ]
    assert set(Order.objects.values_list("status", flat=True)) == {"In progress"}
    assert executor.post("orders/change-status", ids=first.pk, status="completed")["orders"][0]["success"] is True


@pytest.mark.parametrize("path", ["orders/change-status", "orders/cancel", "refill/change-status", "cancel/reject"])
@pytest.mark.parametrize("ids", [None, "", [], {"a": 1}, 1.5, True, [1] * 501])
def test_ids_are_needed(executor: Executor, path: str, ids: object) -> None:
    assert executor.refused(path, {"ids": ids, "status": "completed"}) == (400, "Incorrect ids")


@pytest.mark.parametrize("path", ["orders/change-status", "refill/change-status"])
@pytest.mark.parametrize("status", [None, "", "gone", 3, ["completed"]])
def test_a_known_status_is_needed(executor: Executor, path: str, status: object) -> None:
    assert executor.refused(path, {"ids": "1", "status": status}) == (400, "Incorrect status")


def test_an_order_is_ended_early(executor: Executor, alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    shown = executor.post(f"orders/{order.pk}/set-partial", remains="100")
    assert (shown["status"], shown["remains"], shown["charge"]) == ("partial", 100, "0.81")
    refused = executor.refused(f"orders/{placed(alice, service).pk}/set-partial", {"remains": "few"})
    assert refused == (400, "Incorrect remains")
    again = executor.refused(f"orders/{order.pk}/change-status", {"status": "completed"})
    assert again == (404, "Not found")


def test_orders_are_canceled(executor: Executor, alice: Customer, service: Service) -> None:
    order, done = placed(alice, service), placed(alice, service)
    reported(done, Status.COMPLETED)
    outcomes = executor.post("orders/cancel", ids=[order.pk, done.pk])["orders"]
    assert [(each["success"], each["message"]) for each in outcomes] == [
        (True, ""),
        (False, "Status change is not allowed"),
    ]
    assert balance(alice) == 10_000_000_000 - 900_000


def test_a_new_post_is_taken(executor: Executor, alice: Customer, service: Service) -> None:
    subscribed = make_service(type="Subscriptions", name="New posts")
    order = placed(alice, subscribed, username="alice", min=50, max=60, delay=0)
    shown = executor.post(f"orders/{order.pk}/post", link="https://example.com/p/1")
    assert (shown["id"], shown["service_type"], shown["username"]) == (order.pk, "Subscriptions", "alice")
    post = Post.objects.get()
    assert (post.link, 50 <= post.quantity <= 60) == ("https://example.com/p/1", True)
    for link in (None, 5, "", "a\u0000b"):
        assert executor.refused(f"orders/{order.pk}/post", {"link": link}) == (400, "Incorrect link")
    plain = placed(alice, service)
    assert executor.refused(f"orders/{plain.pk}/post", {"link": "x"}) == (404, "Incorrect order ID")


@pytest.fixture
def asked_refill(alice: Customer) -> Refill:
    order = placed(alice, make_service(name="Eager", refill_wait_hours=0))
    reported(order, Status.COMPLETED, start_count=5)
    refill.request_refills(alice.pk, [order.pk], NOW)
    return Refill.objects.get()


def test_refills_are_pulled_and_answered(executor: Executor, asked_refill: Refill) -> None:
    order = asked_refill.order
    assert executor.post("refill/pull", service_ids=str(order.service_id)) == {
        "count": 1,
        "list": [
            {
                **{"id": asked_refill.pk, "order_id": order.pk, "status": "in_progress", "user": "Alice"},
                **{"link": order.link, "quantity": 1000, "start_count": 5, "service_id": order.service_id},
                **{"service_name": "Eager", "service_type": "Default"},
                **{"created": "2026-11-21T12:00:00Z", "created_timestamp": 1_795_262_400},
            }
        ],
    }
    assert executor.post("refill/pull")["count"] == 0
    ids = f"{asked_refill.pk},{UNKNOWN_ID},x"
    assert executor.post("refill/change-status", ids=ids, status="completed") == {
        "refills": [
            {"id": asked_refill.pk, "success": True, "message": ""},
            {"id": UNKNOWN_ID, "success": False, "message": "Refill not found"},
            {"id": "x", "success": False, "message": "Refill not found"},
        ]
    }
    asked_refill.refresh_from_db()
    assert asked_refill.status == "Completed"


@pytest.fixture
def asked_cancel(alice: Customer, service: Service) -> Order:
    order = placed(alice, service)
    reported(order, Status.IN_PROGRESS)
    cancel.request_cancels(alice.pk, [order.pk], NOW)
    return order


def test_requests_to_cancel_are_pulled_as_their_orders(executor: Executor, asked_cancel: Order) -> None:
    data = executor.post("cancel/pull", limit=10)
    item = data["list"][0]
    assert (data["count"], item["id"], item["order_id"], item["status"]) == (
        *(1, asked_cancel.pk),
        *(asked_cancel.pk, "in_progress"),
    )
    assert set(item) == ORDER_KEYS | {"order_id", "requested"}
    told = executor.post("orders/update", orders=[{"id": item["id"], "status": "partial", "remains": 400}])
    assert told["orders"][0]["success"] is True
    assert CancelRequest.objects.get().status == "Done"


def test_requests_to_cancel_are_rejected_by_order(executor: Executor, asked_cancel: Order) -> None:
    outcomes = executor.post("cancel/reject", ids=[asked_cancel.pk, UNKNOWN_ID, "x"])["orders"]
    assert [(each["id"], each["success"], each["message"]) for each in outcomes] == [
        (asked_cancel.pk, True, ""),
        (UNKNOWN_ID, False, "Cancel is not available for this order"),
        ("x", False, "Incorrect order ID"),
    ]
    assert CancelRequest.objects.get().status == "Rejected"
