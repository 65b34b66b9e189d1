"""Facts of gateways settled: each transaction once, whatever order they come in, and staff told of what is odd."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sutler.accounts.models import Customer, Letter, User
from sutler.books import post
from sutler.books.models import LedgerAccount, Transfer
from sutler.catalogue.models import Service
from sutler.core.refusals import Reason, Refusal
from sutler.ops.verify import CHECKS, prove
from sutler.orders.place import PlaceRequest, place
from sutler.payments import alerts, checkouts, funds, methods, settle
from sutler.payments.gateways.shape import Fact, FactKind
from sutler.payments.models import Alert, Checkout, FundsRequest, Method, Receipt
from sutler.payments.settle import Outcome
from tests.conftest import NOW, START_MICROS
from tests.orders.ordering import at_once, balance, placed
from tests.payments.gateway_methods import UNIT, opened, signed_method

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
LATE = NOW + timedelta(days=2)


@pytest.fixture
def method(sam: User) -> Method:
    return signed_method(sam)


def paid(checkout: Checkout, transaction_id: str, units: float, currency: str = "USD") -> Fact:
    micros = round(units * UNIT)
    return Fact(FactKind.PAID, checkout.reference, "", transaction_id, micros, currency)


def back(checkout: Checkout, transaction_id: str, units: float, kind: FactKind = FactKind.REVERSED) -> Fact:
    return Fact(kind, checkout.reference, "", transaction_id, round(units * UNIT), "USD")


def failed(checkout: Checkout) -> Fact:
    return Fact(FactKind.FAILED, checkout.reference)


def applied(method: Method, *facts: Fact) -> list[str]:
    return [settle.apply(method, each, NOW).outcome.value for each in facts]


def raised() -> set[str]:
    return set(Alert.objects.filter(closed_at=None).values_list("kind", flat=True))


def breaches() -> list[str]:
    mine = [each for each in CHECKS if each.name.startswith(("funds_", "gateway_", "frozen", "wallet", "transfer"))]
    return [line for each in prove(mine, str, str) for line in each.shown]


def test_a_payment_is_credited_once_and_the_customer_is_told(alice: Customer, sam: User, method: Method) -> None:
    User.objects.create_user("alice@example.com", customer=alice, date_joined=NOW)
    checkout = opened(alice, method)
    assert applied(method, paid(checkout, "1", 50), paid(checkout, "1", 50)) == ["applied", "known"]
    assert balance(alice) == START_MICROS + 50 * UNIT
    [entry] = Transfer.objects.filter(cause=f"gateway:signed:{method.pk}-1")
    assert (entry.amount_micros, entry.reason) == (50 * UNIT, f"{checkout.request.reference} Signed")
    checkout.refresh_from_db()
    assert (checkout.request.state, checkout.look_at, raised()) == ("confirmed", NOW + timedelta(days=1), set())
    [letter] = Letter.objects.all()
    assert "50.00 USD" in letter.text
    assert breaches() == []


CAME = [
    # facts as (transaction, units, currency), whether partial is accepted, what is credited, what staff are told
    ([("1", 50, "USD")], False, 50, set()),
    ([("1", 20, "USD")], False, 0, {"too little"}),
    ([("1", 20, "USD")], True, 20, set()),
    ([("1", 20, "USD"), ("2", 30, "USD")], False, 50, set()),
    ([("1", 20, "USD"), ("2", 31, "USD")], False, 51, {"too much"}),
    ([("1", 60, "USD")], False, 60, {"too much"}),
    ([("1", 50, "EUR")], False, 0, {"currency"}),
    ([("1", 50, "EUR"), ("2", 50, "USD")], False, 50, {"currency"}),
    ([("1", 50, "USD"), ("1", 70, "USD")], False, 50, {"amount"}),
]


@pytest.mark.parametrize(("facts", "is_partial", "credited", "told"), CAME)
def test_what_came_is_credited_or_left_for_staff(
    alice: Customer, sam: User, facts: Sequence[tuple[str, int, str]], is_partial: bool, credited: int, told: set[str]
) -> None:
    method = signed_method(sam, accepts_partial=is_partial)
    checkout = opened(alice, method)
    applied(method, *(paid(checkout, *each) for each in facts))
    assert balance(alice) == START_MICROS + credited * UNIT
    assert (raised(), breaches()) == (told, [])
    assert FundsRequest.objects.get().state == ("confirmed" if credited else "waiting")


def test_fee_and_bonus_are_those_of_the_day_it_was_begun(alice: Customer, sam: User) -> None:
    method = signed_method(sam, fee_basis_points=250, bonus_basis_points=100)
    checkout = opened(alice, method, 100)
    draft = methods.Draft("Dear", "", "USD", UNIT, 1000 * UNIT, fee_basis_points=5000, kind="signed")
    assert isinstance(methods.save(draft, sam, NOW, method_id=method.pk), Method)
    applied(method, paid(checkout, "1", 100))
    assert balance(alice) == START_MICROS + 98_500_000
    assert FundsRequest.objects.get().credit_micros == 98_500_000


@pytest.mark.parametrize("end", ["expired", "withdrawn", "over"])
def test_what_comes_late_is_credited_and_staff_are_told(alice: Customer, method: Method, end: str) -> None:
    checkout = opened(alice, method)
    if end == "expired":
        applied(method, failed(checkout))
        assert FundsRequest.objects.get().state == "expired"
    if end == "withdrawn":
        assert funds.withdraw(alice.pk, checkout.request_id, NOW) is None
    settle.apply(method, paid(checkout, "1", 50), LATE if end == "over" else NOW)
    assert balance(alice) == START_MICROS + 50 * UNIT
    assert (raised(), breaches()) == ({"late"}, [])


def test_what_staff_have_decided_is_not_credited_again(alice: Customer, sam: User, method: Method) -> None:
    confirmed, rejected = opened(alice, method), opened(alice, method, token="u" * 64)
    assert funds.confirm(confirmed.request_id, sam, NOW) == START_MICROS + 50 * UNIT
    assert funds.reject(rejected.request_id, "no", sam, NOW) is None
    applied(method, paid(confirmed, "1", 50), paid(rejected, "2", 50))
    assert balance(alice) == START_MICROS + 50 * UNIT
    assert (raised(), breaches()) == ({"decided"}, [])


def test_staff_may_credit_the_little_that_came(alice: Customer, sam: User, method: Method) -> None:
    checkout = opened(alice, method)
    applied(method, paid(checkout, "1", 20))
    assert funds.confirm(checkout.request_id, sam, NOW, amount_micros=20 * UNIT) == START_MICROS + 20 * UNIT
    applied(method, paid(checkout, "2", 30))
    assert balance(alice) == START_MICROS + 20 * UNIT
    [alert] = Alert.objects.filter(kind="decided")
    assert alerts.close(checkout.request_id, alert.pk, sam, NOW) is None
    assert alerts.close(checkout.request_id, alert.pk, sam, NOW) == Refusal(Reason.NOT_FOUND)
    assert breaches() == []


def test_another_methods_payment_is_not_meant(alice: Customer, sam: User, method: Method) -> None:
    other = signed_method(sam)
    checkout = opened(alice, other)
    assert settle.apply(method, paid(checkout, "1", 50), NOW).outcome is Outcome.UNKNOWN
    assert (balance(alice), Receipt.objects.count()) == (START_MICROS, 0)
    # Two methods may number their transactions alike.
    mine = opened(alice, method, token="u" * 64)
    assert applied(method, paid(mine, "1", 50)) + applied(other, paid(checkout, "1", 50)) == ["applied", "applied"]
    assert balance(alice) == START_MICROS + 100 * UNIT


def test_one_transaction_pays_one_request(alice: Customer, bob: Customer, method: Method) -> None:
    first, second = opened(alice, method), opened(bob, method, token="u" * 64)
    assert applied(method, paid(first, "1", 50), paid(second, "1", 50)) == ["applied", "known"]
    assert (balance(alice), balance(bob)) == (START_MICROS + 50 * UNIT, START_MICROS)
    assert (raised(), breaches()) == ({"transaction"}, [])


@pytest.mark.parametrize(("units", "taken"), [(50, 49), (25, 24.5), (0.000001, 0.000001), (80, 49)])
def test_what_went_back_is_taken_in_proportion(alice: Customer, sam: User, units: float, taken: float) -> None:
    method = signed_method(sam, fee_basis_points=200)
    checkout = opened(alice, method)
    applied(method, paid(checkout, "1", 50), back(checkout, "1", units), back(checkout, "1", units))
    assert balance(alice) == START_MICROS + round((49 - taken) * UNIT)
    assert (raised(), breaches()) == ({"reversed"}, [])


@pytest.mark.parametrize(("limit", "owed"), [(0, 40), (15, 25), (100, 0)])
def test_what_the_wallet_does_not_hold_is_owed_and_nothing_is_ordered(
    alice: Customer, service: Service, method: Method, limit: int, owed: int
) -> None:
    checkout = opened(alice, method)
    applied(method, paid(checkout, "1", 50))
    assert not isinstance(post.adjust(alice.pk, -START_MICROS - 40 * UNIT, "adjustment:x", "spent", NOW), Refusal)
    LedgerAccount.objects.filter(customer=alice).update(
        credit_limit_micros=limit * UNIT, largest_credit_limit_micros=limit * UNIT
    )
    applied(method, back(checkout, "1", 50))
    assert balance(alice) == -40 * UNIT
    assert raised() == ({"reversed", "debt"} if owed else {"reversed"})
    assert breaches() == []
    fields = {"service": str(service.pk), "link": "https://example.com/a", "quantity": "1000"}
    [answer] = place([PlaceRequest(alice.pk, fields)], NOW)
    assert (answer == Refusal(Reason.NOT_ENOUGH_FUNDS)) == bool(owed)
    # What is paid in next covers the debt first.
    applied(method, paid(opened(alice, method, token="u" * 64), "2", 50))
    placed(alice, service)
    assert (raised(), breaches()) == ({"reversed"}, [])


def test_an_amount_that_the_books_cannot_hold_is_left_for_staff(alice: Customer, method: Method) -> None:
    checkout = opened(alice, method)
    applied(method, Fact(FactKind.PAID, checkout.reference, "", "1", 8_999_999_999 * UNIT, "USD"))
    assert (balance(alice), raised()) == (START_MICROS, {"too large", "too much"})
    assert breaches() == []


def test_a_long_transaction_id_has_a_cause_of_its_own(method: Method) -> None:
    causes = {settle.cause_of(method, each) for each in ("x" * 199 + "1", "x" * 199 + "2", "1", "2")}
    assert len(causes) == 4
    assert max(map(len, causes)) <= settle.LONGEST_CAUSE


@pytest.mark.parametrize(
    ("units", "refusal"),
    [(5000, "amount"), (0, "amount"), (0.000001, "amount"), (1.001, "amount")],
)
def test_an_amount_must_be_one_that_the_gateway_can_charge(
    alice: Customer, method: Method, units: float, refusal: str
) -> None:
    answer = checkouts.open_(alice.pk, method.pk, round(units * UNIT), None, "t" * 64, NOW)
    assert answer == Refusal(Reason.INCORRECT_FIELD, refusal)
    assert not FundsRequest.objects.exists()


def test_a_gateways_method_is_not_asked_for_by_hand(alice: Customer, method: Method) -> None:
    assert funds.ask(alice.pk, method.pk, UNIT, "", None, NOW) == Refusal(Reason.INCORRECT_FIELD, "method")


@pytest.mark.django_db(transaction=True)
def test_however_many_notices_at_once_one_credits(alice: Customer, method: Method) -> None:
    checkout = opened(alice, method)
    at_once(*[lambda: settle.apply(method, paid(checkout, "1", 50), NOW)] * 4)
    assert balance(alice) == START_MICROS + 50 * UNIT
    assert breaches() == []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("disputed", "won", "lost")), st.sampled_from("12"), st.integers(1, 40)),
        st.tuples(st.just("paid"), st.sampled_from("123"), st.just(0)),
        st.tuples(st.just("back"), st.sampled_from("123"), st.integers(1, 40)),
        st.tuples(st.just("failed"), st.just(""), st.just(0)),
    ),
    max_size=8,
)
AMOUNTS = {"1": 10, "2": 20, "3": 30}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, order=st.randoms(use_true_random=False), is_partial=st.booleans())
@pytest.mark.long
def test_the_books_end_the_same_in_whatever_order_notices_come(
    alice: Customer, sam: User, steps: list[tuple[str, str, int]], order: object, is_partial: bool
) -> None:
    def end_of(course: list[tuple[str, str, int]]) -> object:
        with transaction.atomic():
            method = signed_method(sam, accepts_partial=is_partial, fee_basis_points=333)
            checkout = opened(alice, method)
            for kind, transaction_id, units in course:
                fact = {
                    "paid": paid(checkout, transaction_id, AMOUNTS.get(transaction_id, 0)),
                    "back": back(checkout, transaction_id, units),
                    "disputed": back(checkout, transaction_id, units, FactKind.DISPUTED),
                    "won": back(checkout, transaction_id, units, FactKind.DISPUTE_WON),
                    "lost": back(checkout, transaction_id, units, FactKind.DISPUTE_LOST),
                    "failed": failed(checkout),
                }[kind]
                applied(method, fact)
            rows = Receipt.objects.order_by("transaction_id").values_list(
                "transaction_id", "state", "credit_micros", "taken_micros", "dispute"
            )
            end = (balance(alice), list(rows), breaches())
            transaction.set_rollback(True)
        return end

    shuffled = [*steps, *steps]
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert end_of(shuffled) == end_of(steps)
    assert end_of(steps)[2] == []  # type: ignore[index]


DISPUTED = [
    # what is spent before, the facts after a payment of 50, what the balance and the frozen account hold in the end
    (0, [(FactKind.DISPUTED, 50)], 0, 50),
    (20, [(FactKind.DISPUTED, 50)], 0, 30),
    (50, [(FactKind.DISPUTED, 50)], 0, 0),
    (0, [(FactKind.DISPUTED, 20)], 30, 20),
    (0, [(FactKind.REVERSED, 30), (FactKind.DISPUTED, 50)], 0, 20),
    (0, [(FactKind.DISPUTED, 50), (FactKind.REVERSED, 30)], 0, 20),
    (0, [(FactKind.DISPUTED, 50), (FactKind.REVERSED, 50)], 0, 0),
    (20, [(FactKind.DISPUTED, 50), (FactKind.DISPUTE_WON, 50)], 30, 0),
    (20, [(FactKind.DISPUTED, 50), (FactKind.DISPUTE_LOST, 50)], -20, 0),
    (20, [(FactKind.DISPUTE_LOST, 50), (FactKind.DISPUTED, 50)], -20, 0),
    (20, [(FactKind.DISPUTED, 50), (FactKind.DISPUTE_WON, 50), (FactKind.DISPUTE_LOST, 50)], -20, 0),
    (0, [(FactKind.DISPUTE_LOST, 50), (FactKind.DISPUTE_WON, 50)], 0, 0),
]


@pytest.mark.parametrize(("spent", "facts", "left", "frozen"), DISPUTED)
def test_a_dispute_freezes_what_is_unspent_and_takes_all_once_it_is_lost(
    alice: Customer, method: Method, spent: int, facts: list[tuple[FactKind, int]], left: int, frozen: int
) -> None:
    checkout = opened(alice, method)
    applied(method, paid(checkout, "1", 50))
    post.adjust(alice.pk, -START_MICROS - spent * UNIT, "adjustment:x", "spent", NOW)
    for kind, units in [*facts, facts[-1]]:
        applied(method, back(checkout, "1", units, kind))
    receipt = Receipt.objects.get()
    assert (balance(alice), receipt.frozen_micros or 0) == (left * UNIT, frozen * UNIT)
    assert breaches() == []
    is_contrary = [kind for kind, _ in facts] == [FactKind.DISPUTE_LOST, FactKind.DISPUTE_WON]
    assert ("debt" in raised(), "reinstated" in raised()) == (left < 0, is_contrary)
