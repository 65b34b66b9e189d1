"""The orders of a customer: the list, one order, refills, and what may be asked for."""

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.clock import Random, SystemClock
from sutler.core.events import remark
from sutler.core.lifecycle import RefillStatus, Status
from sutler.orders import approval, drip, refill, subscriptions
from sutler.orders.models import Order, Refill
from sutler.orders.move import Report, report
from tests.conftest import make_service
from tests.orders.ordering import balance, placed, reported

HTMX = {"HX-Request": "true"}
DAY = timedelta(days=1)
MOST_QUERIES = 12


@pytest.fixture
def now() -> datetime:
    return SystemClock().now()


def words(browser: Client, path: str, **query: str) -> str:
    """What a page says, without its marks."""
    answer = browser.get(path, query)
    assert answer.status_code == 200, answer.status_code
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", answer.content.decode()))


def listed(browser: Client, **query: str) -> list[int]:
    html = browser.get("/orders", query).content.decode()
    return [int(each) for each in re.findall(r'id="order-(\d+)"', html)]


def test_the_list_shows_how_each_order_stands(
    alice: Customer, alice_browser: Client, service: Service, now: datetime
) -> None:
    order = placed(alice, service, now)
    reported(order, Status.IN_PROGRESS, now, start_count=1234, remains=250)
    said = words(alice_browser, "/orders")
    for each in (str(order.pk), service.name, order.link, "1,000", "1,234", "250", "0.90 USD", "In progress"):
        assert each in said
    assert 'value="75"' in alice_browser.get("/orders").content.decode()


def test_the_list_is_narrowed(alice: Customer, alice_browser: Client, service: Service, now: datetime) -> None:
    first = placed(alice, service, now - 3 * DAY, link="https://a.b/first")
    second = placed(alice, make_service(), now, link="https://a.b/second")
    reported(first, Status.COMPLETED, now)
    today, before = f"{now:%Y-%m-%d}", f"{now - DAY:%Y-%m-%d}"
    for query, found in (
        ({}, [second, first]),
        ({"status": "completed"}, [first]),
        ({"status": "in-progress"}, []),
        ({"q": "SECOND"}, [second]),
        ({"q": str(first.pk)}, [first]),
        ({"service": str(service.pk)}, [first]),
        ({"first": today}, [second]),
        ({"last": before}, [first]),
        ({"status": "nonsense", "service": "x", "first": "x", "q": "\x00", "before": "x"}, [second, first]),
    ):
        assert listed(alice_browser, **query) == [each.pk for each in found], query
    said = words(alice_browser, "/orders", service="x", last="2300-01-01", q="what I typed")
    assert "Enter a whole number" in said
    assert "less than or equal" in said
    assert "No matching orders" in said
    assert 'value="what I typed"' in alice_browser.get("/orders", {"q": "what I typed"}).content.decode()


def test_a_tab_keeps_the_other_filters(alice_browser: Client) -> None:
    html = alice_browser.get("/orders", {"q": "a b", "status": "partial", "before": "9"}).content.decode()
    assert '<a href="?q=a+b&amp;status=completed">Completed</a>' in html
    assert '<a href="?q=a+b&amp;status=partial" aria-current="page">Partial</a>' in html
    assert '<a href="?q=a+b">All</a>' in html


def test_the_list_goes_on_page_by_page(alice: Customer, alice_browser: Client, service: Service, now: datetime) -> None:
    orders = [placed(alice, service, now, link=str(number)).pk for number in range(27)]
    assert listed(alice_browser) == orders[:1:-1]
    assert listed(alice_browser, before=str(orders[2])) == orders[1::-1]
    with CaptureQueriesContext(connection) as queries:
        alice_browser.get("/orders")
    assert len(queries) <= MOST_QUERIES


