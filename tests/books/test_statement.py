"""A customer's statement: every transfer with the balance after it, whatever page it is asked on."""

import csv
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sutler.accounts.models import Customer
from sutler.books import statement
from sutler.books.models import Transfer
from sutler.books.post import adjust, deposit
from sutler.catalogue.models import Service
from sutler.core.lifecycle import Status
from sutler.core.text.csv_safe import Number, line
from tests.conftest import NOW, START_MICROS
from tests.orders.ordering import balance, placed, reported

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def whole(customer: Customer, size: int) -> list[statement.Entry]:
    """All entries, page by page."""
    entries: list[statement.Entry] = []
    before = None
    while True:
        page = statement.page(customer.pk, before=before, limit=size)
        entries += page.entries
        if page.next_before is None:
            return entries
        assert len(page.entries) == size
        before = page.next_before


def live(alice: Customer, bob: Customer, service: Service) -> None:
    """Some of everything, with another's transfers in between."""
    for number in range(4):
        order = placed(alice, service, link=f"a{number}")
        placed(bob, service, link=f"b{number}")
        if number % 2:
            reported(order, Status.PARTIAL, remains=300)
    adjust(alice.pk, -1_500_000, "adjust:x", "=HYPERLINK(1)", NOW)
    deposit(bob.pk, 5_000_000, "deposit:y", "bank", NOW)
    deposit(alice.pk, 7_000_000, "deposit:z", "bank", NOW + timedelta(hours=1))


def test_every_transfer_is_told_with_its_kind_and_the_balance_after_it(
    alice: Customer, bob: Customer, service: Service
) -> None:
    live(alice, bob, service)
    entries = whole(alice, 50)
    assert [(each.kind, each.amount_micros) for each in entries] == [
        ("deposit", 7_000_000),
        ("adjustment", -1_500_000),
        ("return", 270_000),
        ("order", -900_000),
        ("order", -900_000),
        ("return", 270_000),
        ("order", -900_000),
        ("order", -900_000),
        ("deposit", START_MICROS),
    ]
    assert entries[0].balance_micros == balance(alice)
    assert entries[-1].balance_micros == START_MICROS
    assert (entries[0].at, entries[0].reason) == (NOW + timedelta(hours=1), "bank")
    assert {each.order_id is None for each in entries if each.kind in {"order", "return"}} == {False}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 200])
def test_the_balance_is_the_same_on_whatever_page(alice: Customer, bob: Customer, service: Service, size: int) -> None:
    live(alice, bob, service)
    entries = whole(alice, size)
    assert len(entries) == 9
    for newer, older in pairwise(entries):
        assert newer.balance_micros - newer.amount_micros == older.balance_micros
    assert entries[-1].balance_micros == entries[-1].amount_micros
    assert not {each.transfer_id for each in entries} & {each.transfer_id for each in whole(bob, size)}


def test_what_comes_between_two_pages_does_not_change_the_second(alice: Customer, service: Service) -> None:
    for number in range(6):
        placed(alice, service, link=f"a{number}")
    first = statement.page(alice.pk, limit=3)
    second = statement.page(alice.pk, before=first.next_before, limit=3)
    deposit(alice.pk, 5, "deposit:late", "", NOW)
    assert statement.page(alice.pk, before=first.next_before, limit=3) == second


@pytest.mark.parametrize("passed", [1, 2, 3, 100])
def test_a_narrowed_statement_holds_what_fits_and_the_same_balances(
    alice: Customer, bob: Customer, service: Service, monkeypatch: pytest.MonkeyPatch, passed: int
) -> None:
    monkeypatch.setattr(statement, "MOST_PASSED", passed)
    live(alice, bob, service)
    entries = whole(alice, 50)
    late = NOW + timedelta(minutes=1)
    for filters, kept in (
        (statement.Filters(statement.Kind.RETURN), [each for each in entries if each.kind == "return"]),
        (statement.Filters(moved_from=late), entries[:1]),
        (statement.Filters(statement.Kind.DEPOSIT, moved_until=late), entries[-1:]),
    ):
        found: list[statement.Entry] = []
        before = None
        while True:
            page = statement.page(alice.pk, filters, before=before, limit=2)
            found += page.entries
            if page.next_before is None:
                break
            before = page.next_before
        assert found == kept
        assert len(list(statement.csv(alice.pk, filters))) == 1 + len(kept)


def test_an_empty_statement_is_empty(bob: Customer) -> None:
    Transfer.objects.all()._raw_delete(Transfer.objects.db)
    assert statement.page(bob.pk) == statement.Statement("USD", [], None)
    assert list(statement.csv(bob.pk)) == ["transfer,time_utc,kind,order,amount,balance,currency,reason\r\n"]


def test_the_csv_holds_everything_and_runs_nothing(
    alice: Customer, bob: Customer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement, "_AT_ONCE", 2)
    live(alice, bob, service)
    rows = list(csv.DictReader(statement.csv(alice.pk)))
    entries = whole(alice, 50)
    assert [int(row["transfer"]) for row in rows] == [each.transfer_id for each in entries]
    assert [row["amount"] for row in rows][:4] == ["7.00", "-1.50", "0.27", "-0.90"]
    assert rows[0]["balance"] == f"{entries[0].balance_micros / 1_000_000:.2f}"
    assert rows[1]["reason"] == "'=HYPERLINK(1)"
    assert rows[0]["time_utc"] == "2026-11-21 13:00:00"


@given(st.text(max_size=20))
@settings(max_examples=200)
def test_no_cell_is_a_formula(text: str) -> None:
    if "\x00" in text or any("\ud800" <= each <= "\udfff" for each in text):
        return
    [[cell]] = csv.reader([line([text])]) if "\n" not in text and "\r" not in text and text else [["x"]]
    assert not cell.startswith(("=", "+", "-", "@", "\t"))
    assert cell in {text, "'" + text, "x"}


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        (" =x", "' =x"),
        ("\t=x", "'\t=x"),
        (-5, "-5"),
        (Number("-0.90"), "-0.90"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_a_formula_is_made_harmless_and_a_number_stays_one(cell: object, written: str) -> None:
    [[read, _]] = csv.reader([line([cell, "x"])])
    assert read == written
