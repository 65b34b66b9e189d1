"""Placing: what is written, what is refused, and that one list is many decisions."""

from datetime import datetime, timedelta

import pytest

from sutler.accounts.models import Customer
from sutler.books.models import LedgerAccount, Transfer
from sutler.catalogue.models import PriceOverride, Service
from sutler.core.refusals import Reason, Refusal
from sutler.core.worth import Worth
from sutler.orders.models import Drip, LinkInUse, Order, Subscription
from sutler.orders.place import Placed, PlaceRequest, place
from tests.conftest import NOW, START_MICROS, make_customer, make_service

pytestmark = pytest.mark.postgresql

LINK = "https://example.com/p"


def ask(customer: Customer, service: Service, quantity: int = 1000, **more: str) -> PlaceRequest:
    fields = {"service": str(service.pk), "link": LINK, "quantity": str(quantity)} | more
    return PlaceRequest(customer.pk, fields)


def balance(customer: Customer) -> int | None:
    return LedgerAccount.objects.get(customer=customer).balance_micros


def order_of(outcome: Placed | Refusal) -> Order:
    assert isinstance(outcome, Placed)
    return Order.objects.get(pk=outcome.order_id)


def test_an_order_takes_its_charge_out_of_the_wallet_with_one_transfer(alice: Customer, service: Service) -> None:
    order = order_of(place([ask(alice, service)], NOW)[0])
    assert (order.charge_micros, order.quantity, order.remains, order.status) == (900_000, 1000, 1000, "Pending")
    assert balance(alice) == START_MICROS - 900_000
    transfer = Transfer.objects.get(order_id=order.pk)
    assert (transfer.cause, transfer.amount_micros, transfer.credit.kind) == (f"order:{order.pk}", 900_000, "in hand")


def test_each_request_of_a_list_succeeds_or_is_refused_on_its_own(
    alice: Customer, bob: Customer, service: Service
) -> None:
    outcomes = place(
        [ask(alice, service), ask(bob, service, 49), ask(bob, service, 50), ask(alice, service, 99_999)], NOW
    )
    assert isinstance(outcomes[0], Placed)
    assert outcomes[1] == Refusal(Reason.QUANTITY_BELOW_MINIMUM, bound=50)
    assert isinstance(outcomes[2], Placed)
    assert outcomes[3] == Refusal(Reason.QUANTITY_ABOVE_MAXIMUM, bound=10_000)
    assert Order.objects.count() == 2


def test_the_last_unit_of_a_list_goes_to_whoever_came_first(service: Service) -> None:
    poor = make_customer("Poor", balance_micros=900_000)
    outcomes = place([ask(poor, service), ask(poor, service)], NOW)
    assert [type(each) for each in outcomes] == [Placed, Refusal]
    assert outcomes[1] == Refusal(Reason.NOT_ENOUGH_FUNDS)
    assert balance(poor) == 0


def test_a_credit_limit_can_be_spent_to_the_micro(service: Service) -> None:
    trusted = make_customer("Trusted", balance_micros=0)
    LedgerAccount.objects.filter(customer=trusted).update(
        credit_limit_micros=900_000, largest_credit_limit_micros=900_000
    )
    outcomes = place([ask(trusted, service), ask(trusted, service, 50)], NOW)
    assert isinstance(outcomes[0], Placed)
    assert outcomes[1] == Refusal(Reason.NOT_ENOUGH_FUNDS)
    assert balance(trusted) == -900_000


def test_a_suspended_customer_places_nothing(alice: Customer, service: Service) -> None:
    alice.suspended_at = NOW
    alice.save()
    assert place([ask(alice, service)], NOW) == [Refusal(Reason.ACCOUNT_SUSPENDED)]


@pytest.mark.parametrize("state", [Service.State.PAUSED, Service.State.HIDDEN])
def test_a_service_off_sale_is_unknown_at_once(alice: Customer, service: Service, state: str) -> None:
    place([ask(alice, service)], NOW)
    service.state = state
    service.save()
    assert place([ask(alice, service)], NOW) == [Refusal(Reason.INCORRECT_SERVICE)]