def test_open_orders_are_asked_for_again_and_sent_once_they_have_moved(
    alice: Customer, alice_browser: Client, bob_browser: Client, service: Service, now: datetime
) -> None:
    order = placed(alice, service, now)
    html = alice_browser.get("/orders").content.decode()
    address = re.findall(r'<tbody hx-get="([^"]+)"', html)[0].replace("&amp;", "&")
    assert alice_browser.get(address, headers=HTMX).status_code == 204
    reported(order, Status.COMPLETED, now)
    answer = alice_browser.get(address, headers=HTMX).content.decode()
    assert answer.lstrip().startswith("<tbody>")
    assert "Completed" in answer
    assert str(order.pk) not in re.sub("<[^>]*>", " ", bob_browser.get(address, headers=HTMX).content.decode())
    assert "every 8s" not in alice_browser.get("/orders").content.decode()


def test_who_has_been_signed_out_gets_the_whole_page_again(guest: Client) -> None:
    answer = guest.get("/orders?live=1", headers=HTMX)
    assert (answer.headers.get("HX-Refresh"), answer.content) == ("true", b"")


@pytest.mark.parametrize("live", ["", "x", "1,,2", "9" * 30, "4294967296", ",".join(["1"] * 500), "\x00"])
def test_what_is_asked_for_in_vain_is_no_row(alice_browser: Client, live: str) -> None:
    answer = alice_browser.get("/orders", {"live": live}, headers=HTMX)
    assert answer.status_code == 200
    assert b"<tr" not in answer.content


def test_an_order_tells_its_story_without_staffs_words(
    alice: Customer, alice_browser: Client, service: Service, now: datetime
) -> None:
    order = placed(alice, service, now - DAY)
    report([Report(order.pk, Status.IN_PROGRESS, 40, note=remark("given to SecretPanel"))], "staff 1", now - DAY / 2)
    reported(order, Status.PARTIAL, now, remains=400)
    said = words(alice_browser, f"/orders/{order.pk}")
    story = said[said.index("History") :]
    assert re.findall("Placed|Delivery started|Partially completed", story) == [
        "Placed",
        "Delivery started",
        "Partially completed",
    ]
    assert "SecretPanel" not in said
    assert "staff 1" not in said
    assert "0.54 USD" in said
    assert "Refunded 0.36 USD" in said


def test_an_order_shows_the_fields_of_its_type(alice: Customer, alice_browser: Client, now: datetime) -> None:
    comments = make_service(type="Custom Comments", min=1)
    lines = "\n".join(["good <b>", "better"])
    order = placed(alice, comments, now, quantity="", comments=lines)
    html = alice_browser.get(f"/orders/{order.pk}").content.decode()
    assert "2 lines" in html
    assert "good &lt;b&gt;" in html
    traffic = make_service(type="Web Traffic")
    visits = {"country": "US", "device": 1, "type_of_traffic": 3}
    said = words(alice_browser, f"/orders/{placed(alice, traffic, now, **visits).pk}")
    assert "Device Desktop" in said
    superscript = placed(alice, comments, now, quantity="", comments="\N{SUPERSCRIPT TWO}")
    assert "\N{SUPERSCRIPT TWO}" in words(alice_browser, f"/orders/{superscript.pk}")


def many(browser: Client, action: str, **given: object) -> str:
    answer = browser.post(f"/orders/{action}", given, follow=True)
    return " ".join(re.sub("<[^>]*>", " ", answer.content.decode()).split())


def test_orders_are_canceled_together_and_the_others_say_why(
    alice: Customer, alice_browser: Client, bob_browser: Client, service: Service, now: datetime
) -> None:
    pending, done, third = (placed(alice, service, now, link=str(number)) for number in range(3))
    reported(done, Status.COMPLETED, now)
    ids = [pending.pk, done.pk]
    assert "Nothing selected" in many(bob_browser, "cancel", orders=ids)
    assert "Nothing selected" in many(alice_browser, "cancel", shown=ids, scope="rows")
    assert Order.objects.get(pk=pending.pk).status == Status.PENDING
    said = many(alice_browser, "cancel", orders=ids)
    assert "Canceled or asked to cancel: 1." in said
    assert f"This order is already finished. ({done.pk})" in said
    many(alice_browser, "cancel", one=third.pk, orders=ids)
    assert Order.objects.get(pk=third.pk).status == Status.CANCELED


