"""What answers, silences and verdicts make of an attempt and its order; what came too late; the verdict of staff."""

from datetime import timedelta

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.attempts import ATTEMPT_MOVES, AttemptState
from sutler.core.events import failure
from sutler.core.lifecycle import CancelStatus, Status
from sutler.core.refusals import Reason, Refusal
from sutler.core.upstream_words import REFUSES_ADD, DeclineKind
from sutler.fulfilment.desk import desk
from sutler.fulfilment.models import (
    Alarm,
    Attempt,
    DeskOrder,
    LoggedCall,
    Orphan,
    Provider,
    ProviderMinute,
    ProviderState,
    UpstreamOrder,
)
from sutler.fulfilment.providers import call_log, circuit_breaker
from sutler.fulfilment.sending import claims, outcome
from sutler.fulfilment.sending.outcome import Outcome, Verdict, outcome_of
from sutler.orders import cancel
from sutler.orders.models import CancelRequest, Order, OrderEvent
from sutler.orders.move import Report
from sutler.panels.results import Accepted, Declined, Failure, NoAnswer, NotSent
from tests.conftest import NOW, START_MICROS
from tests.fulfilment.upstream import alarms, ids_rise
from tests.fulfilment.upstream_world import (
    TIMED_OUT,
    UNKNOWN_WORDS,
    claim,
    plan_all,
    route,
    send,
    settle,
    states,
    there,
)
from tests.orders.ordering import balance, demand_sound_books, held, notes, placed, transfers

S = AttemptState
MINUTE = timedelta(minutes=1)


@pytest.fixture
def provider(service: Service) -> Provider:
    return route(service).upstream_service.provider


@pytest.fixture
def order(alice: Customer, service: Service, provider: Provider) -> Order:
    return placed(alice, service)


def attempt(order: Order) -> Attempt:
    return Attempt.objects.filter(order=order).latest("pk")


def status(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Accepted("11"), S.ACCEPTED),
        (NotSent(failure("ConnectError")), S.NOT_SENT),
        (NoAnswer(failure("ReadTimeout")), S.UNKNOWN),
        *((Declined(kind, "text"), S.DECLINED if kind in REFUSES_ADD else S.UNKNOWN) for kind in DeclineKind),
    ],
)
def test_what_an_answer_proves(answer: Accepted | Failure, state: S) -> None:
    assert outcome_of(1, answer).state is state


def test_an_accepted_order_is_followed_and_its_cost_is_booked(order: Order, provider: Provider) -> None:
    claimed = send(order, Accepted("11"))
    assert (status(order), states(order)) == ("Processing", ["accepted"])
    found = there(order)
    assert (found.attempt_id, found.provider, found.upstream_id) == (claimed.attempt_id, provider, "11")
    assert (found.expected_micros, found.cost_micros, found.placed_at) == (500_000, 500_000, NOW)
    assert found.ask_time.ask_at > NOW
    assert transfers(order)[f"cost:{found.pk}"] == 500_000
    assert held("cost") == 500_000
    assert notes(order.pk)[-1] == "Placed at Upstream as 11"


def test_an_answer_told_twice_is_taken_once(order: Order) -> None:
    claimed = send(order, Accepted("11"))
    before = notes(order.pk)
    assert settle(claimed, Accepted("11")) is False
    assert UpstreamOrder.objects.count() == 1
    assert (notes(order.pk), alarms()) == (before, [])
    demand_sound_books()


@pytest.mark.parametrize("answer", [TIMED_OUT, Declined(DeclineKind.OTHER, "Internal error")])
def test_an_unclear_answer_leaves_all_as_it_is_until_it_is_settled(order: Order, answer: Failure) -> None:
    send(order, answer)
    assert (status(order), states(order), held("cost")) == ("Processing", ["unknown"], 0)
    assert attempt(order).due_at == NOW + outcome.FIRST_LOOK
    assert notes(order.pk)[-1].startswith("Unknown whether Upstream has placed it: ")