def test_a_price_change_holds_from_the_next_order(alice: Customer, service: Service) -> None:
    first = order_of(place([ask(alice, service)], NOW)[0])
    service.rate_micros = 1_000_000
    service.save()
    second = order_of(place([ask(alice, service)], NOW)[0])
    assert (first.charge_micros, second.charge_micros) == (900_000, 1_000_000)


def test_an_override_stands_above_the_group_discount(alice: Customer, bob: Customer, service: Service) -> None:
    from sutler.accounts.models import CustomerGroup

    group = CustomerGroup.objects.create(name="Wholesale", discount_basis_points=1_000)
    Customer.objects.update(group=group)
    PriceOverride.objects.create(customer=alice, service=service, rate_micros=500_000)
    charges = [order_of(each).charge_micros for each in place([ask(alice, service), ask(bob, service)], NOW)]
    assert charges == [500_000, 810_000]


def test_a_customer_is_charged_in_the_currency_of_the_account(service: Service) -> None:
    from sutler.catalogue.models import ExchangeRate

    ExchangeRate.objects.create(currency="EUR", base=1_080_000, units=1_000_000)
    eve = make_customer("Eve", currency="EUR")
    order = order_of(place([ask(eve, service)], NOW)[0])
    assert (order.currency, order.exchange, order.rate_micros) == ("EUR", Worth(1_080_000, 1_000_000), 833_334)
    assert balance(eve) == START_MICROS - 833_334


def test_without_an_exchange_rate_nothing_is_on_sale(service: Service) -> None:
    eve = make_customer("Eve", currency="EUR")
    assert place([ask(eve, service)], NOW) == [Refusal(Reason.INCORRECT_SERVICE)]


class TestOneActiveOrderPerLink:
    def test_a_second_is_refused_also_within_one_list(self, alice: Customer, bob: Customer) -> None:
        one = make_service(one_active_order_per_link=True)
        outcomes = place([ask(alice, one), ask(alice, one), ask(bob, one)], NOW)
        assert outcomes[1] == Refusal(Reason.LINK_IN_USE)
        assert place([ask(alice, one)], NOW) == [Refusal(Reason.LINK_IN_USE)]
        assert LinkInUse.objects.count() == 2  # Bob's own order is none of Alice's business

    def test_another_link_is_free(self, alice: Customer) -> None:
        one = make_service(one_active_order_per_link=True)
        outcomes = place([ask(alice, one), ask(alice, one, link=LINK + "2")], NOW)
        assert all(isinstance(each, Placed) for each in outcomes)


class TestRequestId:
    def test_the_same_request_is_one_order(self, alice: Customer, service: Service) -> None:
        request = PlaceRequest(alice.pk, ask(alice, service).form, "r1")
        first, second = place([request, request], NOW)
        assert first == second == place([request], NOW)[0]
        assert Order.objects.count() == 1

    def test_other_parameters_are_refused(self, alice: Customer, service: Service) -> None:
        place([PlaceRequest(alice.pk, ask(alice, service).form, "r1")], NOW)
        other = PlaceRequest(alice.pk, ask(alice, service, 2000).form, "r1")
        assert place([other], NOW) == [Refusal(Reason.REQUEST_ID_REUSED)]

    def test_another_customer_may_use_the_same(self, alice: Customer, bob: Customer, service: Service) -> None:
        outcomes = place([PlaceRequest(each.pk, ask(each, service).form, "r1") for each in (alice, bob)], NOW)
        assert outcomes[0] != outcomes[1]

    def test_it_answers_the_same_when_the_service_is_gone(self, alice: Customer, service: Service) -> None:
        request = PlaceRequest(alice.pk, ask(alice, service).form, "r1")
        first = place([request], NOW)
        service.state = Service.State.PAUSED
        service.save()
        assert place([request], NOW) == first

    @pytest.mark.parametrize("request_id", ["x" * 129, "a\0b", "a\nb", "\udcff"])
    def test_one_that_cannot_be_kept_is_refused(self, alice: Customer, service: Service, request_id: str) -> None:
        request = PlaceRequest(alice.pk, ask(alice, service).form, request_id)
        assert place([request], NOW) == [Refusal(Reason.INCORRECT_FIELD, "request_id")]


