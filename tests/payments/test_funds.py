"""Adding funds by hand: asked, confirmed once, rejected or withdrawn; and staff's own adjustments by two people."""

from collections import Counter

import pytest
from django.conf import settings

from sutler.accounts import audit_log, mail
from sutler.accounts.models import Customer, Letter, Role, User
from sutler.books import adjustments
from sutler.books.adjustments import Preview
from sutler.books.models import Adjustment, Transfer
from sutler.catalogue.models import ExchangeRate
from sutler.core.refusals import Reason, Refusal
from sutler.payments import funds, methods
from sutler.payments.models import FundsRequest, Method
from tests.conftest import NOW, START_MICROS, make_customer
from tests.orders.ordering import at_once, balance

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
UNIT = 1_000_000
MADE_ALREADY = Refusal(Reason.MOVE_NOT_ALLOWED)


def bank(sam: User, **fields: object) -> Method:
    values: dict[str, object] = {"currency": "USD", "min_micros": UNIT, "max_micros": 1000 * UNIT}
    made = methods.save(methods.Draft("Bank", "Pay to ...", **(values | fields)), sam, NOW)  # type: ignore[arg-type]
    assert isinstance(made, Method)
    return made


def asked(customer: Customer, method: Method, units: int = 50) -> FundsRequest:
    made = funds.ask(customer.pk, method.pk, units * UNIT, "from my bank", None, NOW)
    assert isinstance(made, FundsRequest)
    return made


@pytest.mark.parametrize(
    ("fee", "bonus", "paid", "credited"),
    [(0, 0, 50, 50), (250, 0, 1000, 975), (0, 500, 1000, 1050), (100, 100, 101, 100), (1, 1, 1, 0)],
)
def test_a_fee_rounds_up_and_a_bonus_rounds_down(fee: int, bonus: int, paid: int, credited: int) -> None:
    assert funds.credit_for(Method(fee_basis_points=fee, bonus_basis_points=bonus), paid) == credited


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"min_micros": 0}, "min"),
        ({"max_micros": 1}, "max"),
        ({"currency": "usd"}, "currency"),
        ({"fee_basis_points": 10_000}, "fee"),
        ({"bonus_basis_points": -1}, "bonus"),
    ],
)
def test_a_method_is_checked(sam: User, fields: dict[str, int], wrong: str) -> None:
    values: dict[str, object] = {"currency": "USD", "min_micros": UNIT, "max_micros": 1000 * UNIT}
    draft = methods.Draft("Bank", "Pay to ...", **(values | fields))  # type: ignore[arg-type]
    assert methods.save(draft, sam, NOW) == Refusal(Reason.INCORRECT_FIELD, wrong)


def test_customers_are_offered_methods_of_their_currency(sam: User, alice: Customer) -> None:
    dollars, euros = bank(sam), bank(sam, currency="EUR")
    assert methods.offered("USD") == [dollars]
    withdrawn = methods.save(methods.Draft("Bank", "x", "USD", 1, 2, is_offered=False), sam, NOW, method_id=dollars.pk)
    assert methods.offered("USD") == []
    assert methods.all_methods() == [euros, withdrawn]
    for method in (dollars, euros):
        refusal = funds.ask(alice.pk, method.pk, 5 * UNIT, "", None, NOW)
        assert refusal == Refusal(Reason.INCORRECT_FIELD, "method")


@pytest.mark.parametrize("micros", [0, -UNIT, UNIT - 1, 1000 * UNIT + 1])
def test_an_amount_is_within_the_methods_bounds(sam: User, alice: Customer, micros: int) -> None:
    assert funds.ask(alice.pk, bank(sam).pk, micros, "", None, NOW) == Refusal(Reason.INCORRECT_FIELD, "amount")


def test_a_confirmed_request_is_credited_once(sam: User, alice: Customer) -> None:
    person = User.objects.create_user("alice@example.com", customer=alice, date_joined=NOW)
    made = asked(alice, bank(sam, fee_basis_points=200))
    assert made.reference == f"F-{made.pk:06d}"
    assert funds.confirm(made.pk, sam, NOW) == START_MICROS + 49 * UNIT
    assert funds.confirm(made.pk, sam, NOW) == MADE_ALREADY
    assert funds.reject(made.pk, "late", sam, NOW) == MADE_ALREADY
    assert funds.withdraw(alice.pk, made.pk, NOW) == MADE_ALREADY
    assert balance(alice) == START_MICROS + 49 * UNIT
    [letter] = Letter.objects.all()
    assert (letter.to, "49.00 USD" in letter.text) == (person.email, True)
    assert audit_log.recent()[0].action == "funds confirmed"


