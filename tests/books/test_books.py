"""Posting: once per cause, never below the limit, all or nothing, and whatever happens the books balance."""

from collections import Counter
from pathlib import Path

import pytest
from bench.engines import POSTGRESQL, SQLITE, Database, fresh
from bench.ledger_storm import storm
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sutler.accounts.models import Customer
from sutler.books.balances import balances
from sutler.books.models import LedgerAccount, Transfer
from sutler.books.post import Entry, adjust, deposit, house, open_wallet, post
from sutler.core.money import LARGEST_MICROS
from sutler.core.refusals import Reason, Refusal
from sutler.storage.statements import is_postgres
from tests.blank import Blank
from tests.conftest import NOW, START_MICROS, make_customer
from tests.orders.ordering import balance, held

pytestmark = pytest.mark.postgresql

Kind = LedgerAccount.Kind


def wallet(customer: Customer) -> int:
    return LedgerAccount.objects.get(customer=customer).pk


def set_limit(customer: Customer, micros: int) -> None:
    LedgerAccount.objects.filter(customer=customer).update(
        credit_limit_micros=micros, largest_credit_limit_micros=micros
    )


def charged(customer: Customer, number: int, micros: int) -> Entry:
    return Entry(f"order:{number}", wallet(customer), house(Kind.IN_HAND, customer.currency), micros, number)


def test_a_transfer_moves_its_amount_and_leaves_a_row(alice: Customer) -> None:
    with transaction.atomic():
        assert post([charged(alice, 7, 250)], NOW) == {"order:7"}
    assert balance(alice) == START_MICROS - 250
    assert held(Kind.IN_HAND) == 250
    row = Transfer.objects.get(cause="order:7")
    assert (row.debit.customer, row.amount_micros, row.order_id, row.created_at) == (alice, 250, 7, NOW)


def test_a_cause_moves_money_once_whatever_comes_with_it(alice: Customer, bob: Customer) -> None:
    with transaction.atomic():
        post([charged(alice, 7, 250)], NOW)
        assert post([charged(bob, 7, 99), charged(alice, 8, 1), charged(alice, 8, 1)], NOW) == {"order:8"}
    assert (balance(alice), balance(bob)) == (START_MICROS - 251, START_MICROS)


def test_an_amount_of_nothing_leaves_no_row(alice: Customer) -> None:
    with transaction.atomic():
        assert post([charged(alice, 7, 0)], NOW) == set()
        assert post([], NOW) == set()
    assert not Transfer.objects.filter(cause="order:7").exists()


def test_a_list_that_one_wallet_cannot_pay_is_undone_whole(alice: Customer, bob: Customer) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        post([charged(bob, 1, 5), charged(alice, 2, START_MICROS + 1)], NOW)
    assert (balance(alice), balance(bob)) == (START_MICROS, START_MICROS)
    assert not Transfer.objects.filter(order_id__isnull=False).exists()


def test_what_a_wallet_is_given_in_a_list_stands_before_what_is_taken(alice: Customer) -> None:
    back = Entry("return:1", house(Kind.IN_HAND, "USD"), wallet(alice), 10, 1)
    with transaction.atomic():
        post([charged(alice, 2, START_MICROS + 10), back], NOW)
    assert balance(alice) == 0
    assert list(Transfer.objects.filter(order_id__gt=0).order_by("pk").values_list("cause", flat=True)) == [
        "return:1",
        "order:2",
    ]


