"""Providers: what may be said of one, what is refused and then changes nothing, and how each is asked."""

from typing import Any

import pytest
from django.conf import settings as panel
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from sutler.catalogue.models import ExchangeRate
from sutler.core.money import LARGEST_MICROS
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment import provider_settings
from sutler.fulfilment.models import Provider, ProviderState
from sutler.fulfilment.provider_settings import panel_settings
from sutler.panels.client import PanelSettings
from sutler.storage.sealed import Unreadable
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

URL, KEY = "https://panel.example/api/v2", "f" * 64


def add(currency: str = "USD", **terms: Any) -> Provider | Refusal:
    return provider_settings.add(currency, NOW, **({"name": "Wholesale", "url": URL, "key": KEY} | terms))


def added(currency: str = "USD", **terms: Any) -> Provider:
    made = add(currency, **terms)
    assert isinstance(made, Provider), made
    return made


def refused(field: str) -> Refusal:
    return Refusal(Reason.INCORRECT_FIELD, field)


@pytest.fixture
def private_hosts(settings: Any) -> None:
    settings.SUTLER = settings.SUTLER | {"SUTLER_UPSTREAM_PRIVATE_HOSTS": ["127.0.0.1", "upstream.lan", "[::1]"]}


class TestAdd:
    def test_a_provider_is_on_and_is_asked_as_most_panels_want_it(self) -> None:
        made = added()
        made.refresh_from_db()
        assert (made.state, made.currency, made.created_at) == (Provider.State.ON, "USD", NOW)
        assert panel_settings(made, panel.SECRET_KEY) == PanelSettings(URL, KEY)

    def test_key_and_fixed_fields_are_sealed(self) -> None:
        made = added(extra_fields={"token": "a secret"})
        row = Provider.objects.values().get(pk=made.pk)
        assert not any(secret in str(row) for secret in (KEY, "a secret"))
        assert panel_settings(made, panel.SECRET_KEY).extra_fields == {"token": "a secret"}
        with pytest.raises(Unreadable):
            panel_settings(made, "another secret key")

    def test_every_way_of_asking_reaches_the_panel(self) -> None:
        said: dict[str, Any] = {
            "method": "GET",
            "key_field": "api_key",
            "cancel_field": "order",
            "trailing_slash": True,
        }
        found = panel_settings(added(**said), panel.SECRET_KEY)
        assert {name: getattr(found, name) for name in said} == said

    @pytest.mark.parametrize("missing", ["name", "url", "key"])
    def test_without_one_of_these_there_is_none(self, missing: str) -> None:
        terms: Any = {name: text for name, text in (("name", "A"), ("url", URL), ("key", KEY)) if name != missing}
        assert provider_settings.add("USD", NOW, **terms) == refused(missing)

    def test_the_worth_of_its_currency_must_be_known(self) -> None:
        assert add("EUR") == refused("currency")
        assert add("usd") == refused("currency")
        ExchangeRate.objects.create(currency="EUR", base=1_100_000, units=1_000_000)
        assert added("EUR").currency == "EUR"

    def test_a_name_is_given_once(self) -> None:
        added()
        assert add() == refused("name")
        assert Provider.objects.count() == 1

    @pytest.mark.parametrize(
        "url",
        [
            "http://panel.example/api/v2",
            "ftp://panel.example/",
            "panel.example/api/v2",
            "https://",
            "",
            "x",
            "https://user:pass@panel.example/api",
            "https://user@panel.example/api",
            f"{URL}?a=b",
            f"{URL}?",
            f"{URL}#a",
            f" {URL}",
            f"{URL} ",
            f"{URL}\n",
            "https://panel .example/",
            "https://pänel.example/",
            f"{URL}/{'a' * 500}",
            "https://127.0.0.1/api",
            "https://10.0.0.1/",
            "https://[::1]/",
            "https://169.254.169.254/",
            "http://1.1.1.1/",
        ],
    )
    def test_an_address_that_nobody_should_ask_is_refused(self, url: str) -> None:
        assert add(url=url) == refused("url")
        assert not Provider.objects.exists()

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:8090/api/v2", "http://UPSTREAM.lan/", "https://[::1]:8443/api/v2"]
    )
    @pytest.mark.usefixtures("private_hosts")
    def test_hosts_that_the_operator_allows_may_be_private_and_without_tls(self, url: str) -> None:
        assert added(url=url).url == url
        assert add(name="Other", url="http://panel.example/api/v2") == refused("url")

    @pytest.mark.parametrize(
        ("field", "good", "bad"),
        [
            ("name", ["A", "A" * 100], ["", " A", "A" * 101, "A\nB", "A\x1b[2J", 7]),
            ("key", ["k", "k" * 500], ["", " k", "k" * 501, "k\n", "k\x00"]),
            ("method", ["GET", "POST"], ["get", "PUT", None]),
            ("key_field", ["api_token", "k"], ["", "action", "service", "a b", "a=b", "1a", "a" * 41, "ключ"]),
            ("cancel_field", ["order", "orders"], ["refill", ""]),
            ("trailing_slash", [None, True, False], ["yes", 7]),
            ("call_interval_milliseconds", [0, 3_600_000], [-1, 3_600_001, True, "5", 1.5]),
            ("most_at_once", [1, 50], [0, 51]),
            ("settle_minutes", [15, 10_080], [14, 10_081]),
            ("brake_percent", [1, 100], [0, 101]),
            ("brake_open", [1, 100_000], [0, 100_001]),
            ("low_balance_micros", [None, 0, LARGEST_MICROS], [-1, LARGEST_MICROS + 1, 0.5]),
            ("may_scan", [True, False], [None, 1, "yes"]),
            ("is_shared", [True, False], [None, 1]),
            ("drip_feed_there", [True, False], [None, 1]),
            ("subscriptions_there", [True, False], [None, 1]),
            (
                "extra_fields",
                [{}, {"token": "x"}, {f"a{number}": "x" for number in range(20)}],
                [
                    {"action": "add"},
                    {"key": "x"},
                    {"a b": "x"},
                    {"a": ""},
                    {"a": "x\n"},
                    {f"a{number}": "x" for number in range(21)},
                ],
            ),
        ],
    )
    def test_the_bounds_of_each_field(self, field: str, good: list[Any], bad: list[Any]) -> None:
        for number, value in enumerate(good):
            added(**({"name": f"Provider {number}", "key": f"key {number}"} | {field: value}))
        before = Provider.objects.count()
        for value in bad:
            assert add(**({"name": "Other"} | {field: value})) == refused(field), value
        assert Provider.objects.count() == before

    def test_an_unknown_column_is_not_set(self) -> None:
        assert add(balance_micros=5) == refused("balance_micros")
        assert add(worker=True) == refused("worker")


