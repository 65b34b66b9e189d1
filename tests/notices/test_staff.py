"""Staff hear what waits for them: by e-mail, once, in their language, and no more than they should."""

from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage

import pytest
from django.db.models import QuerySet
from django.urls import resolve

from sutler.accounts.models import Customer, Role, User
from sutler.accounts.profile import change
from sutler.books.models import Verification
from sutler.core.events import CauseKind, cause
from sutler.core.subjects import WHOLE, Subject, SubjectType
from sutler.fulfilment.models import Alarm
from sutler.fulfilment.providers import alarms
from sutler.notices import preferences, texts
from sutler.notices.jobs import Reader
from sutler.notices.kinds import FOR_STAFF, KINDS, Kind, kind_of_alarm
from sutler.notices.models import Delivery, Notice
from sutler.orders.models import Approval
from sutler.payments.models import FundsRequest, Method
from sutler.support import reports, tickets
from sutler.support.models import Ticket
from tests.conftest import NOW, make_service
from tests.notices.conftest import DAY, MINUTE, passes
from tests.notices.smtp_server import SmtpServer
from tests.orders.ordering import placed


def sound(kind: Alarm.Kind, subject: Subject = WHOLE, at: datetime = NOW) -> None:
    alarms.sound(None, kind, subject, cause(CauseKind.BACKUP_MISSED, count=27), at)


def open_ticket(alice: Customer) -> None:
    tickets.open_(alice.pk, None, "Where is it?", "I wait", NOW)


def ask_funds(alice: Customer) -> None:
    method = Method.objects.create(name="Bank", currency="USD", instructions="", min_micros=1, max_micros=10**9)
    FundsRequest.objects.create(
        customer=alice, method=method, currency="USD", amount_micros=40_000_000, credit_micros=40_000_000, asked_at=NOW
    )


def wait_for_approval(alice: Customer) -> None:
    order = placed(alice, make_service())
    Approval.objects.create(order=order, asked_at=NOW)


def find_breach(_: Customer) -> None:
    sam, findings = User.objects.get(is_staff=True), [{"breaches": 2, "rows": 9}]
    Verification.objects.create(asked_by=sam, asked_at=NOW, state="done", finished_at=NOW, findings=findings)


CASES: list[tuple[Callable[[Customer], object], Kind, str, str]] = [
    (open_ticket, Kind.TICKET, "New message in ticket {pk}: Where is it?", "/office/tickets/{pk}"),
    (ask_funds, Kind.PAYMENT, "Payment {pk} of 40.00 USD needs confirmation", "/office/payments/{pk}"),
    (wait_for_approval, Kind.APPROVAL, "Order {pk} awaits approval", "/office/approvals"),
    (find_breach, Kind.BOOKS, "The audit found 2 mismatches", "/office/verify"),
    (lambda _: sound(Alarm.Kind.BACKUP_MISSED), Kind.BACKUP, "No backup has succeeded for 27 hours", "/office/alarms"),
    (lambda _: sound(Alarm.Kind.VERDICT), Kind.DECISION, "No backup has succeeded for 27 hours", "/office/unknown"),
]


@pytest.mark.parametrize(("happen", "kind", "subject", "place"), CASES, ids=[each[1].value for each in CASES])
def test_what_waits_for_staff_is_a_letter_with_a_link(
    reader: Reader,
    server: SmtpServer,
    sam: User,
    alice: Customer,
    happen: Callable[[Customer], object],
    kind: Kind,
    subject: str,
    place: str,
) -> None:
    happen(alice)
    passes(reader)
    notice = Notice.objects.get()
    pk = next((notice.data[each] for each in ("ticket", "payment", "order") if each in notice.data), "")
    [letter] = server.letters
    assert (notice.kind, letter["To"], letter["Subject"]) == (kind, sam.email, f"[Sutler] {subject.format(pk=pk)}")
    address = f"https://panel.example{place.format(pk=pk)}"
    assert address in parts(letter)[0].splitlines()
    assert f'<a href="{address}">' in parts(letter)[1]
    resolve(place.format(pk=pk))
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.count, delivery.subject) == ("sent", 1, subject.format(pk=pk))
    passes(reader, NOW + MINUTE)
    assert len(server.letters) == 1


def parts(letter: EmailMessage) -> tuple[str, str]:
    """The text and the HTML of a letter."""
    plain, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert html is not None
    return str(plain.get_content()), str(html.get_content())


def test_what_stands_in_a_ticket_is_only_text_in_html(
    reader: Reader, server: SmtpServer, sam: User, alice: Customer
) -> None:
    tickets.open_(alice.pk, None, "<script>alert(1)</script> & more", "x", NOW)
    passes(reader)
    [letter] = server.letters
    assert "<script>alert(1)</script> & more" in parts(letter)[0]
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in parts(letter)[1]
    assert "<script" not in parts(letter)[1]


