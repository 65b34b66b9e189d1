"""Tickets, reports from outside, announcements, and the letters that come of them."""

from datetime import timedelta
from smtplib import SMTPException

import pytest
from django.core import mail as outgoing

from sutler.accounts import mail, profile
from sutler.accounts.models import Customer, User
from sutler.catalogue.models import Service
from sutler.core.refusals import Reason, Refusal
from sutler.support import announcements, reports, tickets
from sutler.support.models import Announcement, Message, Ticket
from tests.conftest import NOW
from tests.orders.ordering import placed

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
NOT_FOUND = Refusal(Reason.NOT_FOUND)
HOUR = timedelta(hours=1)


def opened(customer: Customer, subject: str = "Late", order_ids: tuple[int, ...] = ()) -> Ticket:
    made = tickets.open_(customer.pk, None, subject, "Where is it?", NOW, order_ids=order_ids)
    assert isinstance(made, Ticket), made
    return made


def state(ticket: Ticket) -> tuple[str, bool, bool]:
    """The state, and whether there is something new for the customer and for staff."""
    ticket.refresh_from_db()
    return ticket.state, ticket.unread_by_customer, ticket.unread_by_staff


def test_a_conversation(alice: Customer, sam: User) -> None:
    ticket = opened(alice)
    assert state(ticket) == ("open", False, True)
    assert tickets.read_by_staff(ticket.pk) is not None
    assert state(ticket) == ("open", False, False)
    tickets.answer(ticket.pk, sam, "It is coming", NOW)
    assert state(ticket) == ("answered", True, False)
    tickets.note(ticket.pk, sam, "It is lost", NOW)
    assert state(ticket) == ("answered", True, False)
    thread = tickets.read_by_customer(alice.pk, ticket.pk)
    assert thread is not None
    assert [(each.kind, each.text) for each in thread.messages] == [
        ("customer", "Where is it?"),
        ("staff", "It is coming"),
    ]
    assert state(ticket) == ("answered", False, False)
    assert tickets.close(ticket.pk, NOW) is None
    assert state(ticket)[0] == "closed"
    tickets.reply(alice.pk, ticket.pk, None, "Still nothing", NOW)
    assert state(ticket) == ("open", False, True)
    whole = tickets.read_by_staff(ticket.pk)
    assert whole is not None
    assert [each.kind for each in whole.messages] == ["customer", "staff", "note", "customer"]


def test_bob_finds_nothing_of_alices(alice: Customer, bob: Customer, service: Service) -> None:
    ticket = opened(alice)
    own = placed(bob, service)
    assert tickets.read_by_customer(bob.pk, ticket.pk) is None
    assert tickets.reply(bob.pk, ticket.pk, None, "Hello", NOW) == NOT_FOUND
    assert tickets.close(ticket.pk, NOW, customer_id=bob.pk) == NOT_FOUND
    assert tickets.reopen(ticket.pk, customer_id=bob.pk) == NOT_FOUND
    assert tickets.tie(ticket.pk, own.pk, customer_id=bob.pk) == NOT_FOUND
    assert tickets.of_customer(bob.pk) == []
    assert state(ticket) == ("open", False, True)


def test_a_ticket_is_about_orders_of_its_customer(alice: Customer, bob: Customer, service: Service) -> None:
    own, more, other = placed(alice, service), placed(alice, service, link="x"), placed(bob, service)
    refusal = tickets.open_(alice.pk, None, "Late", "x", NOW, order_ids=[own.pk, other.pk])
    assert refusal == Refusal(Reason.INCORRECT_FIELD, "orders")
    ticket = opened(alice, order_ids=(own.pk,))
    assert tickets.tie(ticket.pk, other.pk) == Refusal(Reason.INCORRECT_ORDER)
    assert [tickets.tie(ticket.pk, more.pk, customer_id=alice.pk) for _ in range(2)] == [None, None]
    thread = tickets.read_by_staff(ticket.pk)
    assert thread is not None
    assert thread.order_ids == [own.pk, more.pk]


@pytest.mark.parametrize(
    ("subject", "text", "category", "field"),
    [
        ("", "x", "other", "subject"),
        ("s" * 201, "x", "other", "subject"),
        ("s", " ", "other", "text"),
        ("s", "x" * 10_001, "other", "text"),
        ("s", "\x00", "other", "text"),
        ("s", "x", "gossip", "category"),
    ],
)
def test_a_ticket_is_readable(alice: Customer, subject: str, text: str, category: str, field: str) -> None:
    refusal = tickets.open_(alice.pk, None, subject, text, NOW, category=category)
    assert refusal == Refusal(Reason.INCORRECT_FIELD, field)
    assert not Ticket.objects.exists()


def test_nobody_opens_without_end(alice: Customer, bob: Customer) -> None:
    for number in range(tickets.MOST_OPEN):
        opened(alice, str(number))
    assert tickets.open_(alice.pk, None, "s", "x", NOW) == Refusal(Reason.TOO_MANY_REQUESTS)
    tickets.close(Ticket.objects.latest("pk").pk, NOW, customer_id=alice.pk)
    opened(alice)
    opened(bob)