class TestChange:
    def test_what_is_not_given_stays(self) -> None:
        made = added(extra_fields={"token": "x"}, low_balance_micros=5)
        ProviderState.objects.update(balance_micros=77, worker="somebody")
        changed = provider_settings.change(made.pk, NOW, call_interval_milliseconds=200, key="another key")
        assert isinstance(changed, Provider)
        changed.refresh_from_db()
        assert (changed.live_state.balance_micros, changed.live_state.worker, changed.low_balance_micros) == (
            77,
            "somebody",
            5,
        )
        found = panel_settings(changed, panel.SECRET_KEY)
        assert (found.key, found.extra_fields, changed.call_interval_milliseconds) == (
            "another key",
            {"token": "x"},
            200,
        )

    def test_fixed_fields_and_the_low_balance_are_taken_away(self) -> None:
        made = added(extra_fields={"token": "x"}, low_balance_micros=5)
        changed = provider_settings.change(made.pk, NOW, extra_fields={}, low_balance_micros=None)
        assert isinstance(changed, Provider)
        assert (changed.sealed_fields, changed.low_balance_micros) == ("", None)

    def test_its_own_name_is_no_other(self) -> None:
        made = added()
        added(name="Other", key="another key")
        assert isinstance(provider_settings.change(made.pk, NOW, name="Wholesale"), Provider)
        assert provider_settings.change(made.pk, NOW, name="Other") == refused("name")

    def test_a_refusal_changes_nothing(self) -> None:
        made = added()
        assert provider_settings.change(made.pk, NOW, name="New", key="new", most_at_once=0) == refused("most_at_once")
        made.refresh_from_db()
        assert (made.name, panel_settings(made, panel.SECRET_KEY).key) == ("Wholesale", KEY)

    def test_there_must_be_a_provider(self) -> None:
        assert provider_settings.change(1, NOW, name="A") == refused("provider")
        assert provider_settings.set_state(1, Provider.State.OFF) == refused("provider")

    @pytest.mark.parametrize("state", list(Provider.State))
    def test_its_state_is_set(self, state: Provider.State) -> None:
        made = added()
        changed = provider_settings.set_state(made.pk, state)
        assert isinstance(changed, Provider)
        assert changed.state == state == Provider.objects.get(pk=made.pk).state


@hypothesis(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(url=st.text() | st.text().map("https://{}".format))
def test_whatever_is_written_as_an_address_only_https_is_taken(db: None, url: str) -> None:
    made = add(url=url)
    if isinstance(made, Provider):
        made.delete()
        assert url.startswith("https://")
    else:
        assert made == refused("url")
