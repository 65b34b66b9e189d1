"""Whatever staff make spendable above SUTLER_ADJUSTMENT_LIMIT asks for a second person, at every way in."""

import pytest
from django.conf import settings

from sutler.accounts.models import Customer, Role, User
from sutler.books import adjustments
from sutler.books.credit_limits import set_limit
from sutler.books.models import Adjustment, LedgerAccount
from sutler.core.refusals import Reason, Refusal
from sutler.payments import funds
from sutler.payments.models import FundsRequest
from tests.conftest import NOW, START_MICROS
from tests.ops.test_cli import done, failed, run
from tests.orders.ordering import balance
from tests.payments.test_funds import UNIT, adjusted, bank

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
OTHER = Refusal(Reason.OTHER_PERSON_NEEDED)


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.SUTLER, "SUTLER_ADJUSTMENT_LIMIT", 100)


@pytest.fixture
def sue(db: None) -> User:
    return User.objects.create_user("sue@example.com", is_staff=True, role=Role.MANAGER, date_joined=NOW)


def asked(customer: Customer, sam: User, units: int, by: User | None = None) -> FundsRequest:
    made = funds.ask(customer.pk, bank(sam).pk, units * UNIT, "", by, NOW)
    assert isinstance(made, FundsRequest), made
    return made


def credit_limit(customer: Customer) -> int:
    return LedgerAccount.objects.get(customer=customer).credit_limit_micros // UNIT


def test_more_than_was_asked_is_confirmed_by_two(alice: Customer, sam: User, sue: User) -> None:
    request = asked(alice, sam, 50)
    for _ in range(2):
        assert funds.confirm(request.pk, sam, NOW, amount_micros=500 * UNIT) == OTHER
    assert funds.confirm(request.pk, sue, NOW, amount_micros=501 * UNIT) == OTHER, "not what the first one said"
    assert balance(alice) == START_MICROS
    assert funds.confirm(request.pk, sam, NOW, amount_micros=501 * UNIT) == START_MICROS + 501 * UNIT
    assert adjusted(alice, 100, sam).state == "done", "what two have confirmed counts for neither"
    done("verify")


@pytest.mark.parametrize("units", [50, 10])
def test_what_was_asked_or_less_is_confirmed_by_one(alice: Customer, sam: User, units: int) -> None:
    request = asked(alice, sam, 50)
    assert funds.confirm(request.pk, sam, NOW, amount_micros=500 * UNIT) == OTHER
    assert funds.confirm(request.pk, sam, NOW, amount_micros=units * UNIT) == START_MICROS + units * UNIT


def test_what_staff_ask_in_a_customers_name_nobody_has_asked_for(alice: Customer, sam: User, sue: User) -> None:
    request = asked(alice, sam, 101, by=sam)
    assert funds.confirm(request.pk, sam, NOW) == OTHER
    assert funds.confirm(request.pk, sue, NOW) == START_MICROS + 101 * UNIT


def test_a_large_sum_in_parts_by_different_ways_is_a_large_sum(alice: Customer, sam: User) -> None:
    first, second = asked(alice, sam, 50), asked(alice, sam, 50)
    assert adjusted(alice, 30, sam).state == "done"
    assert set_limit(alice.pk, 30 * UNIT, sam, NOW) is None
    assert funds.confirm(first.pk, sam, NOW, amount_micros=90 * UNIT) == START_MICROS + 120 * UNIT
    assert funds.confirm(second.pk, sam, NOW, amount_micros=51 * UNIT) == OTHER
    assert isinstance(set_limit(alice.pk, 31 * UNIT, sam, NOW), Adjustment)
    assert adjusted(alice, 1, sam).state == "waiting"


def test_a_higher_credit_limit_waits_for_a_second_person(alice: Customer, sam: User, sue: User) -> None:
    assert set_limit(alice.pk, 40 * UNIT, sam, NOW) is None
    assert isinstance(set_limit(alice.pk, 100_000 * UNIT, sam, NOW), Adjustment)
    waiting = set_limit(alice.pk, 90_000 * UNIT, sam, NOW)
    assert isinstance(waiting, Adjustment)
    assert credit_limit(alice) == 40
    assert adjustments.waiting() == [waiting], "asked again, it is still raised once"
    assert adjustments.confirm(waiting.pk, sam, NOW) == OTHER
    assert adjustments.confirm(waiting.pk, sue, NOW) == START_MICROS
    assert credit_limit(alice) == 90_000
    assert set_limit(alice.pk, 0, sam, NOW) is None, "lowering it gives nobody anything"
    assert (credit_limit(alice), balance(alice)) == (0, START_MICROS)
    done("verify")


def test_the_shell_is_one_person(alice: Customer, sam: User) -> None:
    credit = ("customer", "credit", str(alice.pk), "60", "--reason", "bank", "--cause")
    done(*credit, "one")
    done(*credit, "one")
    assert "second person" in failed(1, *credit, "two")
    assert "second person" in failed(1, "customer", "create", "--name", "Eve", "--credit-limit", "101")
    assert not Customer.objects.filter(name="Eve").exists()
    done("customer", "create", "--name", "Eve", "--credit-limit", "100")
    assert credit_limit(Customer.objects.get(name="Eve")) == 100
    assert balance(alice) == START_MICROS + 60 * UNIT
    assert "adjustment_posted" not in run("verify").output