class TestRepeatWindow:
    @pytest.fixture
    def patient(self, db: None) -> Customer:
        return make_customer("Patient", repeat_window_seconds=120)

    @pytest.mark.parametrize(("seconds", "orders"), [(0, 1), (119, 1), (120, 2)])
    def test_an_identical_order_within_it_is_the_same(
        self, patient: Customer, service: Service, seconds: int, orders: int
    ) -> None:
        place([ask(patient, service)], NOW)
        place([ask(patient, service)], NOW + timedelta(seconds=seconds))
        assert Order.objects.count() == orders

    def test_two_in_one_list_are_the_same(self, patient: Customer, service: Service) -> None:
        first, second = place([ask(patient, service), ask(patient, service)], NOW)
        assert first == second

    def test_any_other_field_makes_it_another(self, patient: Customer, service: Service) -> None:
        place([ask(patient, service), ask(patient, service, 1001)], NOW)
        assert Order.objects.count() == 2

    def test_it_is_off_by_default(self, alice: Customer, service: Service) -> None:
        place([ask(alice, service), ask(alice, service)], NOW)
        assert Order.objects.count() == 2


class TestDailyCap:
    def test_a_key_spends_no_more_than_its_cap_in_a_day(self, alice: Customer, service: Service) -> None:
        request = PlaceRequest(alice.pk, ask(alice, service).form, None, 7, 1_800_000)
        outcomes = place([request] * 3, NOW)
        assert outcomes[2] == Refusal(Reason.SPEND_CAP_REACHED)
        assert place([request], NOW) == [Refusal(Reason.SPEND_CAP_REACHED)]
        assert isinstance(place([request], midnight_after(NOW))[0], Placed)

    def test_other_keys_are_not_counted(self, alice: Customer, service: Service) -> None:
        place([PlaceRequest(alice.pk, ask(alice, service).form, None, 7, 900_000)], NOW)
        other = PlaceRequest(alice.pk, ask(alice, service).form, None, 8, 900_000)
        assert isinstance(place([other], NOW)[0], Placed)


def midnight_after(moment: datetime) -> datetime:
    return (moment + timedelta(days=1)).replace(hour=0, minute=0)


def test_a_drip_feed_is_paid_whole_and_waits_in_the_scheduled_account(alice: Customer, service: Service) -> None:
    order = order_of(place([ask(alice, service, 100, runs="3", interval="5")], NOW)[0])
    assert (order.kind, order.quantity, order.charge_micros) == ("drip-feed", 300, 270_000)
    assert Transfer.objects.get(order_id=order.pk).credit.kind == "scheduled"
    assert Drip.objects.get(order=order).next_run_at == NOW


def test_a_subscription_costs_nothing_at_first(alice: Customer) -> None:
    service = make_service(type="Subscriptions")
    fields = {"service": str(service.pk), "username": "u", "min": "50", "max": "60", "delay": "5", "posts": "4"}
    order = order_of(place([PlaceRequest(alice.pk, fields)], NOW)[0])
    assert (order.kind, order.quantity, order.charge_micros) == ("subscription", 4, 0)
    assert balance(alice) == START_MICROS
    assert Subscription.objects.get(order=order).maximum == 60


def test_ids_rise_and_start_at_one(alice: Customer, service: Service) -> None:
    ids = [order_of(each).pk for each in place([ask(alice, service)] * 5, NOW)]
    assert ids == sorted(ids)
    assert ids[-1] - ids[0] == 4