def test_a_credit_limit_is_spent_to_the_last_micro_and_no_further(alice: Customer) -> None:
    set_limit(alice, 300)
    with transaction.atomic():
        post([charged(alice, 1, START_MICROS + 300)], NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        post([charged(alice, 2, 1)], NOW)
    assert balance(alice) == -300


def test_posting_outside_a_transaction_is_a_bug(transactional_db: None, alice: Customer) -> None:
    with pytest.raises(AssertionError):
        post([charged(alice, 1, 1)], NOW)


def test_a_deposit_is_credited_once(alice: Customer) -> None:
    assert deposit(alice.pk, 500, "deposit:9", "gateway", NOW) == START_MICROS + 500
    assert deposit(alice.pk, 500, "deposit:9", "gateway", NOW) == START_MICROS + 500
    assert balance(alice) == START_MICROS + 500
    assert held(Kind.DEPOSITS) == -START_MICROS - 500


@pytest.mark.parametrize("micros", [0, -1, -START_MICROS, LARGEST_MICROS, 10**30])
def test_a_deposit_must_be_positive_and_within_what_the_books_hold(alice: Customer, micros: int) -> None:
    assert deposit(alice.pk, micros, "deposit:9", "", NOW) == Refusal(Reason.INCORRECT_FIELD, "amount")
    assert balance(alice) == START_MICROS


@pytest.mark.parametrize(
    ("micros", "limit", "reason", "expected"),
    [
        (5, 0, "a gift", START_MICROS + 5),
        (-5, 0, "a slip", START_MICROS - 5),
        (-START_MICROS, 0, "all", 0),
        (-START_MICROS - 1, 0, "too much", Refusal(Reason.NOT_ENOUGH_FUNDS)),
        (-START_MICROS - 1, 1, "on credit", -1),
        (-START_MICROS - 2, 1, "too much", Refusal(Reason.NOT_ENOUGH_FUNDS)),
        (0, 0, "nothing", Refusal(Reason.INCORRECT_FIELD, "amount")),
        (LARGEST_MICROS, 0, "too much", Refusal(Reason.INCORRECT_FIELD, "amount")),
        (5, 0, "", Refusal(Reason.INCORRECT_FIELD, "reason")),
        (5, 0, " \t", Refusal(Reason.INCORRECT_FIELD, "reason")),
    ],
)
def test_a_correction_goes_both_ways_within_the_limit(
    alice: Customer, micros: int, limit: int, reason: str, expected: int | Refusal
) -> None:
    set_limit(alice, limit)
    assert adjust(alice.pk, micros, "adjust:1", reason, NOW) == expected
    assert balance(alice) == (START_MICROS if isinstance(expected, Refusal) else expected)


def test_the_house_has_one_account_of_a_kind_in_each_currency(db: None) -> None:
    make_customer("Alice")
    make_customer("Bob")
    make_customer("Eve", "EUR")
    kinds = [Kind.IN_HAND, Kind.SCHEDULED, Kind.REVENUE, Kind.DEPOSITS, Kind.ADJUSTMENTS]
    found = LedgerAccount.objects.filter(customer=None).values_list("currency", "kind")
    assert sorted(found) == sorted((currency, kind) for currency in ("EUR", "USD") for kind in kinds)
    assert house(Kind.REVENUE, "EUR") != house(Kind.REVENUE, "USD")


def test_a_wallet_opens_empty_with_its_limit(db: None) -> None:
    customer = Customer.objects.create(name="Eve", currency="EUR", created_at=NOW)
    opened = open_wallet(customer.pk, "EUR", credit_limit_micros=40)
    assert (opened.balance_micros, opened.credit_limit_micros, opened.largest_credit_limit_micros) == (0, 40, 40)


def test_balances_are_read_many_at_once_in_the_order_asked(alice: Customer, bob: Customer) -> None:
    deposit(bob.pk, 5, "deposit:9", "", NOW)
    asked = [bob.pk, alice.pk, bob.pk]
    assert balances(asked) == [(START_MICROS + 5, "USD"), (START_MICROS, "USD"), (START_MICROS + 5, "USD")]


# What may be done to the books: (kind, number of the cause, customer, amount). Causes repeat on purpose.
doings = st.lists(
    st.tuples(
        st.sampled_from(["deposit", "adjust", "order", "return", "settle"]),
        st.integers(1, 6),
        st.integers(0, 2),
        st.integers(-300, 300),
    ),
    max_size=25,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(doings=doings, limit=st.integers(0, 200))
def test_whatever_is_done_the_books_agree_with_a_simple_reckoning(
    db: None, doings: list[tuple[str, int, int, int]], limit: int
) -> None:
    with transaction.atomic():
        customers = [make_customer(name, balance_micros=100) for name in ("Alice", "Bob", "Eve")]
        for each in customers:
            set_limit(each, limit)
        expected = Counter({each.pk: 100 for each in customers})
        seen: set[str] = set()
        for kind, number, place, micros in doings:
            customer, cause = customers[place], f"{kind}:{number}"
            delta = do(kind, customer, number, micros)
            if cause not in seen and delta and expected[customer.pk] + delta >= -limit:
                seen.add(cause)
                expected[customer.pk] += delta
            assert balance(customer) == expected[customer.pk]
        demand_wallets_are_their_transfers()
        transaction.set_rollback(True)


def do(kind: str, customer: Customer, number: int, micros: int) -> int:
    """Does one thing to the books. Returns what it takes or gives if its cause is new and the wallet can bear it."""
    cause = f"{kind}:{number}"
    if kind == "deposit":
        deposit(customer.pk, micros, cause, "", NOW)
        return max(micros, 0)
    if kind == "adjust":
        adjust(customer.pk, micros, cause, "because", NOW)
        return micros
    in_hand, amount = house(Kind.IN_HAND, "USD"), abs(micros)
    ends, delta = {
        "order": ((wallet(customer), in_hand), -amount),
        "return": ((in_hand, wallet(customer)), amount),
        "settle": ((in_hand, house(Kind.REVENUE, "USD")), 0),
    }[kind]
    try:
        with transaction.atomic():
            post([Entry(cause, *ends, amount, number)], NOW)
    except IntegrityError:
        assert delta < 0
    return delta


def demand_wallets_are_their_transfers() -> None:
    moved: Counter[int] = Counter()
    for each in Transfer.objects.all():
        moved[each.debit_id] -= each.amount_micros
        moved[each.credit_id] += each.amount_micros
    assert sum(moved.values()) == 0
    for pk, held_micros in LedgerAccount.objects.filter(kind=Kind.WALLET).values_list("pk", "balance_micros"):
        assert held_micros == moved[pk]


@pytest.mark.long
def test_many_writers_at_once_leave_no_imbalance(db: None, blank: Blank, tmp_path: Path) -> None:
    """A small `python -m bench.ledger_storm`, on the engine of this run."""
    migrated = Database(blank.file.parent, f"/{blank.database}")
    with fresh(POSTGRESQL if is_postgres() else SQLITE, tmp_path / "storm", migrated) as database:
        outcome = storm(database, operations=600, writers=4, seed=1, heard=lambda _: None)
    assert outcome.transfers > 100
    assert (outcome.imbalance, outcome.unaccounted, outcome.breaches) == (0, 0, [])
