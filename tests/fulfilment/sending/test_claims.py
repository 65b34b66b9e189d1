"""Claiming: what may leave now, and every lock that keeps something back."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.attempts import LIVE, NOTHING_PLACED, AttemptState
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.desk import desk
from sutler.fulfilment.models import Attempt, Provider, ProviderMinute, ProviderState, UpstreamOrder
from sutler.fulfilment.sending import claims, outcome
from sutler.fulfilment.sending.claims import Claim
from sutler.orders import cancel
from sutler.orders.models import Order
from sutler.panels.results import Accepted, Declined, Failure
from tests.conftest import NOW, START_MICROS, make_customer, make_service
from tests.fulfilment.upstream_world import (
    TIMED_OUT,
    UNKNOWN_WORDS,
    WORKER,
    claim,
    plan_all,
    route,
    send,
    settle,
    states,
)
from tests.orders.ordering import LINK, at_once, balance, notes, placed

pytestmark = pytest.mark.postgresql

S = AttemptState
SECOND = timedelta(seconds=1)


def link(number: int) -> str:
    return f"https://example.com/{number}"


@pytest.fixture
def provider(service: Service) -> Provider:
    return route(service).upstream_service.provider


def ordered(
    customer: Customer, service: Service, count: int, quantity: int = 1000, first: int = 0, step: int = 1
) -> list[Order]:
    """So many orders with links of their own, and charges of their own unless `step` is 0, planned."""
    made = [
        placed(customer, service, link=link(first + number), quantity=quantity + step * number)
        for number in range(count)
    ]
    plan_all()
    return made


def claimed_orders(provider: Provider, now: datetime = NOW) -> list[int]:
    return [each.order_id for each in claim(provider, now)]


def test_a_claim_is_stored_as_sending_with_all_that_settling_needs(
    alice: Customer, service: Service, provider: Provider
) -> None:
    ProviderState.objects.update(highest_id=77, gap_micros=5)
    [order] = ordered(alice, service, 1)
    [claimed] = claim(provider)
    attempt = Attempt.objects.get()
    assert claimed == Claim(attempt.pk, order.pk, {"service": "1", "link": link(0), "quantity": "1000"})
    assert (attempt.state, attempt.worker, attempt.sent_at, attempt.due_at) == ("sending", WORKER, NOW, None)
    assert (attempt.floor_id, attempt.gap_micros) == (77, 5)
    assert attempt.lease_until == NOW + claims.LEASE
    assert Order.objects.get().status == "Processing"
    assert notes(order.pk) == [f"Sent to Upstream, attempt {attempt.pk}"]


def test_a_lease_lasts_longer_than_a_call_may(service: Service) -> None:
    assert timedelta(seconds=120 + 2 * 5) < claims.LEASE


def test_claims_go_out_in_the_order_of_planning_and_once(alice: Customer, service: Service, provider: Provider) -> None:
    orders = ordered(alice, service, 3)
    assert [each.order_id for each in claim(provider, count=2)] == [orders[0].pk, orders[1].pk]
    assert claimed_orders(provider) == [orders[2].pk]
    assert claimed_orders(provider) == []


def test_what_is_due_later_waits(alice: Customer, service: Service, provider: Provider) -> None:
    ordered(alice, service, 1)
    Attempt.objects.update(due_at=NOW + SECOND)
    assert claim(provider) == []
    assert len(claim(provider, NOW + SECOND)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"state": Provider.State.STOPPED},
        {"state": Provider.State.OFF},
        {"rests_until": NOW + SECOND},
        {"worker": "worker-2"},
        {"leased_until": NOW},
        {"leased_until": None},
    ],
)
def test_a_provider_that_is_stopped_rests_or_is_anothers_is_sent_nothing(
    alice: Customer, service: Service, provider: Provider, fields: dict[str, object]
) -> None:
    ordered(alice, service, 1)
    leased = {"worker": WORKER, "leased_until": NOW + SECOND}
    ProviderState.objects.update(**(leased | {name: fields[name] for name in fields.keys() - {"state"}}))
    Provider.objects.update(state=fields.get("state", Provider.State.ON))
    assert claims.claim(provider.pk, 10, WORKER, NOW) == []
    assert Attempt.objects.get().state == "planned"
    Provider.objects.update(state=Provider.State.ON)
    ProviderState.objects.update(**leased, rests_until=None)
    assert len(claims.claim(provider.pk, 10, WORKER, NOW)) == 1


def test_an_order_canceled_between_plan_and_claim_is_not_sent(
    alice: Customer, service: Service, provider: Provider
) -> None:
    orders = ordered(alice, service, 2)
    cancel.request_cancels(alice.pk, [orders[0].pk], NOW)
    assert claimed_orders(provider) == [orders[1].pk]
    assert states(orders[0]) == ["not sent"]
    assert balance(alice) == START_MICROS - orders[1].charge_micros


def test_an_order_that_the_desk_took_between_plan_and_claim_is_not_sent(
    alice: Customer, service: Service, provider: Provider
) -> None:
    [order] = ordered(alice, service, 1)
    route(make_service(name="Likes"), "Other")
    provider.services.get().routes.update(is_on=False)
    assert [each.pk for each in desk.pull(None, 10, "staff 1", NOW)] == [order.pk]
    assert claimed_orders(provider) == []
    assert states(order) == ["not sent"]


class TestLinkLock:
    """While it is unknown whether an order was placed, none for the same service and link is sent, anywhere."""

    def test_the_same_link_waits_until_the_outcome_is_known(
        self, alice: Customer, bob: Customer, service: Service, provider: Provider
    ) -> None:
        first = send(placed(alice, service), TIMED_OUT)
        second = placed(bob, service, quantity=500)
        other = placed(bob, service, quantity=600, link=link(1))
        plan_all()
        assert claimed_orders(provider) == [other.pk]
        settle(first, Accepted("11"))
        assert claimed_orders(provider) == [second.pk]

    def test_at_another_provider_too(self, alice: Customer, service: Service, provider: Provider) -> None:
        send(placed(alice, service), TIMED_OUT)
        provider.services.get().routes.update(is_on=False)
        elsewhere = route(service, "Other").upstream_service.provider
        placed(alice, service, quantity=500)
        plan_all()
        assert claimed_orders(elsewhere) == []

    def test_another_service_is_free(self, alice: Customer, service: Service, provider: Provider) -> None:
        send(placed(alice, service), TIMED_OUT)
        likes = make_service(name="Likes")
        route(likes, provider, upstream_id="2", rate_micros=600_000)
        order = placed(alice, likes)
        plan_all()
        assert claimed_orders(provider) == [order.pk]


class TestChargeLock:
    """Nor any with the same expected charge at this provider, as long as that holds at most a fifth back."""

    def test_a_fifth_with_the_same_charge_waits(self, alice: Customer, service: Service, provider: Provider) -> None:
        first = send(placed(alice, service), TIMED_OUT)
        [held] = ordered(alice, service, 1, first=1)
        free = [each.pk for number in range(4) for each in ordered(alice, service, 1, 500 + number, first=2 + number)]
        assert claimed_orders(provider) == free
        settle(first, Accepted("11"))
        assert claimed_orders(provider) == [held.pk]

    def test_what_is_only_on_the_way_holds_nobody(self, alice: Customer, service: Service, provider: Provider) -> None:
        ordered(alice, service, 1)
        claim(provider)
        alike = ordered(alice, service, 40, first=1, step=0)
        assert claimed_orders(provider) == [each.pk for each in alike]

    def test_nor_does_what_was_refused_in_unknown_words(
        self, alice: Customer, service: Service, provider: Provider
    ) -> None:
        send(placed(alice, service), UNKNOWN_WORDS)
        others = ordered(alice, service, 5, 500, first=1)
        alike = ordered(alice, service, 1, first=6)
        assert claimed_orders(provider) == [each.pk for each in (*others, *alike)]

    def test_of_what_waits_for_its_charge_one_leaves_in_each_settle_window(
        self, alice: Customer, service: Service, provider: Provider
    ) -> None:
        ProviderMinute.objects.create(provider=provider, minute=NOW, calls=200, adds=200)
        send(placed(alice, service, link=link(100)), TIMED_OUT)
        alike = ordered(alice, service, 8, first=101, step=0)
        ends = NOW + timedelta(minutes=provider.settle_minutes)
        assert claimed_orders(provider, ends - timedelta(seconds=1)) == []
        assert claimed_orders(provider, ends) == [alike[0].pk]
        assert claimed_orders(provider, ends + timedelta(minutes=1)) == []

    def test_what_is_unknown_holds_no_more_than_a_fifth(
        self, alice: Customer, service: Service, provider: Provider
    ) -> None:
        send(placed(alice, service), TIMED_OUT)
        alike = ordered(alice, service, 2, first=1, step=0)
        others = ordered(alice, service, 7, 500, first=3)
        assert claimed_orders(provider) == [each.pk for each in (*alike, *others)]

    @pytest.mark.parametrize("answer", [TIMED_OUT, UNKNOWN_WORDS])
    def test_the_link_lock_holds_whatever_the_share(
        self, alice: Customer, service: Service, provider: Provider, answer: Failure
    ) -> None:
        send(placed(alice, service), answer)
        placed(alice, service)
        plan_all()
        assert claimed_orders(provider) == []

    def test_another_provider_is_free(self, alice: Customer, service: Service, provider: Provider) -> None:
        send(placed(alice, service), TIMED_OUT)
        provider.services.get().routes.update(is_on=False)
        elsewhere = route(service, "Other").upstream_service.provider
        orders = ordered(alice, service, 1, first=1) + ordered(alice, service, 4, 500, first=2)
        assert claimed_orders(elsewhere) == [each.pk for each in orders]


class TestConstraints:
    """What the database itself refuses, whatever the code does."""

    def attempt(self, order: Order, provider: Provider, **fields: object) -> Attempt:
        values = {"action": "add", "state": "planned", "order": order, "provider": provider}
        locks = {"service_id": order.service_id, "link_digest": "", "expected_micros": 1}
        return Attempt.objects.create(**(values | locks | fields))

    @pytest.mark.parametrize("state", LIVE)
    @pytest.mark.parametrize("second", LIVE)
    def test_one_live_attempt_per_order(
        self, alice: Customer, service: Service, provider: Provider, state: S, second: S
    ) -> None:
        order = placed(alice, service)
        self.attempt(order, provider, state=state)
        with pytest.raises(IntegrityError), transaction.atomic():
            self.attempt(order, provider, state=second)

    @pytest.mark.parametrize("state", NOTHING_PLACED)
    def test_beside_proof_that_nothing_was_placed_there_is_room(
        self, alice: Customer, service: Service, provider: Provider, state: S
    ) -> None:
        order = placed(alice, service)
        for _ in range(2):
            self.attempt(order, provider, state=state)
        self.attempt(order, provider)

    def test_an_id_is_claimed_once(self, alice: Customer, service: Service, provider: Provider) -> None:
        orders = [placed(alice, service, link=link(number)) for number in range(2)]
        self.attempt(orders[0], provider, state="accepted", upstream_id="11")
        with pytest.raises(IntegrityError), transaction.atomic():
            self.attempt(orders[1], provider, state="accepted", upstream_id="11")
        other = route(make_service(name="Likes"), "Other").upstream_service.provider
        self.attempt(orders[1], other, state="accepted", upstream_id="11")

    def test_an_upstream_order_has_an_id_of_its_own(
        self, alice: Customer, service: Service, provider: Provider
    ) -> None:
        for number in (11, 12):
            send(placed(alice, service, link=link(number)), Accepted(str(number)))
        with pytest.raises(IntegrityError), transaction.atomic():
            UpstreamOrder.objects.filter(upstream_id="12").update(upstream_id="11")

    def test_no_other_state(self, alice: Customer, service: Service, provider: Provider) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            self.attempt(placed(alice, service), provider, state="lost")


def test_a_claim_that_fails_in_the_middle_leaves_nothing(
    alice: Customer, service: Service, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    [order] = ordered(alice, service, 1)
    with monkeypatch.context() as patch:
        patch.setattr(claims, "_SEND", replace(claims._SEND, sql=claims._SEND.sql.replace("'sending'", "'lost'")))
        with pytest.raises(IntegrityError):
            claim(provider)
    assert (states(order), Order.objects.get().status) == (["planned"], "Pending")


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_claim_no_attempt_twice() -> None:
    alice, service = make_customer("Alice"), make_service()
    provider = route(service).upstream_service.provider
    orders = ordered(alice, service, 12)
    ProviderState.objects.update(worker=WORKER, leased_until=NOW + SECOND)

    found: list[Claim] = []

    def take() -> None:
        """All claims of one of two threads, which both believe that they are the worker: one is a zombie."""
        while Attempt.objects.filter(state=S.PLANNED).exists():
            found.extend(claims.claim(provider.pk, 2, WORKER, NOW))

    at_once(take, take)
    assert sorted(each.order_id for each in found) == [each.pk for each in orders]
    assert Attempt.objects.filter(state=S.SENDING).count() == len(orders)


@pytest.mark.django_db(transaction=True)
def test_two_planners_at_once_plan_each_order_once() -> None:
    alice, service = make_customer("Alice"), make_service()
    route(service)
    orders = [placed(alice, service, link=link(number)) for number in range(10)]
    at_once(plan_all, plan_all, plan_all)
    assert [states(each) for each in orders] == [["planned"]] * len(orders)


@pytest.mark.django_db(transaction=True)
def test_a_cancel_at_the_moment_of_the_claim_either_comes_first_or_is_kept() -> None:
    alice, service = make_customer("Alice"), make_service()
    provider = route(service).upstream_service.provider
    for number in range(10):
        [order] = ordered(alice, service, 1, first=number)

        def stop(order: Order = order) -> list[Claim]:
            cancel.request_cancels(alice.pk, [order.pk], NOW)
            return []

        sent, _ = at_once(lambda: claim(provider), stop)
        for each in sent:
            settle(each, Accepted(str(100 + number)))
        order.refresh_from_db()
        assert (order.status, len(sent)) in {("Canceled", 0), ("Processing", 1)}
        assert order.cancel_requests.count() == len(sent)
        claim(provider)  # gives up what a skipped lock left planned
    assert not Attempt.objects.filter(state__in=[S.PLANNED, S.SENDING]).exists()


@pytest.mark.django_db(transaction=True)
def test_an_answer_and_the_end_of_the_lease_at_once_leave_one_truth() -> None:
    alice, service = make_customer("Alice"), make_service()
    provider = route(service).upstream_service.provider
    for number in range(5):
        [order] = ordered(alice, service, 1, first=number)
        [claimed] = claim(provider)
        late = NOW + claims.LEASE + SECOND
        answered = partial(settle, claimed, Accepted(str(100 + number)), late)
        at_once(answered, lambda late=late: bool(outcome.expire_leases(late)))  # type: ignore[misc]
        assert states(order) == ["accepted"]
        assert UpstreamOrder.objects.filter(order=order).count() == 1


def test_a_declined_order_leaves_the_locks(alice: Customer, service: Service, provider: Provider) -> None:
    send(placed(alice, service), Declined(DeclineKind.SERVICE, "Incorrect service ID"))
    second = placed(alice, service, link=LINK)
    plan_all()
    assert claimed_orders(provider) == [second.pk]