def test_refills_are_asked_for_together(
    alice: Customer, alice_browser: Client, service: Service, now: datetime
) -> None:
    old, fresh, pending = (placed(alice, service, now - 9 * DAY, link=str(number)) for number in range(3))
    reported(old, Status.COMPLETED, now - 3 * DAY)
    reported(fresh, Status.COMPLETED, now)
    said = many(alice_browser, "refill", scope="found", status="completed")
    assert "Refills requested: 1." in said
    assert f"Refill is not available yet. ({fresh.pk})" in said
    assert f"A refill is already in progress. ({old.pk})" in many(alice_browser, "refill", one=old.pk)
    assert f"{fresh.pk}, {old.pk}" in many(alice_browser, "ids", scope="found", status="completed")
    assert f"Only completed orders can be refilled. ({pending.pk})" in many(
        alice_browser, "refill", orders=[pending.pk]
    )


def test_an_order_is_its_owners_alone(
    alice: Customer, bob: Customer, bob_browser: Client, service: Service, now: datetime
) -> None:
    order = placed(alice, service, now)
    assert listed(bob_browser, q=str(order.pk)) == []
    assert bob_browser.get(f"/orders/{order.pk}").status_code == 404
    assert bob_browser.post(f"/orders/{order.pk}/cancel").status_code == 404
    assert bob_browser.post(f"/orders/{order.pk}/refill").status_code == 404
    assert Order.objects.get(pk=order.pk).status == Status.PENDING
    assert bob_browser.post(f"/orders/{'9' * 30}/cancel").status_code == 404


def test_a_pending_order_is_canceled_at_once(
    alice: Customer, alice_browser: Client, service: Service, now: datetime
) -> None:
    order, before = placed(alice, service, now), balance(alice)
    assert "Yes, cancel" in words(alice_browser, f"/orders/{order.pk}")
    said = alice_browser.post(f"/orders/{order.pk}/cancel", follow=True).content.decode()
    assert "Order canceled." in said
    assert balance(alice) == before + order.charge_micros
    assert "Yes, cancel" not in said
    again = alice_browser.post(f"/orders/{order.pk}/cancel", follow=True).content.decode()
    assert "cannot be canceled" in again


def test_an_order_under_way_is_asked_to_stop(
    alice: Customer, alice_browser: Client, service: Service, now: datetime
) -> None:
    order = placed(alice, service, now)
    reported(order, Status.IN_PROGRESS, now)
    alice_browser.post(f"/orders/{order.pk}/cancel")
    said = words(alice_browser, f"/orders/{order.pk}")
    assert "Cancel is in progress." in said
    assert "Cancel requested" in said
    assert "Yes, cancel" not in said
    reported(order, Status.COMPLETED, now)
    assert "Cancel rejected: already delivered" in words(alice_browser, f"/orders/{order.pk}")


def test_why_there_is_no_refill_and_no_cancel(alice: Customer, alice_browser: Client, now: datetime) -> None:
    plain = placed(alice, make_service(refill=False, cancel=False), now)
    said = words(alice_browser, f"/orders/{plain.pk}")
    assert "Refill is not available for this service." in said
    assert "Cancel is not available for this service." in said
    for days, hours, at, why in (
        (30, 0, now - 31 * DAY, "has ended"),
        (30, 48, now - DAY, "Refill available from"),
        (30, 0, now - DAY, "Refill available until"),
        (None, 10**9, now, "Refill is not available yet."),
    ):
        order = placed(alice, make_service(refill_days=days, refill_wait_hours=hours), now - 40 * DAY)
        reported(order, Status.COMPLETED, at)
        assert why in words(alice_browser, f"/orders/{order.pk}")


