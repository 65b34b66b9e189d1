"""The office's tickets and announcements."""

import re
from datetime import timedelta

from django.core import mail as outgoing
from django.test import Client

from sutler.accounts import mail
from sutler.accounts.models import Customer, Role, User
from sutler.catalogue.models import Service
from sutler.core.clock import SystemClock
from sutler.support import announcements, tickets
from sutler.support.models import Announcement, Message, Ticket
from tests.orders.ordering import placed
from tests.pages.conftest import browser_of, make_person
from tests.pages.office.test_customers import errors


def opened(customer: Customer, subject: str = "Late") -> Ticket:
    made = tickets.open_(customer.pk, None, subject, "Where is it?", SystemClock().now())
    assert isinstance(made, Ticket)
    return made


def listed(browser: Client, **asked: str | int) -> list[str]:
    html = browser.get("/office/tickets", asked).content.decode()
    return re.findall(r'<a href="/office/tickets/\d+">(?:<strong>)?(\w+)', html)


def last(browser: Client, ticket: Ticket) -> dict[str, str]:
    """What the form of a ticket says has been read."""
    html = browser.get(f"/office/tickets/{ticket.pk}").content.decode()
    found = re.search(r'name="last" value="(\d+)"', html)
    assert found is not None
    return {"last": found[1]}


def test_what_waits_for_us_stands_first(alice: Customer, bob: Customer, sam_browser: Client) -> None:
    first, second = opened(alice, "First"), opened(bob, "Second")
    staff = User.objects.get(is_staff=True)
    tickets.answer(first.pk, staff, "Soon", SystemClock().now())
    tickets.assign(second.pk, staff)
    assert listed(sam_browser) == ["Second"]
    assert listed(sam_browser, state="answered") == ["First"]
    assert listed(sam_browser, state="mine") == ["Second"]
    assert listed(sam_browser, state="all", customer=alice.pk) == ["First"]
    assert listed(sam_browser, state="all", category="api") == []


def test_an_answer_goes_out_and_a_note_does_not(alice: Customer, sam_browser: Client) -> None:
    make_person("alice@example.com", alice)
    ticket = opened(alice)
    page = f"/office/tickets/{ticket.pk}"
    sam_browser.post(f"{page}/note", {"text": "It is lost"} | last(sam_browser, ticket))
    sam_browser.post(f"{page}/reply-and-close", {"text": "<b>Coming</b>"} | last(sam_browser, ticket))
    html = sam_browser.get(page).content.decode()
    assert "&lt;b&gt;Coming" in html
    assert "It is lost" in html
    mail.send_due(SystemClock().now())
    assert [each.body for each in outgoing.outbox] == ["<b>Coming</b>"]
    ticket.refresh_from_db()
    assert ticket.state == "closed"
    sam_browser.post(f"{page}/reopen")
    ticket.refresh_from_db()
    assert ticket.state == "open"


def test_nobody_answers_past_each_other_or_twice(alice: Customer, sam_browser: Client) -> None:
    ticket = opened(alice)
    page, read = f"/office/tickets/{ticket.pk}", last(sam_browser, ticket)
    tickets.reply(alice.pk, ticket.pk, None, "It has come!", SystemClock().now())
    html = sam_browser.post(f"{page}/reply", {"text": "We look"} | read).content.decode()
    assert "There is a newer reply above" in html
    assert "We look" in html
    again = {"text": "Good"} | last(sam_browser, ticket)
    assert [sam_browser.post(f"{page}/reply", again).status_code for _ in range(2)] == [302, 302]
    assert list(Message.objects.filter(kind="staff").values_list("text", flat=True)) == ["Good"]


def test_a_ticket_is_sorted_and_tied_to_orders_of_its_customer(
    alice: Customer, bob: Customer, service: Service, sam_browser: Client
) -> None:
    ticket, own, other = opened(alice), placed(alice, service), placed(bob, service)
    sue = make_person("sue@example.com", role=Role.SUPPORT)
    page = f"/office/tickets/{ticket.pk}"
    sam_browser.post(f"{page}/assign", {"assignee": sue.pk, "priority": "3"})
    ticket.refresh_from_db()
    assert (ticket.assignee, ticket.priority) == (sue, 3)
    assert errors(sam_browser.post(f"{page}/link-order", {"order": other.pk}).content.decode()) == ["order"]
    sam_browser.post(f"{page}/link-order", {"order": own.pk})
    assert list(ticket.orders.values_list("order_id", flat=True)) == [own.pk]
    assert errors(sam_browser.post(f"{page}/reply", {"text": " "}).content.decode()) == ["text"]


def test_tickets_are_not_for_fulfilment_and_need_few_queries(
    alice: Customer, service: Service, sam_browser: Client, django_assert_max_num_queries: object
) -> None:
    ticket = opened(alice)
    tickets.tie(ticket.pk, placed(alice, service).pk)
    page = f"/office/tickets/{ticket.pk}"
    assert browser_of(make_person("f@example.com", role=Role.FULFILMENT)).get(page).status_code == 404
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        assert sam_browser.get(page).status_code == 200


def test_an_announcement_is_written_scheduled_and_ended(sam_browser: Client) -> None:
    staff = User.objects.get(is_staff=True)
    User.objects.filter(pk=staff.pk).update(time_zone="Asia/Tokyo")
    given = {"title": "Pause", "text": "", "level": "warning", "start": "2026-01-01T09:00", "until": ""}
    sam_browser.post("/office/announcements/new", given)
    made = Announcement.objects.get()
    assert f"{made.shown_from:%H:%M %Z}" == "00:00 UTC"
    page = f"/office/announcements/{made.pk}"
    assert 'value="2026-01-01T09:00"' in sam_browser.get(page).content.decode()
    html = sam_browser.post(page, given | {"until": "2025-01-01T09:00"}).content.decode()
    assert errors(html) == ["until"]
    assert "Shown now" in sam_browser.get("/office/announcements").content.decode()
    sam_browser.post(f"{page}/end")
    assert "Ended" in sam_browser.get("/office/announcements").content.decode()
    assert announcements.current(SystemClock().now() + timedelta(seconds=1)) == []
