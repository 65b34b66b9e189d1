"""Exchange rates: fetched over real HTTP; a manual one stays, a jump waits, an old one stops sales for a while."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.test import Client

from sutler.accounts.models import AuditEntry, User
from sutler.api import wording
from sutler.catalogue.models import ExchangeRate, RateFetch, Service
from sutler.core.event_texts import cause_text
from sutler.core.refusals import Reason, Refusal
from sutler.core.upstream_words import DeclineKind, read_decline
from sutler.core.worth import Worth
from sutler.fulfilment.catalogue import change_rates, exchange_fetch, routes, sync
from sutler.fulfilment.models import Alarm
from sutler.orders.models import Order
from sutler.orders.place import Placed, PlaceRequest, place
from sutler.panels.results import Catalogue
from tests.conftest import NOW, make_customer
from tests.fulfilment.catalogue.catalogues import OTHERS, make_provider, open_alarms, said, sold, take, upstream
from tests.ops.test_cli import done, failed

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Source(HTTPServer):
    """A server that answers what it is told to and counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.status, self.body, self.asked = 200, b"", 0

    def says(self, dated: datetime, **rates: str) -> None:
        listed = ",".join(f'"{currency}":{rate}' for currency, rate in rates.items())
        self.status, self.body = 200, f'{{"base":"USD","date":"{dated:%Y-%m-%d}","rates":{{{listed}}}}}'.encode()


class Answers(BaseHTTPRequestHandler):
    server: Source

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def source(settings: Any) -> Iterator[Source]:
    server = Source()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    settings.SUTLER = settings.SUTLER | {
        "SUTLER_EXCHANGE_SOURCE": f"http://127.0.0.1:{server.server_port}/latest?key=very-secret",
        "SUTLER_UPSTREAM_PRIVATE_HOSTS": ["127.0.0.1"],
        "SUTLER_EXCHANGE_HOURS": 72,
    }
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def followed(currency: str, **fields: Any) -> ExchangeRate:
    given = {"base": 100, "units": 92, "is_followed": True, "dated": NOW} | fields
    return ExchangeRate.objects.create(currency=currency, **given)


def worth(currency: str = "EUR") -> Worth:
    return ExchangeRate.objects.get(currency=currency).worth


class TestFetching:
    def test_once_a_day_and_only_what_follows(self, source: Source) -> None:
        followed("EUR")
        done("rate", "set", "GBP", "1.25")
        source.says(NOW + DAY, EUR="0.93", GBP="0.70")
        assert exchange_fetch.fetch_due(NOW) == 1
        assert (worth(), worth("GBP")) == (Worth(100, 93), Worth(125, 100))
        assert ExchangeRate.objects.get(currency="EUR").source == "127.0.0.1"
        assert exchange_fetch.fetch_due(NOW + 23 * HOUR) == 0
        source.says(NOW + DAY, EUR="0.94")
        assert exchange_fetch.fetch_due(NOW + 24 * HOUR) == 1
        assert (worth(), source.asked) == (Worth(100, 94), 2)

    def test_nothing_is_asked_while_nothing_follows_or_no_source_is_set(self, source: Source, settings: Any) -> None:
        done("rate", "set", "EUR", "1.08")
        assert exchange_fetch.fetch_due(NOW) == 0
        followed("GBP")
        settings.SUTLER = settings.SUTLER | {"SUTLER_EXCHANGE_SOURCE": ""}
        assert exchange_fetch.fetch_due(NOW) == 0
        assert source.asked == 0

    @pytest.mark.parametrize(
        ("status", "body", "fault"),
        [
            (500, b"oops", "HTTP 500"),
            (302, b"", "HTTP 302"),
            (200, b"<html>", "it is no JSON"),
            (200, b'{"base":"USD","date":"2099-01-01","rates":{"EUR":0.93}}', "in the future"),
            (200, b" " * (exchange_fetch.LONGEST_ANSWER_BYTES + 1), "longer than"),
        ],
    )
    def test_a_failure_changes_nothing_and_is_tried_again_after_a_while(
        self, source: Source, status: int, body: bytes, fault: str
    ) -> None:
        followed("EUR")
        source.status, source.body = status, body
        at, pauses = NOW, (5, 15, 60, 240, 240)
        for minutes in pauses:
            assert exchange_fetch.fetch_due(at) == 1
            assert exchange_fetch.fetch_due(at + timedelta(minutes=minutes) - timedelta(seconds=1)) == 0
            at += timedelta(minutes=minutes)
        assert (worth(), source.asked) == (Worth(100, 92), len(pauses))
        assert fault in RateFetch.objects.get().fault
        text = cause_text(Alarm.objects.get(closed_at=None).cause)
        assert "5 times" in text and fault in text and "very-secret" not in text
        source.says(NOW, EUR="0.93")
        exchange_fetch.fetch_due(at)
        assert (worth(), open_alarms(), RateFetch.objects.get().failures) == (Worth(100, 93), set(), 0)

    def test_a_private_address_that_is_not_allowed_is_not_asked(self, source: Source, settings: Any) -> None:
        followed("EUR")
        address = f"https://127.0.0.1:{source.server_port}/"
        settings.SUTLER = settings.SUTLER | {
            "SUTLER_EXCHANGE_SOURCE": address,
            "SUTLER_UPSTREAM_PRIVATE_HOSTS": [],
        }
        assert exchange_fetch.fetch_due(NOW) == 1
        assert (source.asked, RateFetch.objects.get().fault) == (0, "it cannot be reached (ConnectError)")

    def test_a_currency_that_the_source_does_not_quote_is_told_until_it_does(self, source: Source) -> None:
        followed("EUR")
        source.says(NOW, GBP="0.7")
        exchange_fetch.fetch_due(NOW)
        assert open_alarms() == {("exchange rate", "rate quote", "EUR")}
        source.says(NOW, EUR="0.93")
        exchange_fetch.fetch_due(NOW + DAY)
        assert open_alarms() == set()

    def test_a_day_before_the_one_that_is_kept_changes_nothing(self, source: Source) -> None:
        followed("EUR", source="127.0.0.1")
        source.says(NOW - 2 * DAY, EUR="0.93")
        exchange_fetch.fetch_due(NOW)
        assert worth() == Worth(100, 92)