def test_the_liveliest_come_first_page_by_page(alice: Customer, sam: User) -> None:
    first, second, third = (opened(alice, str(number)) for number in range(3))
    tickets.answer(first.pk, sam, "x", NOW)
    page = tickets.of_customer(alice.pk, limit=2)
    assert page == [first, third]
    assert tickets.of_customer(alice.pk, before=page[-1].last_message_id) == [second]
    answered = tickets.Filters(states=frozenset({Ticket.State.ANSWERED}))
    assert tickets.of_all(answered) == [first]
    assert tickets.of_all(tickets.Filters(unread_only=True)) == [third, second]


def test_staff_sort_their_tickets(alice: Customer, sam: User) -> None:
    ticket = opened(alice)
    outsider = User.objects.create_user("a@example.com", customer=alice, date_joined=NOW)
    assert tickets.assign(ticket.pk, outsider) == Refusal(Reason.INCORRECT_FIELD, "assignee")
    assert tickets.assign(ticket.pk, sam) is None
    assert tickets.of_all(tickets.Filters(assignee_id=sam.pk)) == [ticket]
    assert tickets.set_priority(ticket.pk, 9) == Refusal(Reason.INCORRECT_FIELD, "priority")
    assert tickets.set_priority(ticket.pk, Ticket.Priority.HIGH) is None
    assert [tickets.assign(999, None), tickets.close(999, NOW), tickets.reopen(999)] == [NOT_FOUND] * 3


def test_anybody_may_report_but_not_without_end() -> None:
    for _ in range(reports.MOST_AN_HOUR):
        made = reports.report("eve@example.com", "Fakes", "Sold here", "192.0.2.1", NOW)
        assert isinstance(made, Ticket)
        assert (made.category, made.customer) == ("report", None)
    again = ("eve@example.com", "Fakes", "Sold here")
    assert reports.report(*again, "192.0.2.1", NOW) == Refusal(Reason.TOO_MANY_REQUESTS)
    assert isinstance(reports.report(*again, "192.0.2.2", NOW), Ticket)
    assert isinstance(reports.report(*again, "192.0.2.1", NOW + HOUR), Ticket)


@pytest.mark.parametrize(
    ("field", "given"),
    [("email", ("x", "s", "t")), ("subject", ("a@b.example", "", "t")), ("text", ("a@b.example", "s", ""))],
)
def test_a_report_is_readable(field: str, given: tuple[str, str, str]) -> None:
    assert reports.report(*given, "192.0.2.1", NOW) == Refusal(Reason.INCORRECT_FIELD, field)


def test_an_answer_is_sent_to_who_wants_it(alice: Customer, sam: User) -> None:
    people = [User.objects.create_user(f"{n}@example.com", customer=alice, date_joined=NOW) for n in ("a", "b")]
    profile.change(people[1].pk, name="", time_zone="", language="", notices=[])
    tickets.answer(opened(alice).pk, sam, "It is coming", NOW)
    report = reports.report("eve@example.com", "Fakes\r\nBcc: x", "Sold here", "192.0.2.1", NOW)
    assert isinstance(report, Ticket)
    tickets.answer(report.pk, sam, "Thank you", NOW)
    assert mail.send_due(NOW) == 2
    assert [(each.to, each.body) for each in outgoing.outbox] == [
        (["a@example.com"], "It is coming"),
        (["eve@example.com"], "Thank you"),
    ]
    assert outgoing.outbox[1].subject == "[Sutler] Reply to your ticket: Fakes Bcc: x"
    assert mail.send_due(NOW + HOUR) == 0


def test_a_letter_that_cannot_be_sent_is_tried_again_and_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    letter = mail.write("a@example.com", "s", "x", NOW)

    def fail(*_: object) -> None:
        raise SMTPException("no")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    now = NOW
    for _ in range(6):
        assert mail.send_due(now) == 1
        assert mail.send_due(now) == 0
        now += timedelta(days=1)
    letter.refresh_from_db()
    assert (letter.due_at, letter.sent_at, letter.fault) == (None, None, "SMTPException: no")
    assert mail.send_due(now) == 0


def test_announcements_are_shown_in_their_time(sam: User) -> None:
    def said(title: str, start: timedelta, end: timedelta | None) -> Announcement:
        until = None if end is None else NOW + end
        made = announcements.save(title, "", "info", NOW + start, until, sam, NOW)
        assert isinstance(made, Announcement)
        return made

    now, later, over = said("now", -HOUR, None), said("later", HOUR, None), said("over", -2 * HOUR, -HOUR)
    assert announcements.current(NOW) == [now]
    assert announcements.current(NOW + 2 * HOUR) == [later, now]
    assert announcements.of_all() == [over, later, now]
    assert announcements.take_back(now.pk, sam, NOW) is None
    assert announcements.current(NOW) == []
    assert announcements.take_back(999, sam, NOW) == NOT_FOUND


@pytest.mark.parametrize(
    ("field", "title", "level", "hours"),
    [("title", "", "info", 1), ("level", "x", "loud", 1), ("until", "x", "info", 0)],
)
def test_an_announcement_is_checked(sam: User, field: str, title: str, level: str, hours: int) -> None:
    refusal = announcements.save(title, "", level, NOW, NOW + hours * HOUR, sam, NOW)
    assert refusal == Refusal(Reason.INCORRECT_FIELD, field)
    assert not Message.objects.exists()