def test_an_alarm_is_one_letter_with_a_count_and_its_end_says_so(reader: Reader, server: SmtpServer, sam: User) -> None:
    for number in range(500):
        sound(Alarm.Kind.ORPHAN, Subject(SubjectType.PROVIDER_ORDER, number))
    passes(reader)
    assert len(server.letters) == 1
    for number in range(500):
        alarms.close(None, Alarm.Kind.ORPHAN, Subject(SubjectType.PROVIDER_ORDER, number), "worker", NOW + 20 * MINUTE)
    passes(reader, NOW + 20 * MINUTE)
    assert [each["Subject"] for each in server.letters[1:]] == [
        "[Sutler] Ended: No backup has succeeded for 27 hours (raised 500 times)"
    ]


def test_repeats_wait_for_a_pause_and_are_one_letter(
    reader: Reader, server: SmtpServer, sam: User, alice: Customer
) -> None:
    open_ticket(alice)
    passes(reader)
    ticket = Ticket.objects.get()
    for _ in range(30):
        tickets.reply(alice.pk, ticket.pk, None, "and?", NOW + MINUTE)
    passes(reader, NOW + MINUTE)
    assert len(server.letters) == 1
    passes(reader, NOW + 11 * MINUTE)
    [_, letter] = server.letters
    assert letter["Subject"] == "[Sutler] New messages in tickets: 30"
    text = parts(letter)[0]
    assert text.count("New message in ticket") == 20
    assert "And 10 more." in text


def test_who_may_not_see_it_does_not_hear_of_it(reader: Reader, alice: Customer, db: None) -> None:
    for role in Role.values:
        User.objects.create_user(f"{role}@example.com", is_staff=True, role=role, date_joined=NOW)
    gone = User.objects.create_user("gone@example.com", is_staff=True, role="owner", date_joined=NOW, is_active=False)
    User.objects.create_user("alice@example.com", customer=alice, date_joined=NOW)
    ask_funds(alice)
    open_ticket(alice)
    reader.read(NOW)
    heard = {kind: set(of_kind(kind).values_list("person__role", flat=True)) for kind in (Kind.PAYMENT, Kind.TICKET)}
    assert heard == {Kind.PAYMENT: {"owner", "manager"}, Kind.TICKET: {"owner", "manager", "support"}}
    assert not Delivery.objects.filter(person=gone).exists()


def of_kind(kind: Kind) -> QuerySet[Delivery]:
    return Delivery.objects.filter(topic=kind)


def test_a_letter_is_in_the_readers_language(reader: Reader, server: SmtpServer, sam: User, alice: Customer) -> None:
    change(sam.pk, name="", time_zone="", language="ru", notices=[])
    reports.report("who@example.com", "Спам", "Это", "192.0.2.1", NOW)
    passes(reader)
    [letter] = server.letters
    assert "Спам" in letter["Subject"]
    assert "New message" not in letter["Subject"]


def test_the_worker_that_is_back_says_how_long_none_ran(reader: Reader, server: SmtpServer, sam: User) -> None:
    passes(reader, NOW + 60 * MINUTE, was_running=False)
    assert [each["Subject"] for each in server.letters] == ["[Sutler] The worker was down for 61 minutes"]
    passes(reader, NOW + 61 * MINUTE)
    assert len(server.letters) == 1


def test_every_kind_has_words_and_a_place() -> None:
    assert set(texts._LINES) == set(texts._PLACES) == set(KINDS) == set(Kind)
    assert {kind_of_alarm(each) for each in Alarm.Kind.values} <= set(FOR_STAFF)


def test_what_was_before_the_reader_began_is_nobodys_news(db: None, sam: User, alice: Customer) -> None:
    open_ticket(alice)
    reader = Reader()
    reader.read(NOW + MINUTE)
    assert reader.read(NOW + 2 * MINUTE) == 0


def test_a_letter_that_is_given_up_raises_an_alarm_and_the_next_that_arrives_ends_it(
    reader: Reader, server: SmtpServer, sam: User, alice: Customer
) -> None:
    server.rcpt_answer = "550 no such user"
    open_ticket(alice)
    now = NOW
    for _ in range(7):
        passes(reader, now)
        now += DAY
    first = Delivery.objects.order_by("pk")[0]
    assert (first.state, first.fault[:21]) == ("given up", "SMTPRecipientsRefused")
    alarm = Alarm.objects.get(kind=Alarm.Kind.NOTICES)
    assert alarm.closed_at is None
    server.rcpt_answer = "250 OK"
    for _ in range(3):
        passes(reader, now)
        now += DAY
    alarm.refresh_from_db()
    assert alarm.closed_at is not None


def test_old_notices_are_forgotten(reader: Reader, server: SmtpServer, sam: User, alice: Customer) -> None:
    open_ticket(alice)
    passes(reader)
    passes(reader, NOW + 5 * DAY)
    assert not Notice.objects.filter(kind=Kind.TICKET).exists()
    assert Delivery.objects.filter(topic=Kind.TICKET).exists()
    passes(reader, NOW + 32 * DAY)
    assert not Delivery.objects.filter(topic=Kind.TICKET).exists()


def test_what_a_person_refused_is_not_sent(reader: Reader, sam: User, alice: Customer) -> None:
    kept = [each.value for each in FOR_STAFF if each is not Kind.TICKET]
    assert preferences.change(sam, kept, when="at once", daily_hour=9, quiet_from=0, quiet_until=0) is None
    open_ticket(alice)
    assert reader.read(NOW) == 1
    assert not Delivery.objects.exists()