class TestJumps:
    @pytest.fixture(autouse=True)
    def jumped(self, source: Source) -> None:
        followed("EUR")
        source.says(NOW, EUR="0.80")
        exchange_fetch.fetch_due(NOW)

    def test_it_waits_for_staff(self) -> None:
        assert worth() == Worth(100, 92)
        assert open_alarms() == {("exchange rate", "rate jump", "EUR")}
        assert "rate accept EUR" in done("rate", "list")

    def test_and_is_taken_when_they_accept_it(self) -> None:
        done("rate", "accept", "EUR")
        assert (worth(), open_alarms()) == (Worth(10, 8), set())
        assert AuditEntry.objects.get().after == {"worth": "1 USD = 0.8 EUR"}
        assert "no exchange rate of EUR awaits a decision" in failed(1, "rate", "accept", "EUR")

    def test_or_falls_away_when_the_source_comes_back(self, source: Source) -> None:
        source.says(NOW, EUR="0.91")
        exchange_fetch.fetch_due(NOW + DAY)
        assert (worth(), open_alarms(), ExchangeRate.objects.get().offered) == (Worth(100, 91), set(), None)

    def test_or_when_staff_set_another(self) -> None:
        done("rate", "set", "EUR", "1.2")
        kept = ExchangeRate.objects.get()
        assert (kept.worth, kept.offered, kept.is_followed, open_alarms()) == (Worth(12, 10), None, False, set())

    def test_on_the_page(self, sam_client: Client) -> None:
        assert "Large change: 1 USD = 0.8 EUR" in sam_client.get("/office/currencies").content.decode()
        sam_client.post("/office/currencies/EUR/accept")
        assert worth() == Worth(10, 8)


@pytest.fixture
def sam_client(sam: User, client: Client) -> Client:
    sam.role, sam.is_superuser = "owner", True
    sam.save()
    client.force_login(sam)
    return client


def test_a_rate_follows_from_the_shell_and_from_the_page(source: Source, sam_client: Client) -> None:
    assert "has no exchange rate yet" in failed(1, "rate", "follow", "EUR")
    done("rate", "set", "eur", "1.08")
    done("rate", "set", "GBP", "1.25")
    assert "EUR follows 127.0.0.1" in done("rate", "follow", "eur")
    sam_client.post("/office/currencies/GBP/follow")
    source.says(NOW, EUR="0.93", GBP="0.79")
    assert "2 exchange rates" in done("rate", "fetch")
    assert (worth(), worth("GBP")) == (Worth(100, 93), Worth(100, 79))
    assert sam_client.post("/office/currencies/JPY/follow").status_code == 404


def test_without_a_source_nothing_can_follow(sam_client: Client) -> None:
    done("rate", "set", "EUR", "1.08")
    for command in ("follow", "fetch"):
        assert "SUTLER_EXCHANGE_SOURCE" in failed(1, "rate", command, *["EUR"] * (command == "follow"))
    assert sam_client.post("/office/currencies/EUR/follow").status_code == 404


FORM = {"link": "https://example.com/a", "quantity": "1000"}