class TestIdsThatCannotBe:
    def test_an_id_that_another_order_has_makes_it_unknown(
        self, alice: Customer, service: Service, order: Order
    ) -> None:
        send(order, Accepted("11"))
        second = placed(alice, service, link="https://example.com/2")
        send(second, Accepted("11"))
        assert (states(second), there(order).upstream_id) == (["unknown"], "11")
        assert attempt(second).upstream_id is None
        assert attempt(second).cause == {"kind": "another's id", "id": "11"}

    def test_of_two_answers_in_one_batch_the_first_has_it(
        self, alice: Customer, service: Service, provider: Provider, order: Order
    ) -> None:
        second = placed(alice, service, link="https://example.com/2", quantity=900)
        plan_all()
        told = [outcome_of(each.attempt_id, Accepted("11")) for each in claim(provider)]
        outcome.settle(provider.pk, told, (), NOW)
        outcome.settle(provider.pk, told, (), NOW)
        assert (states(order), states(second)) == (["accepted"], ["unknown"])

    def test_also_where_the_other_is_told_of_again_in_the_same_batch(
        self, alice: Customer, service: Service, provider: Provider, order: Order
    ) -> None:
        first = send(order, Accepted("11"))
        second = placed(alice, service, link="https://example.com/2")
        plan_all()
        told = [outcome_of(each, Accepted("11")) for each in (claim(provider)[0].attempt_id, first.attempt_id)]
        outcome.settle(provider.pk, told, (), NOW)
        assert (states(order), states(second)) == (["accepted"], ["unknown"])

    @pytest.mark.parametrize(
        ("may_scan", "upstream_id", "state"),
        [
            (True, "77", "unknown"),
            (True, "76", "unknown"),
            (True, "78", "accepted"),
            (True, "o77", "accepted"),
            (False, "76", "accepted"),
        ],
    )
    def test_an_id_older_than_the_order_where_ids_rise(
        self, order: Order, may_scan: bool, upstream_id: str, state: str
    ) -> None:
        ids_rise(may_scan)
        send(order, Accepted(upstream_id))
        assert states(order) == [state]

    def test_the_same_id_at_another_provider_is_another(self, alice: Customer, service: Service, order: Order) -> None:
        send(order, Accepted("11"))
        service.routes.update(is_on=False)
        route(service, "Other")
        second = placed(alice, service, link="https://example.com/2")
        send(second, Accepted("11"))
        assert states(second) == ["accepted"]


class TestLateAnswers:
    """After the lease, before and after the verdict."""

    def late(self, order: Order) -> claims.Claim:
        plan_all()
        [claimed] = claim(attempt(order).provider)
        assert outcome.expire_leases(NOW + claims.LEASE) == 0
        assert outcome.expire_leases(NOW + claims.LEASE + MINUTE) == 1
        assert outcome.expire_leases(NOW + claims.LEASE + MINUTE) == 0
        assert (states(order), status(order)) == (["unknown"], "Processing")
        return claimed

    @pytest.mark.parametrize(
        ("answer", "state"),
        [
            (Accepted("11"), "accepted"),
            (Declined(DeclineKind.SERVICE, "gone"), "declined"),
            (TIMED_OUT, "unknown"),
            # Whoever holds an old lease may have been asleep: its word that nothing left is not taken.
            (NotSent(failure("late")), "unknown"),
        ],
    )
    def test_before_the_verdict(self, order: Order, answer: Accepted | Failure, state: str) -> None:
        claimed = self.late(order)
        settle(claimed, answer, NOW + 5 * MINUTE)
        assert states(order)[0] == state
        assert alarms(Alarm.Kind.LATE_ANSWER) == []

    def test_with_staff(self, order: Order) -> None:
        claimed = self.late(order)
        settle(claimed, Outcome(claimed.attempt_id, S.STAFF))
        assert alarms(Alarm.Kind.VERDICT) == [f"order {order.pk}"]
        settle(claimed, Accepted("11"))
        assert (states(order), alarms()) == (["accepted"], [])

    def test_after_absent_nothing_changes_but_staff_are_told(self, order: Order) -> None:
        claimed = self.late(order)
        settle(claimed, Outcome(claimed.attempt_id, S.ABSENT))
        again = send(order, Accepted("12"))
        assert settle(claimed, Accepted("11")) is False
        assert (states(order), there(order).upstream_id) == (["absent", "accepted"], "12")
        assert there(order).attempt_id == again.attempt_id
        assert alarms(Alarm.Kind.LATE_ANSWER) == [f"order {order.pk}"]
        assert notes(order.pk)[-1] == f"Order {order.pk} is absent and was then answered with id 11"

    @pytest.mark.parametrize(
        "answer", [TIMED_OUT, Accepted("9"), Declined(DeclineKind.SERVICE, "gone"), NotSent(failure("late"))]
    )
    def test_what_was_accepted_is_never_taken_back(
        self, alice: Customer, service: Service, order: Order, answer: Accepted | Failure
    ) -> None:
        send(placed(alice, service, link="https://example.com/2"), Accepted("9"))
        claimed = send(order, Accepted("12"))
        assert settle(claimed, answer) is False
        assert (states(order), there(order).upstream_id) == (["accepted"], "12")

    def test_after_another_id_was_accepted(self, order: Order) -> None:
        claimed = self.late(order)
        settle(claimed, Outcome(claimed.attempt_id, S.ACCEPTED, "12"))
        settle(claimed, Accepted("11"))
        assert there(order).upstream_id == "12"
        assert alarms(Alarm.Kind.LATE_ANSWER) == [f"order {order.pk}"]


