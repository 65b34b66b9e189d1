"""One account behind several rows: refused where address or key is set, joined where it is so; an id claimed once."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as panel

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment import provider_settings
from sutler.fulfilment.models import AskTime, Attempt, Provider, ProviderMinute, ProviderState, Route, UpstreamOrder
from sutler.fulfilment.providers import account, ledger
from sutler.fulfilment.reconciling import reconcile
from sutler.orders.models import Order
from sutler.panels.results import Accepted
from sutler.storage.sealed import seal
from sutler.storage.transactions import durable
from tests.conftest import NOW
from tests.fulfilment.reconciling.test_reconcile import lost, settled
from tests.fulfilment.upstream import make_provider
from tests.fulfilment.upstream_world import TIMED_OUT, World, claim, plan_all, route, send, states, world
from tests.ops.test_cli import done, failed
from tests.orders.ordering import demand_sound_books, placed

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
URL, KEY = "https://panel.example/api/v2", "f" * 64


def add(**terms: Any) -> Provider | Refusal:
    return provider_settings.add("USD", NOW, **({"name": "Wholesale", "url": URL, "key": KEY} | terms))


def added(**terms: Any) -> Provider:
    made = add(**terms)
    assert isinstance(made, Provider), made
    return made


def refused(field: str) -> Refusal:
    return Refusal(Reason.INCORRECT_FIELD, field)


def twins(**second: Any) -> tuple[Provider, Provider]:
    """Two rows of one account that are not joined."""
    fields = {"url": URL, "sealed_key": seal(KEY, panel.SECRET_KEY)}
    return make_provider(name="One", **fields), make_provider(name="Two", **(fields | second))


def joined(one: Provider, two: Provider) -> None:
    with durable():
        account.join(one, two, NOW)
    one.refresh_from_db()
    two.refresh_from_db()


class TestRefused:
    @pytest.mark.parametrize(
        "url",
        [
            URL,
            f"{URL}/",
            "https://PANEL.example/api/v2",
            "https://panel.example:443/api/v2",
            f"{URL}//",
            "https://panel.example/API/v2",
            "https://panel.example./api/v2",
            "https://panel.example//api/%76%32",
        ],
    )
    def test_a_second_row_of_one_account_is(self, url: str) -> None:
        first = added()
        assert add(name="Other", url=url) == refused("account")
        twin = provider_settings.twin({"url": url, "key": KEY})
        assert (twin, Provider.objects.count()) == (first, 1)

    @pytest.mark.parametrize(
        "other",
        [
            {"key": "e" * 64},
            {"url": "https://other.example/api/v2"},
            {"url": "https://panel.example/api/v3"},
            {"url": "https://panel.example:8443/api/v2"},
            {"url": "https://api.panel.example/api/v2"},
        ],
    )
    def test_another_account_is_not(self, other: dict[str, str]) -> None:
        added()
        assert added(name="Other", **other).account_id != Provider.objects.get(name="Wholesale").pk

    @pytest.mark.parametrize("terms", [{"key": KEY}, {"url": f"{URL}/", "key": KEY}])
    def test_neither_is_one_that_becomes_it_by_a_change(self, terms: Any) -> None:
        added()
        other = added(name="Other", key="e" * 64)
        assert provider_settings.change(other.pk, NOW, **terms) == refused("account")
        assert isinstance(provider_settings.change(other.pk, NOW, name="Renamed", url=f"{URL}/"), Provider)

    def test_what_is_joined_already_may_be_changed(self) -> None:
        one, two = twins()
        joined(one, two)
        assert isinstance(provider_settings.change(two.pk, NOW, url=URL, most_at_once=5), Provider)

    def test_a_row_whose_key_cannot_be_unsealed_says_nothing(self) -> None:
        twins(sealed_key="nonsense")
        assert account.join_twins(NOW) == 0

    def test_the_shell_names_the_other(self) -> None:
        first = added()
        again = ("provider", "add", "--name", "Again", "--url", f"{URL}/", "--currency", "USD", "--key", KEY)
        assert f"provider {first.pk}, Wholesale already uses this URL and key" in failed(1, *again)
        assert Provider.objects.count() == 1


class TestMoving:
    def test_an_address_of_another_account_is_refused_while_orders_are_open(
        self, alice: Customer, service: Service
    ) -> None:
        way = route(service, make_provider(url=URL))
        provider = way.upstream_service.provider
        send(placed(alice, service), Accepted("17"))
        moved = "https://new.example/api/v2"
        assert provider_settings.change(provider.pk, NOW, url=moved) == refused("has_moved")
        change = ("provider", "change", str(provider.pk), "--url", moved)
        assert "the account at the old URL" in failed(1, *change)
        assert isinstance(provider_settings.change(provider.pk, NOW, url=f"{URL}/"), Provider)
        done(*change, "--moved")
        provider.refresh_from_db()
        assert (provider.url, provider.account_id) == (moved, provider.pk)


class TestJoined:
    def test_rows_that_got_in_before_are_joined_once(self) -> None:
        one, two = twins(highest_id=70)
        other = make_provider(name="Three", url=URL, sealed_key=seal("another", panel.SECRET_KEY))
        for each, held in ((one, 90_000_000), (two, 60_000_000)):
            with durable():
                ledger.open_with(each, held, NOW)
        ProviderState.objects.update(gap_micros=3)
        assert [account.join_twins(NOW) for _ in range(2)] == [1, 0]
        rows = Provider.objects.order_by("pk").values_list(
            "account", "live_state__highest_id", "live_state__gap_micros"
        )
        assert list(rows) == [(one.pk, 70, None), (one.pk, 70, None), (other.pk, 0, 3)]
        assert {ledger.book_balance_micros(each.pk) for each in (one, two)} == {90_000_000}
        demand_sound_books()

    def test_staff_join_rows_with_different_keys(self) -> None:
        first = added()
        assert add(name="Other", key="e" * 64, same_account_as=999) == refused("same_account_as")
        again = ("provider", "add", "--name", "Other", "--url", URL, "--currency", "USD", "--key", "e")
        done(*again, "--same-account-as", str(first.pk))
        assert set(Provider.objects.values_list("account", flat=True)) == {first.pk}

    def test_an_id_is_claimed_once_whichever_row_speaks(self, alice: Customer, service: Service) -> None:
        one, two = twins()
        joined(one, two)
        ways = [route(service, each, preference=place) for place, each in enumerate((one, two), 1)]
        first, second = (placed(alice, service, link=f"https://example.com/{number}") for number in range(2))
        send(first, Accepted("500"))
        Route.objects.filter(pk=ways[0].pk).update(is_on=False)
        send(second, Accepted("500"))
        assert (states(first), states(second)) == (["accepted"], ["unknown"])
        assert reconcile.claimed_ids(two.pk, [499, 500]) == {500}
        assert Attempt.objects.get(order=second).cause == {"kind": "another's id", "id": "500"}

    @pytest.mark.parametrize("is_joined", [True, False])
    def test_a_charge_is_locked_for_the_account(self, alice: Customer, service: Service, is_joined: bool) -> None:
        one, two = twins()
        if is_joined:
            joined(one, two)
        way = route(service, one)
        send(placed(alice, service, link="https://example.com/1"), TIMED_OUT)
        Route.objects.filter(pk=way.pk).update(is_on=False)
        route(service, two)
        placed(alice, service, link="https://example.com/2")
        ProviderMinute.objects.create(provider=two, minute=NOW, calls=100, adds=100)
        plan_all()
        assert bool(claim(two)) is not is_joined


@pytest.fixture
def one(service: Service) -> Iterator[World]:
    with world(service) as found:
        ledger.open_with(found.provider, 10_000_000_000, NOW)
        ProviderState.objects.update(gap_micros=0)
        yield found


@pytest.mark.parametrize(("is_joined", "verdict"), [(True, "absent"), (False, "accepted")])
@pytest.mark.long
def test_an_order_that_was_never_placed_is_not_settled_with_the_other_rows_id(
    alice: Customer, one: World, is_joined: bool, verdict: str
) -> None:
    """Not joined, it is: that is the fault, and what shows that this test could fail."""
    order = lost(alice, one, "request_lost")
    later = settled(alice, one, "later")
    other = make_provider(name="Twin", url=one.provider.url, sealed_key="")
    give(later, other)
    if is_joined:
        joined(one.provider, other)
    one.look(20 * 60)
    settled(alice, one, "after the settle window")
    one.look(40 * 60)
    assert states(order)[0] == verdict


def give(order: Order, provider: Provider) -> None:
    """Has the order be one that the other row has placed."""
    for model in (Attempt, UpstreamOrder):
        model.objects.filter(order=order).update(provider=provider)
    AskTime.objects.filter(upstream_order__order=order).update(provider=provider)
