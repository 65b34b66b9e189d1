"""The desk: orders taken and reported in a table, refills and requests to cancel answered, approvals given."""

from datetime import timedelta

import pytest
from django.test import Client

from sutler.accounts.models import AuditEntry, Customer
from sutler.catalogue.models import Service
from sutler.core.lifecycle import CancelStatus, RefillStatus, Status
from sutler.fulfilment.desk import desk
from sutler.orders.cancel import request_cancels
from sutler.orders.models import Approval, CancelRequest, Order, Refill
from sutler.orders.refill import request_refills
from sutler.panels.results import Accepted
from tests.conftest import NOW, START_MICROS, make_service
from tests.fulfilment.upstream_world import route, send
from tests.orders.ordering import balance, demand_sound_books, placed, reported
from tests.pages.test_orders import words


@pytest.fixture
def taken(alice: Customer, service: Service) -> list[Order]:
    orders = [placed(alice, service, link=f"https://a.example/{number}") for number in range(3)]
    desk.pull(None, 3, "staff 0", NOW)
    return orders


def status(order: Order) -> tuple[str, int | None, int]:
    order.refresh_from_db()
    return order.status, order.start_count, order.remains


def test_waiting_orders_are_taken_by_service(alice: Customer, sam_browser: Client, service: Service) -> None:
    other = make_service(name="Likes")
    mine, rest = placed(alice, other), placed(alice, service)
    said = words(sam_browser, "/office/desk")
    assert "2 waiting orders" in said
    assert (
        sam_browser.post("/office/desk/take", {"count": "5", "service": other.pk}).headers["Location"] == "/office/desk"
    )
    assert (status(mine)[0], status(rest)[0]) == ("Processing", "Pending")
    assert "1 waiting order" in words(sam_browser, "/office/desk")
    assert mine.link in words(sam_browser, "/office/desk", mine="1")
    for count in ("", "0", "501", "x"):
        sam_browser.post("/office/desk/take", {"count": count})
    assert status(rest)[0] == "Pending"


def test_what_a_provider_has_is_not_at_the_desk(alice: Customer, sam_browser: Client, service: Service) -> None:
    route(service)
    order = placed(alice, service, link="https://a.example/there")
    send(order, Accepted("1"))
    assert "https://a.example/there" not in words(sam_browser, "/office/desk")


def test_rows_are_reported_together_and_each_on_its_own(
    alice: Customer, sam_browser: Client, taken: list[Order]
) -> None:
    one, two, three = taken
    typed = {
        "order": [each.pk for each in taken],
        f"status-{one.pk}": "in-progress",
        f"start-{one.pk}": "120",
        f"remains-{one.pk}": "700",
        f"status-{two.pk}": "partial",
        f"note-{two.pk}": "account went private",
    }
    answer = sam_browser.post("/office/desk", typed)
    html = answer.content.decode()
    assert "Invalid remains" in html
    assert 'value="account went private"' in html
    assert "1 report saved" in html
    assert status(one) == ("In progress", 120, 700)
    assert status(two)[0] == status(three)[0] == "Processing"
    answer = sam_browser.post("/office/desk", typed | {f"remains-{two.pk}": "500", f"remains-{one.pk}": ""})
    assert answer.status_code == 302
    assert status(one) == ("In progress", 120, 700)
    assert status(two) == ("Partial", None, 500)
    assert START_MICROS - balance(alice) == 3 * 900_000 - 450_000
    demand_sound_books()


def test_all_rows_without_a_status_get_one(sam_browser: Client, taken: list[Order]) -> None:
    one, two, three = taken
    given = {"order": [one.pk, two.pk], f"status-{two.pk}": "in-progress"}
    sam_browser.post("/office/desk", given | {"status-others": ""})
    assert [status(each)[0] for each in taken] == ["Processing", "In progress", "Processing"]
    sam_browser.post("/office/desk", given | {"status-others": "completed"})
    assert [status(each)[0] for each in (one, two, three)] == ["Completed", "In progress", "Processing"]


def test_a_refused_report_stands_in_its_row_and_nothing_typed_is_lost(sam_browser: Client, taken: list[Order]) -> None:
    order = taken[0]
    reported(order, Status.COMPLETED)
    typed = {"order": order.pk, f"status-{order.pk}": "canceled", f"start-{order.pk}": "77"}
    html = sam_browser.post("/office/desk", typed).content.decode()
    assert "This status cannot be set now" in html
    assert 'value="77"' in html
    bad = {"order": order.pk, f"start-{order.pk}": "many"}
    html = sam_browser.post("/office/desk", bad).content.decode()
    assert "Enter a whole number" in html
    assert 'value="many"' in html


def test_refills_are_answered(alice: Customer, sam_browser: Client, taken: list[Order]) -> None:
    order = taken[0]
    reported(order, Status.COMPLETED, NOW - timedelta(days=3))
    [refill_id] = request_refills(alice.pk, [order.pk], NOW)
    assert order.link in words(sam_browser, "/office/desk/refills")
    sam_browser.post("/office/desk/refills", {f"answer-{refill_id}": "completed"})
    assert Refill.objects.get().status == RefillStatus.COMPLETED
    assert "No pending refills" in words(sam_browser, "/office/desk/refills")


def test_requests_to_cancel_are_answered(alice: Customer, sam_browser: Client, taken: list[Order]) -> None:
    request_cancels(alice.pk, [each.pk for each in taken], NOW)
    ids = dict(CancelRequest.objects.values_list("order_id", "pk"))
    one, two, three = (ids[each.pk] for each in taken)
    typed = {f"answer-{one}": "canceled", f"answer-{two}": "partial", f"answer-{three}": "rejected"}
    html = sam_browser.post("/office/desk/cancels", typed | {f"remains-{two}": "9999"}).content.decode()
    assert "Invalid remains" in html
    assert 'value="9999"' in html
    assert [status(each)[0] for each in taken] == ["Canceled", "Processing", "Processing"]
    assert CancelRequest.objects.get(pk=three).status == CancelStatus.REJECTED
    sam_browser.post("/office/desk/cancels", {f"answer-{two}": "partial", f"remains-{two}": "100"})
    assert status(taken[1]) == ("Partial", None, 100)
    assert "No cancel requests" in words(sam_browser, "/office/desk/cancels")
    demand_sound_books()


def test_orders_are_approved_or_rejected(alice: Customer, bob: Customer, sam_browser: Client) -> None:
    asked = [placed(each, make_service(needs_approval=True)) for each in (alice, bob)]
    first, second = asked
    page = "/office/approvals"
    assert "Select at least one" in sam_browser.post(f"{page}/approve", {}).content.decode()
    html = sam_browser.post(f"{page}/reject", {"order": second.pk}).content.decode()
    assert "Enter a reason" in html
    assert f'value="{second.pk}" aria-label="Select order {second.pk}" checked' in html
    sam_browser.post(f"{page}/approve", {"order": first.pk})
    sam_browser.post(f"{page}/reject", {"order": second.pk, "reason": "not this"})
    assert list(Approval.objects.order_by("pk").values_list("state", flat=True)) == ["approved", "rejected"]
    assert balance(bob) == START_MICROS
    assert set(AuditEntry.objects.values_list("action", "subject_type", "subject_id")) >= {
        ("order approved", "order", str(first.pk)),
        ("order rejected", "order", str(second.pk)),
    }
    answer = sam_browser.post(f"{page}/approve", {"order": second.pk}, follow=True)
    assert "This status cannot be set now" in answer.content.decode()