@pytest.mark.parametrize("before", S)
@pytest.mark.parametrize("after", [S.ACCEPTED, S.NOT_SENT, S.DECLINED, S.ABSENT, S.UNKNOWN, S.STAFF])
def test_only_moves_of_the_table_are_made(order: Order, provider: Provider, before: S, after: S) -> None:
    plan_all()
    [claimed] = claim(provider)
    Attempt.objects.update(state=before)
    moved = settle(claimed, Outcome(claimed.attempt_id, after, "11" if after is S.ACCEPTED else None))
    # To disown what was accepted is up to those who follow it.
    assert moved == (after in ATTEMPT_MOVES[before] and before is not S.ACCEPTED)
    assert states(order)[0] == (after if moved else before)


class TestACustomersCancel:
    @pytest.fixture
    def claimed(self, alice: Customer, order: Order) -> claims.Claim:
        found = send(order, TIMED_OUT)
        assert cancel.request_cancels(alice.pk, [order.pk], NOW) == [None]
        return found

    def test_is_kept_while_the_outcome_is_unknown(self, alice: Customer, order: Order, claimed: claims.Claim) -> None:
        assert status(order) == "Processing"
        assert CancelRequest.objects.get().status == CancelStatus.OPEN
        assert balance(alice) == START_MICROS - order.charge_micros

    @pytest.mark.parametrize("by_staff", [False, True])
    def test_is_honoured_once_nothing_was_placed(
        self, alice: Customer, order: Order, claimed: claims.Claim, by_staff: bool
    ) -> None:
        if by_staff:
            outcome.resolve(order.pk, Verdict.ABSENT, "staff 1", NOW)
        else:
            settle(claimed, Outcome(claimed.attempt_id, S.ABSENT))
        assert (status(order), states(order)) == ("Canceled", ["absent"])
        assert balance(alice) == START_MICROS
        assert CancelRequest.objects.get().status == CancelStatus.DONE
        demand_sound_books()

    def test_is_left_to_be_forwarded_once_it_was_placed(self, order: Order, claimed: claims.Claim) -> None:
        settle(claimed, Accepted("11"))
        assert (status(order), states(order)) == ("Processing", ["accepted"])
        assert CancelRequest.objects.get().status == CancelStatus.OPEN


@pytest.mark.parametrize("state", ["sending", "unknown", "staff"])
def test_the_desk_cannot_end_an_order_whose_outcome_is_open(order: Order, state: str) -> None:
    send(order, TIMED_OUT)
    Attempt.objects.update(state=state)
    for told in (Status.CANCELED, Status.COMPLETED, Status.PENDING):
        assert desk.report([Report(order.pk, told)], "staff 1", NOW) == [Refusal(Reason.MOVE_NOT_ALLOWED)]
    assert status(order) == "Processing"


class TestTheAccount:
    @pytest.mark.parametrize("kind", [DeclineKind.FUNDS, DeclineKind.AUTH])
    def test_a_refused_account_rests_and_is_tried_again(
        self, order: Order, provider: Provider, kind: DeclineKind
    ) -> None:
        send(order, Declined(kind, "Not enough funds on balance"))
        assert ProviderState.objects.get().rests_until == NOW + circuit_breaker.FUNDS_REST
        assert alarms(Alarm.Kind.KEY_OR_FUNDS) == ["whole"]
        assert (status(order), states(order)) == ("Pending", ["declined", "planned"])
        assert claim(provider, NOW + circuit_breaker.FUNDS_REST - MINUTE) == []
        [claimed] = claim(provider, NOW + circuit_breaker.FUNDS_REST)
        assert alarms() == []
        settle(claimed, Accepted("11"), NOW + circuit_breaker.FUNDS_REST)
        assert states(order) == ["declined", "accepted"]

    def test_another_decline_does_not_stop_the_provider(self, order: Order, provider: Provider) -> None:
        send(order, Declined(DeclineKind.LINK, "Incorrect link"))
        assert ProviderState.objects.get().rests_until is None