def test_a_refill_is_asked_for_once_and_listed(
    alice: Customer, alice_browser: Client, bob_browser: Client, service: Service, now: datetime
) -> None:
    order = placed(alice, service, now - 5 * DAY)
    reported(order, Status.COMPLETED, now - 4 * DAY)
    said = [alice_browser.post(f"/orders/{order.pk}/refill", follow=True).content.decode() for _ in range(2)]
    assert "Refill requested" in said[0]
    assert "not available right now" in said[1]
    assert "A refill is already in progress." in said[1]
    [made] = Refill.objects.all()
    refill.report([(made.pk, RefillStatus.REJECTED)], "executor", now)
    assert "Refill rejected" in words(alice_browser, f"/orders/{order.pk}")
    assert service.name in words(alice_browser, "/refills", status="rejected")
    assert "No matching refills" in words(alice_browser, "/refills", status="completed")
    assert "No refills yet" in words(bob_browser, "/refills")


def test_a_drip_feed_shows_its_runs(alice: Customer, alice_browser: Client, service: Service, now: datetime) -> None:
    parent = placed(alice, service, now, quantity=100, runs=3, interval=60)
    assert "No runs yet" in words(alice_browser, f"/orders/{parent.pk}")
    drip.place_due_runs(now)
    [run] = Order.objects.filter(parent=parent)
    with CaptureQueriesContext(connection) as queries:
        html = alice_browser.get(f"/orders/{parent.pk}").content.decode()
    assert len(queries) <= MOST_QUERIES
    assert "1 of 3 (100 each)" in html
    assert f'href="/orders/{run.pk}"' in html
    assert f'href="/orders/{parent.pk}"' in alice_browser.get(f"/orders/{run.pk}").content.decode()
    reported(run, Status.IN_PROGRESS, now)
    alice_browser.post(f"/orders/{parent.pk}/cancel")
    assert "Cancel is in progress." in words(alice_browser, f"/orders/{parent.pk}")


def test_a_subscription_shows_its_posts_and_what_they_cost(
    alice: Customer, alice_browser: Client, now: datetime
) -> None:
    service = make_service(type="Subscriptions")
    form = {"username": "someone", "min": 100, "max": 100, "posts": 2, "delay": 0, "link": "", "quantity": ""}
    parent = placed(alice, service, now, **form)
    assert subscriptions.report_post(parent.pk, "https://a.b/post", now, Random(1), "staff 1") is None
    subscriptions.place_due_posts(now + DAY)
    with CaptureQueriesContext(connection) as queries:
        html = alice_browser.get(f"/orders/{parent.pk}").content.decode()
    assert len(queries) <= MOST_QUERIES
    assert "https://a.b/post" in html
    assert "Charge 0.09 USD" in words(alice_browser, f"/orders/{parent.pk}")


def test_an_order_that_waits_for_approval_says_so(alice: Customer, alice_browser: Client, now: datetime) -> None:
    order = placed(alice, make_service(needs_approval=True), now)
    assert "Awaiting approval" in words(alice_browser, f"/orders/{order.pk}")
    approval.reject([order.pk], "not this page", "staff 1", now)
    assert "Rejected: not this page" in words(alice_browser, f"/orders/{order.pk}")


def test_an_open_order_is_sent_again_once_it_has_moved(
    alice: Customer, alice_browser: Client, service: Service, now: datetime
) -> None:
    order = placed(alice, service, now)
    html = alice_browser.get(f"/orders/{order.pk}").content.decode()
    address = re.findall(rf'<div id="order-{order.pk}" hx-get="([^"]+)"', html)[0]
    assert alice_browser.get(address, headers=HTMX).status_code == 204
    reported(order, Status.COMPLETED, now)
    answer = alice_browser.get(address, headers=HTMX).content.decode()
    assert "<html" not in answer
    assert "Completed" in answer
    assert "every 8s" not in answer