def test_what_came_counts_where_it_is_not_what_was_asked(sam: User, alice: Customer) -> None:
    made = asked(alice, bank(sam, bonus_basis_points=1000))
    assert funds.confirm(made.pk, sam, NOW, amount_micros=0) == Refusal(Reason.INCORRECT_FIELD, "amount")
    assert funds.confirm(made.pk, sam, NOW, amount_micros=30 * UNIT) == START_MICROS + 33 * UNIT
    made.refresh_from_db()
    assert (made.amount_micros, made.credit_micros) == (30 * UNIT, 33 * UNIT)


def test_a_rejected_or_withdrawn_request_is_not_credited(sam: User, alice: Customer, bob: Customer) -> None:
    method = bank(sam)
    rejected, withdrawn = asked(alice, method), asked(alice, method)
    assert funds.reject(rejected.pk, "", sam, NOW) == Refusal(Reason.INCORRECT_FIELD, "reason")
    assert funds.reject(rejected.pk, "nothing came", sam, NOW) is None
    assert funds.withdraw(bob.pk, withdrawn.pk, NOW) == Refusal(Reason.NOT_FOUND)
    assert funds.withdraw(alice.pk, withdrawn.pk, NOW) is None
    for each in (rejected, withdrawn):
        assert funds.confirm(each.pk, sam, NOW) == MADE_ALREADY
    assert balance(alice) == START_MICROS
    assert funds.confirm(999, sam, NOW) == Refusal(Reason.NOT_FOUND)


def test_nobody_asks_without_end_and_each_sees_their_own(sam: User, alice: Customer, bob: Customer) -> None:
    method = bank(sam)
    made = [asked(alice, method).pk for _ in range(funds.MOST_WAITING)]
    assert funds.ask(alice.pk, method.pk, UNIT, "", None, NOW) == Refusal(Reason.TOO_MANY_REQUESTS)
    other = asked(bob, method)
    assert [each.pk for each in funds.of_customer(alice.pk, limit=3)] == made[:-4:-1]
    assert [each.pk for each in funds.of_customer(alice.pk, before=made[2])] == [made[1], made[0]]
    assert [each.pk for each in funds.of_all(waiting_only=True, limit=1)] == [other.pk]


@pytest.mark.django_db(transaction=True)
def test_however_many_decide_at_once_one_does(sam: User, alice: Customer) -> None:
    method = bank(sam)
    for _ in range(10):
        made, before = asked(alice, method), balance(alice)
        outcomes = at_once(
            *[lambda made=made: funds.confirm(made.pk, sam, NOW)] * 3,
            lambda made=made: funds.reject(made.pk, "no", sam, NOW),  # type: ignore[misc]
            lambda made=made: funds.withdraw(alice.pk, made.pk, NOW),  # type: ignore[misc]
        )
        assert Counter(each == MADE_ALREADY for each in outcomes) == {True: 4, False: 1}
        made.refresh_from_db()
        assert balance(alice) - before == (50 * UNIT if made.state == "confirmed" else 0)


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.SUTLER, "SUTLER_ADJUSTMENT_LIMIT", 100)


@pytest.fixture
def sue(db: None) -> User:
    return User.objects.create_user("sue@example.com", is_staff=True, role=Role.MANAGER, date_joined=NOW)


def adjusted(customer: Customer, units: int, by: User) -> Adjustment:
    made = adjustments.adjust(customer.pk, units * UNIT, "a slip", by, NOW)
    assert isinstance(made, Adjustment), made
    return made


def test_without_a_limit_an_adjustment_is_done_at_once(alice: Customer, sam: User) -> None:
    made = adjusted(alice, -500, sam)
    assert (made.state, balance(alice)) == ("done", START_MICROS - 500 * UNIT)
    [entry] = audit_log.recent(subject_type="customer", subject_id=alice.pk)
    assert (entry.actor, entry.reason) == (sam, "a slip")
    assert (entry.after or {})["amount"] == "-500.00 USD"


@pytest.mark.usefixtures("limit")
def test_above_the_limit_another_person_confirms(alice: Customer, sam: User, sue: User) -> None:
    made = adjusted(alice, 101, sam)
    assert (made.state, balance(alice), adjustments.waiting()) == ("waiting", START_MICROS, [made])
    assert adjustments.confirm(made.pk, sam, NOW) == Refusal(Reason.OTHER_PERSON_NEEDED)
    assert adjustments.confirm(made.pk, sue, NOW) == START_MICROS + 101 * UNIT
    assert adjustments.confirm(made.pk, sue, NOW) == MADE_ALREADY
    assert balance(alice) == START_MICROS + 101 * UNIT
    assert [each.action for each in audit_log.recent(subject_type="customer", subject_id=alice.pk)] == [
        "balance adjusted",
        "adjustment asked",
    ]