class TestResolve:
    """The verdict of staff."""

    @pytest.mark.parametrize("state", ["unknown", "staff"])
    def test_placed_under_an_id(self, order: Order, state: str) -> None:
        send(order, TIMED_OUT)
        Attempt.objects.update(state=state)
        assert outcome.resolve(order.pk, Verdict.PLACED, "staff 1", NOW, "11") is None
        assert (states(order), there(order).upstream_id) == (["accepted"], "11")
        assert attempt(order).decided_by == "staff 1"
        assert notes(order.pk)[-1] == "Placed at Upstream as 11, placed, as staff found"

    def test_never_placed(self, order: Order) -> None:
        send(order, TIMED_OUT)
        assert outcome.resolve(order.pk, Verdict.ABSENT, "staff 1", NOW) is None
        assert (states(order), status(order)) == (["absent", "planned"], "Pending")

    @pytest.mark.parametrize("state", ["unknown", "staff"])
    @pytest.mark.parametrize("answer", [TIMED_OUT, UNKNOWN_WORDS])
    def test_refused_cancels_and_refunds_in_the_same_moment(
        self, alice: Customer, order: Order, state: str, answer: Failure
    ) -> None:
        send(order, answer)
        Attempt.objects.update(state=state)
        assert outcome.resolve(order.pk, Verdict.REFUSED, "staff 1", NOW) is None
        assert (states(order), status(order)) == (["absent"], "Canceled")
        assert balance(alice) == START_MICROS
        last = OrderEvent.objects.filter(order=order).latest("pk")
        assert (last.actor, last.to_status) == ("staff 1", "Canceled")
        assert outcome.resolve(order.pk, Verdict.REFUSED, "staff 1", NOW) == Refusal(Reason.INCORRECT_ORDER)
        demand_sound_books()

    def test_staff_may_know_of_an_id_that_seems_too_old(self, order: Order) -> None:
        ids_rise()
        send(order, TIMED_OUT)
        assert outcome.resolve(order.pk, Verdict.PLACED, "staff 1", NOW, "11") is None

    @pytest.mark.parametrize("upstream_id", [None, "", "0", " 11", "11,12", "null", "x" * 65])
    def test_what_is_no_id_is_refused(self, order: Order, upstream_id: str | None) -> None:
        send(order, TIMED_OUT)
        refusal = Refusal(Reason.INCORRECT_FIELD, "upstream_id")
        assert outcome.resolve(order.pk, Verdict.PLACED, "staff 1", NOW, upstream_id) == refusal
        assert states(order) == ["unknown"]

    @pytest.mark.parametrize("state", ["unknown", "staff"])
    def test_an_id_that_another_order_has_is_refused(
        self, alice: Customer, service: Service, order: Order, state: str
    ) -> None:
        send(order, Accepted("11"))
        second = placed(alice, service, link="https://example.com/2")
        send(second, TIMED_OUT)
        Attempt.objects.filter(order=second).update(state=state)
        refusal = Refusal(Reason.INCORRECT_FIELD, "upstream_id")
        assert outcome.resolve(second.pk, Verdict.PLACED, "staff 1", NOW, "11") == refusal
        assert states(second) == [state]

    def test_a_known_outcome_is_not_up_to_staff(self, order: Order) -> None:
        refusal = Refusal(Reason.INCORRECT_ORDER)
        assert outcome.resolve(order.pk, Verdict.ABSENT, "staff 1", NOW) == refusal
        send(order, Accepted("11"))
        assert outcome.resolve(order.pk, Verdict.ABSENT, "staff 1", NOW) == refusal
        assert outcome.resolve(10**9, Verdict.ABSENT, "staff 1", NOW) == refusal


def test_an_orphan_that_is_claimed_is_none_any_more(order: Order, provider: Provider) -> None:
    Orphan.objects.create(provider=provider, upstream_id=11, charge_micros=500_000, word="Pending", seen_at=NOW)
    send(order, Accepted("11"))
    assert not Orphan.objects.exists()


def test_an_order_whose_routes_went_meanwhile_goes_to_the_desk(order: Order, service: Service) -> None:
    claimed = send(order, TIMED_OUT)
    service.routes.update(is_on=False)
    settle(claimed, Outcome(claimed.attempt_id, S.ABSENT))
    assert (status(order), DeskOrder.objects.count()) == ("Pending", 1)
    assert [each.pk for each in desk.pull(None, 10, "staff 1", NOW)] == [order.pk]


def test_everything_of_a_batch_is_written_or_nothing(
    alice: Customer, service: Service, provider: Provider, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed(alice, service, link="https://example.com/2", quantity=900)
    plan_all()
    told = [outcome_of(each.attempt_id, Accepted(str(each.order_id + 10))) for each in claim(provider)]

    def breaks(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(call_log, "write", breaks)
        with pytest.raises(RuntimeError):
            outcome.settle(provider.pk, told, (), NOW)
    assert set(Attempt.objects.values_list("state", flat=True)) == {"sending"}
    assert (UpstreamOrder.objects.count(), held("cost")) == (0, 0)
    assert (LoggedCall.objects.count(), ProviderMinute.objects.count()) == (0, 0)
