"""Staff's orders: found, looked at, and changed after a look at what it does to the money."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts.models import AuditEntry, Customer, Role
from sutler.catalogue.models import Service
from sutler.core.lifecycle import Status
from sutler.orders.models import Order, OrderEvent
from sutler.panels.results import Accepted
from tests.conftest import NOW, START_MICROS, make_service
from tests.fulfilment.upstream import make_provider
from tests.fulfilment.upstream_world import TIMED_OUT, plan_all, route, send
from tests.orders.ordering import balance, demand_sound_books, placed, reported
from tests.pages.conftest import browser_of, make_person
from tests.pages.test_orders import words

MOST_QUERIES = 12
CHANGE = "/office/orders/change"
APPLY = f"{CHANGE}/apply"


def listed(browser: Client, **query: str) -> list[int]:
    html = browser.get("/office/orders", query).content.decode()
    return [int(each) for each in re.findall(r'href="/office/orders/(\d+)"', html)]


def statuses(*orders: Order) -> list[str]:
    found = Order.objects.in_bulk([each.pk for each in orders])
    return [found[each.pk].status for each in orders]


def test_every_filter_narrows_the_list(alice: Customer, bob: Customer, sam_browser: Client) -> None:
    routed, plain = make_service(), make_service()
    there = make_provider(name="North")
    route(routed, there)
    sent = placed(alice, routed, link="https://a.example/sent")
    send(sent, Accepted("4711"))
    done = placed(bob, plain, link="https://a.example/done")
    reported(done, Status.COMPLETED)
    for query, found in (
        ({}, [done, sent]),
        ({"q": "SENT"}, [sent]),
        ({"q": str(done.pk)}, [done]),
        ({"status": "completed"}, [done]),
        ({"status": "processing"}, [sent]),
        ({"customer": str(bob.pk)}, [done]),
        ({"customer": "lic"}, [sent]),
        ({"service": str(plain.pk)}, [done]),
        ({"provider": str(there.pk)}, [sent]),
        ({"there": "4711"}, [sent]),
        ({"there": "4712"}, []),
        ({"last": f"{NOW:%Y}-01-01"}, []),
    ):
        assert listed(sam_browser, **query) == [each.pk for each in found], query
    said = words(sam_browser, "/office/orders", customer="nobody", service="x", status="y", provider="z")
    assert "No customer found" in said
    assert "Enter a whole number" in said


def test_a_name_that_fits_several_asks_for_the_number(alice: Customer, bob: Customer, sam_browser: Client) -> None:
    Customer.objects.update(name="Same")
    assert "Several customers match" in words(sam_browser, "/office/orders", customer="same")


@pytest.mark.parametrize(
    ("to", "status", "kept_micros"),
    [
        ("completed", Status.COMPLETED, 1_800_000),
        ("canceled", Status.CANCELED, 0),
        ("partial", Status.PARTIAL, 900_000),
    ],
)
def test_orders_are_changed_after_a_look(
    alice: Customer, sam_browser: Client, service: Service, to: str, status: Status, kept_micros: int
) -> None:
    orders = [placed(alice, service, link=str(number)) for number in range(2)]
    asked: dict[str, Any] = {"to": to, "order": [each.pk for each in orders], f"remains-{orders[0].pk}": "500"}
    asked[f"remains-{orders[1].pk}"] = "0500"
    said = words(sam_browser, CHANGE, **asked)
    assert f"{(1_800_000 - kept_micros) / 1_000_000:.2f} USD" in said.replace("\u00a0", " ")
    assert statuses(*orders) == ["Pending", "Pending"]
    refused = sam_browser.post(APPLY, asked)
    assert "This field is required" in refused.content.decode()
    assert statuses(*orders) == ["Pending", "Pending"]
    answer = sam_browser.post(APPLY, asked | {"reason": "they asked on the phone"})
    assert answer.headers["Location"] == "/office/orders"
    assert statuses(*orders) == [status, status]
    assert START_MICROS - balance(alice) == kept_micros
    entry = AuditEntry.objects.get(action="order changed")
    assert (entry.reason, entry.after) == (
        "they asked on the phone",
        {"status": status, "orders": f"{orders[0].pk}, {orders[1].pk}"},
    )
    assert OrderEvent.objects.filter(data__text="they asked on the phone", actor__startswith="staff ").count() == 2
    demand_sound_books()


def test_what_cannot_be_changed_says_so_and_holds_nothing_else_up(
    alice: Customer, sam_browser: Client, service: Service
) -> None:
    ended, free, unclear = (placed(alice, each, link="x") for each in (service, make_service(), make_service()))
    reported(ended, Status.COMPLETED)
    route(unclear.service)
    send(unclear, TIMED_OUT)
    asked: dict[str, Any] = {"to": "canceled", "order": [ended.pk, free.pk, unclear.pk]}
    said = words(sam_browser, CHANGE, **asked)
    assert said.count("This status cannot be set now") == 2
    sam_browser.post(APPLY, asked | {"reason": "x"})
    assert statuses(ended, free, unclear) == ["Completed", "Pending", "Processing"]
    html = sam_browser.get(CHANGE, asked).content.decode()
    assert f'href="{CHANGE}?to=canceled&amp;order={free.pk}"' in html


def test_partial_asks_for_what_is_not_delivered_and_keeps_what_was_typed(
    alice: Customer, sam_browser: Client, service: Service
) -> None:
    one, two = (placed(alice, service, link=str(number)) for number in range(2))
    asked: dict[str, Any] = {"to": "partial", "order": [one.pk, two.pk], "reason": "half of it"}
    assert "Invalid remains" not in words(sam_browser, CHANGE, **asked)
    typed = asked | {f"remains-{one.pk}": "1001", f"remains-{two.pk}": "abc"}
    html = sam_browser.post(APPLY, typed).content.decode()
    for each in (
        "Invalid remains. Enter 0 up to the ordered quantity.",
        'value="1001"',
        'value="abc"',
        'value="half of it"',
    ):
        assert each in html
    assert statuses(one, two) == ["Pending", "Pending"]


def test_all_on_a_page_are_chosen_at_once(alice: Customer, sam_browser: Client, service: Service) -> None:
    orders = [placed(alice, service, link=str(number)) for number in range(3)]
    asked: dict[str, Any] = {"to": "canceled", "scope": "page", "shown": [each.pk for each in orders]}
    with CaptureQueriesContext(connection) as queries:
        assert "Change 3 orders" in words(sam_browser, CHANGE, **asked)
    assert len(queries) <= MOST_QUERIES
    assert sam_browser.get(CHANGE, {"to": "nonsense", "order": "1"}).headers["Location"] == "/office/orders"


def test_an_order_is_shown_with_all_that_is_known(alice: Customer, sam_browser: Client) -> None:
    service = make_service()
    route(service, "<b>North</b>")
    order = placed(alice, service, link="javascript:alert(1)")
    send(order, Accepted("4711"))
    with CaptureQueriesContext(connection) as queries:
        html = sam_browser.get(f"/office/orders/{order.pk}").content.decode()
    assert len(queries) <= MOST_QUERIES
    assert "&lt;b&gt;North&lt;/b&gt;" in html
    assert 'href="javascript:' not in html
    for each in ("4711", f"order:{order.pk}", "Accepted", "0.50", "0.40"):
        assert each in html, each


def test_an_order_that_waits_for_its_like_names_it(alice: Customer, bob: Customer, sam_browser: Client) -> None:
    service = make_service()
    route(service)
    unclear = placed(alice, service, link="https://example.com/a")
    send(unclear, TIMED_OUT)
    like, other = placed(bob, service, link="https://example.com/a"), placed(bob, service, link="https://example.com/b")
    plan_all()
    assert f"Waiting for order {unclear.pk} with the same service and link" in words(
        sam_browser, f"/office/orders/{like.pk}"
    )
    for each in (unclear, other):
        assert "Waiting for" not in words(sam_browser, f"/office/orders/{each.pk}")


def test_a_note_is_kept_for_staff_alone(
    alice: Customer, alice_browser: Client, sam_browser: Client, service: Service
) -> None:
    order = placed(alice, service)
    assert "This field is required" in sam_browser.post(f"/office/orders/{order.pk}", {"note": ""}).content.decode()
    assert sam_browser.post(f"/office/orders/{order.pk}", {"note": "a difficult one"}).status_code == 302
    assert "a difficult one" in words(sam_browser, f"/office/orders/{order.pk}")
    assert "a difficult one" not in words(alice_browser, f"/orders/{order.pk}")


def test_the_desk_sees_no_cost(alice: Customer, service: Service) -> None:
    order = placed(alice, service)
    said = words(browser_of(make_person("f@example.com", role=Role.FULFILMENT)), f"/office/orders/{order.pk}")
    assert "Margin" not in said
    assert f"order:{order.pk}" not in said