@pytest.mark.usefixtures("limit")
def test_a_large_sum_in_parts_is_a_large_sum(alice: Customer, bob: Customer, sam: User, sue: User) -> None:
    assert [adjusted(alice, each, sam).state for each in (60, 40, -1)] == ["done", "done", "waiting"]
    assert [adjusted(bob, 100, sam).state, adjusted(alice, 100, sue).state] == ["done", "done"]


@pytest.mark.usefixtures("limit")
def test_the_limit_is_reckoned_in_the_base_currency(sam: User) -> None:
    eve = make_customer("Eve", "EUR", 0)
    assert adjusted(eve, 1, sam).state == "waiting", "nobody knows what a EUR is worth"
    ExchangeRate.objects.create(currency="EUR", base=2 * UNIT, units=1_000_000)
    Adjustment.objects.all().delete()
    assert [adjusted(eve, each, sam).state for each in (50, 1)] == ["done", "waiting"]


@pytest.mark.usefixtures("limit")
def test_a_rejected_adjustment_moves_nothing(alice: Customer, sam: User, sue: User) -> None:
    for by in (sam, sue):
        made = adjusted(alice, 500, sam)
        assert adjustments.reject(made.pk, "not ours", by, NOW) is None
        assert adjustments.confirm(made.pk, sue, NOW) == MADE_ALREADY
    assert adjustments.reject(999, "x", sam, NOW) == Refusal(Reason.NOT_FOUND)
    assert balance(alice) == START_MICROS
    assert not Transfer.objects.filter(cause__startswith="adjustment").exists()


@pytest.mark.usefixtures("limit")
def test_an_adjustment_is_foreseen_without_being_made(alice: Customer, sam: User) -> None:
    outlook = adjustments.preview(alice.pk, -200 * UNIT, sam, NOW)
    assert outlook == Preview(START_MICROS, START_MICROS - 200 * UNIT, "USD", needs_second_person=True)
    assert adjustments.preview(alice.pk, -START_MICROS - 1, sam, NOW) == Refusal(Reason.NOT_ENOUGH_FUNDS)
    assert not Adjustment.objects.exists()


@pytest.mark.parametrize(
    ("customer", "micros", "reason", "refusal"),
    [
        (None, 5, "", Refusal(Reason.INCORRECT_FIELD, "reason")),
        (None, 0, "x", Refusal(Reason.INCORRECT_FIELD, "amount")),
        (None, 2**62, "x", Refusal(Reason.INCORRECT_FIELD, "amount")),
        (None, -START_MICROS - 1, "x", Refusal(Reason.NOT_ENOUGH_FUNDS)),
        (999, 5, "x", Refusal(Reason.NOT_FOUND)),
    ],
)
def test_a_wrong_adjustment_is_refused(
    alice: Customer, sam: User, customer: int | None, micros: int, reason: str, refusal: Refusal
) -> None:
    assert adjustments.adjust(customer or alice.pk, micros, reason, sam, NOW) == refusal
    assert balance(alice) == START_MICROS
    assert mail.send_due(NOW) == 0


def test_a_transaction_id_is_named_by_its_customer_while_it_waits(alice: Customer, bob: Customer, sam: User) -> None:
    method = bank(sam)
    first, second = asked(alice, method), asked(bob, method)
    assert funds.name_transaction(bob.pk, first.pk, "TX-1") == Refusal(Reason.NOT_FOUND)
    refusal = Refusal(Reason.INCORRECT_FIELD, "transaction_id")
    assert funds.name_transaction(alice.pk, first.pk, "x" * 101) == refusal
    assert funds.name_transaction(alice.pk, first.pk, " TX-1 ") is None
    assert funds.with_same_transaction(first) == []
    assert funds.name_transaction(bob.pk, second.pk, "TX-1") is None
    second.refresh_from_db()
    assert funds.with_same_transaction(second) == [first]
    assert funds.of_all(text="TX-1") == [second, first]
    assert funds.of_all(text=first.reference) == [first]
    assert funds.of_all(text="TX") == []
    assert not isinstance(funds.confirm(first.pk, sam, NOW), Refusal)
    assert funds.name_transaction(alice.pk, first.pk, "TX-2") == MADE_ALREADY
