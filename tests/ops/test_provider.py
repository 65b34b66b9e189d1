"""`sutler provider` and `sutler alarms`: what each command does and prints, over a real upstream where it asks one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as panel

from sutler.accounts import secret_key
from sutler.books.models import Transfer
from sutler.catalogue.models import Service
from sutler.core.clock import SystemClock
from sutler.core.events import failure
from sutler.core.subjects import WHOLE, Subject, SubjectType
from sutler.fulfilment.models import Alarm, LoggedCall, Provider, ProviderMinute
from sutler.fulfilment.provider_settings import panel_settings
from sutler.fulfilment.providers import alarms
from sutler.simulator.upstream import KEY
from tests.conftest import NOW, make_customer
from tests.fulfilment.upstream import accepted, make_provider, make_upstream_service
from tests.ops.test_cli import done, failed, run
from tests.orders.ordering import placed
from tests.simulator.test_lying_upstream import serving

pytestmark = pytest.mark.django_db

ADD = ("provider", "add", "--name", "Wholesale", "--currency", "USD")
URL = ("--url", "https://panel.example/api/v2")


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    with serving() as (_, root):
        yield root


@pytest.fixture
def upstream(root: str, settings: Any) -> str:
    """The address of an upstream on this machine, which the operator allows."""
    settings.SUTLER = settings.SUTLER | {"SUTLER_UPSTREAM_PRIVATE_HOSTS": ["127.0.0.1"]}
    return f"{root}/api/v2"


@pytest.fixture
def there(upstream: str) -> int:
    """A provider that is there to be asked."""
    done(*ADD, "--url", upstream, "--key", KEY, "--interval-ms", "0")
    return Provider.objects.get().pk


def columns(printed: str, row: int = 1) -> dict[str, str]:
    """A row of a printed table by its headings; cells hold no two blanks in a row."""
    lines = [line.split("  ") for line in printed.splitlines()]
    heads, cells = ([each.strip() for each in line if each.strip()] for line in (lines[0], lines[row]))
    return dict(zip(heads, cells, strict=False))


class TestAdd:
    def test_the_key_is_asked_for_hidden_and_never_shown(self) -> None:
        result = run(*ADD, *URL, stdin=f"{KEY}\n")
        made = Provider.objects.get()
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(f"Provider {made.pk}: Wholesale, USD.")
        assert KEY not in result.output
        assert panel_settings(made, panel.SECRET_KEY).key == KEY
        assert KEY not in done("provider", "show", str(made.pk)) + done("provider", "list")

    def test_the_key_comes_from_a_file_or_from_standard_input(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text(f"{KEY}\n")
        done(*ADD, *URL, "--key-file", str(tmp_path / "key"))
        assert panel_settings(Provider.objects.get(), panel.SECRET_KEY).key == KEY
        done("provider", "change", str(Provider.objects.get().pk), "--key-file", "-", stdin="another\n")
        assert panel_settings(Provider.objects.get(), panel.SECRET_KEY).key == "another"

    def test_every_option_reaches_the_provider(self) -> None:
        done(
            *ADD,
            *URL,
            "--key",
            KEY,
            "--method",
            "GET",
            "--key-field",
            "token",
            "--field",
            "a=b=c",
            "--field",
            "d=e",
            "--cancel-field",
            "order",
            "--slash",
            "without",
            "--interval-ms",
            "5",
            "--at-once",
            "2",
            "--drip-feed-there",
            "--subscriptions-there",
            "--settle-minutes",
            "20",
            "--may-scan",
            "--shared",
            "--brake-percent",
            "3",
            "--brake-open",
            "4",
            "--low-balance",
            "12.5",
        )
        made = Provider.objects.get()
        found = panel_settings(made, panel.SECRET_KEY)
        assert (found.method, found.key_field, found.cancel_field, found.trailing_slash) == (
            "GET",
            "token",
            "order",
            False,
        )
        assert found.extra_fields == {"a": "b=c", "d": "e"}
        assert (made.call_interval_milliseconds, made.most_at_once, made.settle_minutes) == (5, 2, 20)
        assert (made.drip_feed_there, made.subscriptions_there, made.may_scan, made.is_shared) == (True,) * 4
        assert (made.brake_percent, made.brake_open, made.low_balance_micros) == (3, 4, 12_500_000)

    def test_secret_fields_are_read_from_standard_input(self) -> None:
        result = run(*ADD, *URL, "--key", KEY, "--fields-file", "-", stdin="a=b=c\n\n d=e\n")
        assert result.exit_code == 0, result.output
        assert panel_settings(Provider.objects.get(), panel.SECRET_KEY).extra_fields == {"a": "b=c", "d": "e"}
        wrong = run("provider", "change", "1", "--fields-file", "-", stdin="hunter2\n")
        assert (wrong.exit_code, "hunter2" in wrong.output) == (2, False)

    @pytest.mark.parametrize(
        ("code", "given", "said"),
        [
            (1, [*ADD, "--url", "http://panel.example/api", "--key", "k"], "SUTLER_UPSTREAM_PRIVATE_HOSTS"),
            (1, [*ADD[:-1], "EUR", *URL, "--key", "k"], "set one with `sutler rate set`"),
            (1, [*ADD, *URL, "--key", "k", "--settle-minutes", "1"], "(settle_minutes): use at least 15"),
            (1, [*ADD, *URL, "--key", "k", "--at-once", "0"], "incorrect field (most_at_once)"),
            (2, [*ADD, *URL, "--key", "k", "--key-file", "-"], "either --key or --key-file"),
            (2, [*ADD, *URL, "--key-file", "-", "--fields-file", "-"], "either the key or the fields"),
            (2, [*ADD, *URL, "--key", "k", "--field", "x"], "must be name=value"),
            (2, [*ADD, *URL, "--key", "k", "--field", "x=y", "--no-fields"], "both sets and clears"),
            (2, [*ADD, "--url", "panel.example", "--key", "k"], "is not a valid URL"),
            (2, ["provider", "change", "1"], "nothing to change"),
            (1, ["provider", "change", "1", "--at-once", "2"], "provider 1 not found"),
            (1, ["provider", "pause", "1"], "provider 1 not found"),
            *((1, ["provider", each, "1"], "provider 1 not found") for each in ("show", "log", "test", "balance")),
            (1, ["provider", "topup", "1", "5", "--reason", "x"], "provider 1 not found"),
            (1, ["alarms", "--close", "1"], "open alarm 1 not found"),
        ],
    )
    def test_what_cannot_be_done_is_one_line(self, code: int, given: list[str], said: str) -> None:
        assert said in failed(code, *given)
        assert not Provider.objects.exists()


class TestChange:
    def test_what_is_given_is_changed_and_named(self) -> None:
        made = make_provider()
        printed = done(
            "provider", "change", str(made.pk), "--low-balance", "5", "--key", "new", "--no-fields", "--no-scan"
        )
        assert printed == f"Provider {made.pk}: low balance, may scan, key, extra fields changed.\n"
        assert Provider.objects.get().low_balance_micros == 5_000_000
        done("provider", "change", str(made.pk), "--no-low-balance", "--slash", "as-written")
        now = Provider.objects.get()
        assert (now.low_balance_micros, now.trailing_slash) == (None, None)

    def test_it_is_paused_resumed_and_switched_off(self, service: Service) -> None:
        made = make_provider()
        accepted(placed(make_customer("Alice"), service), make_upstream_service(made), "7")
        for command, state in (("pause", "sending stopped"), ("resume", "on"), ("off", "off")):
            result = run("provider", command, str(made.pk))
            assert result.stdout == f"Provider {made.pk}, Upstream: {state}.\n"
            assert Provider.objects.get().state == state
        assert "Active orders no longer checked: 1" in result.stderr


class TestLooking:
    def test_the_list_shows_how_each_does(self) -> None:
        made = make_provider(balance_micros=12_345_678, low_balance_micros=20_000_000)
        now = SystemClock().now()
        ProviderMinute.objects.create(
            provider=made, minute=now - timedelta(minutes=1), calls=120, declined=12, total_milliseconds=12_000
        )
        alarms.sound(made.pk, Alarm.Kind.LOW_BALANCE, WHOLE, failure("low"), NOW)
        row = columns(done("provider", "list"))
        assert (row["NAME"], row["BALANCE"], row["LOW"], row["CURRENCY"]) == ("Upstream", "12.34567", "20.00", "USD")
        assert (row["CALLS/MIN"], row["ERRORS"], row["MEAN MS"], row["ALARMS"]) == ("2.0", "10.0%", "100", "1")

    def test_one_is_shown_whole_but_for_its_secrets(self) -> None:
        done(*ADD, *URL, "--key", KEY, "--field", "token=hidden")
        printed = done("provider", "show", str(Provider.objects.get().pk))
        assert "hidden" not in printed
        rows = dict(line.split(maxsplit=1) for line in printed.splitlines() if len(line.split()) > 1)
        assert (rows["key"], rows["fields"], rows["url"]) == ("(sealed)", "(sealed)", URL[1])

    def test_the_log_shows_the_newest_first_cut_and_harmless(self) -> None:
        made = make_provider()
        for number, answer in enumerate(("<html>\x1b[2J", "x" * 1999)):
            LoggedCall.objects.create(
                provider=made,
                at=NOW,
                action="add",
                asked={"key": "***", "link": "a\x07b"},
                answer=answer,
                milliseconds=7,
                outcome="NoAnswer",
                cause=failure("odd"),
                order_id=number + 1,
            )
        printed = done("provider", "log", str(made.pk))
        first, second = printed.splitlines()[1:]
        assert first.endswith("key=*** link=a?b  " + "x" * 200)
        assert second.endswith("<html>?[2J")
        assert "x" * 1999 in done("provider", "log", str(made.pk), "--whole", "--order", "2")
        assert len(done("provider", "log", str(made.pk), "--limit", "1").splitlines()) == 2

    def test_alarms_are_shown_until_they_are_closed(self) -> None:
        made = make_provider()
        for provider_id, subject in ((made.pk, Subject(SubjectType.ORDER, 7)), (None, Subject(SubjectType.SERVICE, 3))):
            alarms.sound(provider_id, Alarm.Kind.NOT_FOUND, subject, failure("a\x1btext"), NOW)
        assert [columns(run("alarms").stdout, row)["NEWEST"] for row in (1, 2)] == ["service 3", "order 7"]
        own = Alarm.objects.get(provider=made).pk
        assert columns(run("alarms", "--provider", str(made.pk)).stdout)["TEXT"] == "a?text"
        assert columns(done("alarms", "--about", str(own)))["SUBJECT"] == "order 7"
        assert done("alarms", "--close", str(own)) == f"Alarm {own} is closed.\n"
        assert done("alarms", "--provider", str(made.pk)).count("\n") == 1
        assert "closed by operator" in done("alarms", "--provider", str(made.pk), "--all")


class TestAccount:
    def test_an_honest_provider_is_certified(self, there: int) -> None:
        printed = done("provider", "test", str(there))
        assert printed.endswith("Wholesale: connection OK.\n")
        assert printed.count("  pass  ") == 10
        assert not ProviderMinute.objects.exists()

    def test_one_that_cannot_be_worked_with_ends_with_1(self, there: int) -> None:
        done("provider", "change", str(there), "--key", "wrong")
        result = run("provider", "test", str(there))
        assert (result.exit_code, result.stderr) == (1, "")
        assert "Wholesale: connection failed: 5 of 10 checks did not pass." in result.stdout

    def test_the_first_balance_opens_the_books(self, there: int) -> None:
        assert done("provider", "balance", str(there)) == "Provider  10000.00 USD\nOur books 10000.00 USD\n"
        assert Transfer.objects.get().cause == f"topup:opening:{there}"
        assert ProviderMinute.objects.get().calls == 1

    def test_no_balance_is_a_failure_and_in_the_log(self, there: int) -> None:
        done("provider", "change", str(there), "--key", "wrong")
        assert "balance check failed: Invalid API key" in failed(1, "provider", "balance", str(there))
        assert "Invalid API key" in done("provider", "log", str(there))

    def test_a_key_that_was_sealed_with_another_secret_is_told(self) -> None:
        secret_key.claim()
        made = make_provider(sealed_key="damaged")
        assert "its key cannot be read" in failed(1, "provider", "balance", str(made.pk))

    def test_what_is_paid_in_and_drawn_is_booked_once(self) -> None:
        made = make_provider()
        topup = ("provider", "topup", str(made.pk), "250", "--reason", "card", "--name", "inv-1")
        for _ in range(2):
            assert done(*topup) == "Balance in our books: 250.00 USD at Upstream.\n"
        draw = ("provider", "draw", str(made.pk), "3.5", "--reason", "their fee")
        assert done(*draw) == "Balance in our books: 246.50 USD at Upstream.\n"
        assert done(*draw) == "Balance in our books: 243.00 USD at Upstream.\n"
        assert "incorrect field (name)" in failed(1, *topup[:3], "251", *topup[4:])
        assert "incorrect field (amount)" in failed(1, "provider", "draw", str(made.pk), "0", "--reason", "x")