class TestGrowingOld:
    """A followed rate of NOW stops sales after 72 hours."""

    @pytest.fixture(autouse=True)
    def of_now(self, source: Source) -> None:
        followed("EUR")

    def asked(self, service: Service, now: datetime, name: str = "Claire", currency: str = "EUR") -> Any:
        customer = make_customer(f"{name} {now}", currency)
        return place([PlaceRequest(customer.pk, FORM | {"service": str(service.pk)})], now)[0]

    def test_customers_who_hold_the_currency_are_refused_until_a_new_rate_comes(
        self, service: Service, source: Source
    ) -> None:
        assert isinstance(self.asked(service, NOW + 72 * HOUR - timedelta(seconds=1)), Placed)
        assert self.asked(service, NOW + 72 * HOUR) == Refusal(Reason.CURRENCY_PAUSED)
        assert isinstance(self.asked(service, NOW + 72 * HOUR, "Dora", "USD"), Placed)
        source.says(NOW + 3 * DAY, EUR="0.93")
        exchange_fetch.fetch_due(NOW + 73 * HOUR)
        assert isinstance(self.asked(service, NOW + 73 * HOUR), Placed)

    def test_what_a_provider_delivers_in_it_is_paused_with_a_reason_an_alarm_and_comes_back(
        self, source: Source
    ) -> None:
        service = sold(make_provider("Euro", "EUR"))
        watch = change_rates.Watch().watch
        assert watch(NOW + 72 * HOUR - timedelta(seconds=1)) == 0
        assert watch(NOW + 72 * HOUR) == 1
        service.refresh_from_db()
        assert (service.state, service.pause_reason) == ("paused", "old rate")
        assert open_alarms() == {("exchange rate", "rate age", "EUR"), ("catalogue", "paused services")}
        assert watch(NOW + 73 * HOUR) == 0
        source.says(NOW + 3 * DAY, EUR="0.93")
        exchange_fetch.fetch_due(NOW + 73 * HOUR)
        service.refresh_from_db()
        assert (service.state, open_alarms()) == ("active", set())

    def test_an_order_that_was_taken_before_keeps_its_price_and_its_way(self, service: Service) -> None:
        self.asked(service, NOW)
        change_rates.Watch().watch(NOW + 72 * HOUR)
        assert Order.objects.get().status == "Pending"

    def test_a_sync_does_not_bring_back_what_the_rate_has_stopped(self) -> None:
        euro = make_provider("Euro", "EUR")
        service = sold(euro)
        change_rates.Watch().watch(NOW + 72 * HOUR)
        sync.apply_catalogue(euro.pk, Catalogue((said(), *OTHERS)), NOW + 73 * HOUR)
        service.refresh_from_db()
        assert service.state == "paused"

    def test_nobody_is_alarmed_of_a_currency_that_nobody_holds(self) -> None:
        change_rates.Watch().watch(NOW + 72 * HOUR)
        assert open_alarms() == set()

    @pytest.mark.parametrize(
        ("hours", "manual_hours", "by_hand", "is_stopped"),
        [
            (72, 0, False, True),
            (0, 0, False, False),
            (0, 72, False, False),
            (72, 0, True, False),
            (0, 72, True, True),
            (72, 73, True, False),
        ],
    )
    def test_a_rate_by_hand_has_a_limit_of_its_own(
        self, service: Service, settings: Any, hours: int, manual_hours: int, by_hand: bool, is_stopped: bool
    ) -> None:
        settings.SUTLER = settings.SUTLER | {
            "SUTLER_EXCHANGE_HOURS": hours,
            "SUTLER_EXCHANGE_MANUAL_HOURS": manual_hours,
        }
        ExchangeRate.objects.update(is_followed=not by_hand)
        answer = self.asked(service, NOW + 72 * HOUR)
        assert isinstance(answer, Refusal) is is_stopped

    def test_a_rate_of_unknown_age_counts_as_old_where_age_counts(self, service: Service, settings: Any) -> None:
        ExchangeRate.objects.update(is_followed=False, dated=None)
        assert isinstance(self.asked(service, NOW), Placed)
        settings.SUTLER = settings.SUTLER | {"SUTLER_EXCHANGE_MANUAL_HOURS": 1}
        ExchangeRate.objects.get().save()
        assert self.asked(service, NOW, "Dora") == Refusal(Reason.CURRENCY_PAUSED)

    def test_the_pages_say_so(self, service: Service, sam_client: Client) -> None:
        ExchangeRate.objects.update(dated=NOW - 3650 * DAY)
        ExchangeRate.objects.get().save()
        assert "Out of date: orders paused" in sam_client.get("/office/currencies").content.decode()
        assert "out of date" in done("rate", "list")
        claire = User.objects.create_user(
            "claire@example.com", "x", customer=make_customer("Claire", "EUR"), date_joined=NOW
        )
        browser = Client()
        browser.force_login(claire)
        for page in ("/services", "/orders/new"):
            assert "Orders in your currency are paused" in browser.get(page).content.decode()


def test_a_provider_in_a_currency_that_is_out_of_date_gets_no_new_route(source: Source, service: Service) -> None:
    followed("EUR", dated=NOW - 30 * DAY)
    take(make_provider("Euro", "EUR"), said())
    assert routes.add(service.pk, upstream().pk, NOW) == Refusal(Reason.INCORRECT_FIELD, "currency")


def test_another_panel_of_ours_reads_the_refusal_as_one() -> None:
    sentence = wording.sentence(Refusal(Reason.CURRENCY_PAUSED))
    assert read_decline(sentence) is DeclineKind.SERVICE
