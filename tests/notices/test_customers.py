"""Customers hear what became of their orders: theirs alone, folded, when they want it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import resolve

from sutler.accounts.models import Customer, User
from sutler.catalogue import updates
from sutler.catalogue.models import Service, ServiceUpdate
from sutler.core.lifecycle import Status
from sutler.notices import preferences
from sutler.notices.jobs import Reader
from sutler.notices.kinds import FOR_CUSTOMERS, Kind
from sutler.notices.models import Delivery, Preferences
from tests.conftest import NOW
from tests.notices.conftest import DAY, MINUTE, passes
from tests.notices.smtp_server import SmtpServer
from tests.orders.ordering import placed, reported
from tests.pages.conftest import browser_of, make_person

ALL = [each.value for each in FOR_CUSTOMERS]


@pytest.fixture
def person(alice: Customer) -> User:
    return make_person("alice@example.com", alice)


@pytest.mark.parametrize(
    ("status", "subject"),
    [
        (Status.COMPLETED, "Order {} is completed"),
        (Status.PARTIAL, "Order {} is partially completed; the rest was refunded"),
        (Status.CANCELED, "Order {} was canceled and refunded"),
    ],
)
def test_the_end_of_an_order_is_a_letter_to_its_customer_alone(
    reader: Reader, server: SmtpServer, person: User, bob: Customer, service: Service, status: Status, subject: str
) -> None:
    make_person("bob@example.com", bob)
    order = placed(person.customer, service)  # type: ignore[arg-type]
    reported(order, Status.IN_PROGRESS)
    passes(reader)
    assert server.letters == []
    reported(order, status)
    passes(reader, NOW + MINUTE)
    [letter] = server.letters
    assert (letter["To"], letter["Subject"]) == (person.email, f"[Sutler] {subject.format(order.pk)}")
    resolve(f"/orders/{order.pk}")
    passes(reader, NOW + 2 * MINUTE)
    assert len(server.letters) == 1


def test_a_busy_hour_is_one_letter(reader: Reader, server: SmtpServer, person: User, service: Service) -> None:
    for number in range(25):
        link = f"https://example.com/{number}"
        order = placed(person.customer, service, link=link, quantity=50)  # type: ignore[arg-type]
        reported(order, Status.COMPLETED)
        passes(reader, NOW + number * MINUTE)
    assert len(server.letters) == 1
    passes(reader, NOW + 61 * MINUTE)
    assert [each["Subject"] for each in server.letters[1:]] == ["[Sutler] Completed orders: 24"]


def test_changes_of_services_are_told_to_those_who_ask(
    reader: Reader, server: SmtpServer, person: User, bob: Customer, service: Service
) -> None:
    make_person("bob@example.com", bob)
    assert preferences.change(person, ALL, when="at once", daily_hour=9, quiet_from=0, quiet_until=0) is None
    updates.publish([updates.note(service, ServiceUpdate.Kind.PRICE, NOW, "0.90", "1.10")])
    passes(reader)
    assert [(each["To"], each["Subject"].strip()) for each in server.letters] == [
        (person.email, f"[Sutler] Changed: {service.pk} Followers, 0.90 → 1.10")
    ]


def test_a_digest_holds_a_day_in_one_letter(reader: Reader, server: SmtpServer, person: User, service: Service) -> None:
    User.objects.filter(pk=person.pk).update(time_zone="Asia/Tokyo")
    assert preferences.change(person, ALL, when="daily", daily_hour=7, quiet_from=0, quiet_until=0) is None
    for status in (Status.COMPLETED, Status.CANCELED):
        reported(placed(person.customer, service, link=f"https://example.com/{status}"), status)  # type: ignore[arg-type]
    passes(reader)
    assert server.letters == []
    assert Delivery.objects.get().due_at == datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
    passes(reader, NOW + DAY)
    assert server.letters[0]["Subject"] == "[Sutler] 2 notices today"


@pytest.mark.parametrize(
    ("start", "end", "hour", "due_hour"),
    [(22, 7, 23, 31), (22, 7, 3, 7), (22, 7, 7, 7), (22, 7, 21, 21), (12, 14, 13, 14), (0, 0, 3, 3), (5, 5, 5, 5)],
)
def test_quiet_hours(start: int, end: int, hour: int, due_hour: int) -> None:
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    wishes = Preferences(quiet_from=start, quiet_until=end)
    due = preferences.due_at(wishes, "", midnight + timedelta(hours=hour))
    assert due == midnight + timedelta(hours=due_hour)


def test_the_profile_leads_to_what_a_customer_hears_of(person: User) -> None:
    browser = browser_of(person)
    assert 'href="/account/notices"' in browser.get("/account").content.decode()
    form = {"kinds": ["refill"], "when": "daily", "daily_hour": "8", "quiet_from": "0", "quiet_until": "0"}
    assert browser.post("/account/notices", form).headers["Location"] == "/account/notices"
    own = preferences.of(person)
    assert preferences.wanted(person, own) == {Kind.REFILL}
    assert (own.when, own.daily_hour) == ("daily", 8)


def test_what_is_for_staff_cannot_be_chosen_by_a_customer(person: User) -> None:
    form = {"kinds": ["payment"], "when": "at once", "daily_hour": "8", "quiet_from": "0", "quiet_until": "25"}
    answer = browser_of(person).post("/account/notices", form)
    assert answer.status_code == 200
    assert not Preferences.objects.exists()


def test_what_waits_is_a_figure(reader: Reader, person: User, service: Service, client: Client) -> None:
    reported(placed(person.customer, service), Status.COMPLETED)  # type: ignore[arg-type]
    reader.read(NOW)
    assert "sutler_notices_waiting 1.0" in client.get("/metrics").content.decode()
