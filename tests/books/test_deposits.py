"""What was paid in, and how far below zero a wallet may go."""

import pytest

from sutler.accounts.models import Customer, User
from sutler.books import deposits
from sutler.books.credit_limits import set_limit
from sutler.books.models import LedgerAccount
from sutler.books.post import deposit
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.providers import ledger
from tests.conftest import NOW, make_customer
from tests.fulfilment.upstream import make_provider

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def test_deposits_are_listed_by_currency_page_by_page(alice: Customer) -> None:
    make_customer("Eve", "EUR")
    for number in range(3):
        deposit(alice.pk, 1_000_000, f"more:{number}", f"payment {number}", NOW)
    assert deposits.currencies() == ["EUR", "USD"]
    rows, following = deposits.page("USD", limit=2)
    assert [each.reason for each in rows] == ["payment 2", "payment 1"]
    rest, end = deposits.page("USD", before=following, limit=2)
    assert [(each.reason, each.credit.customer) for each in rest] == [("payment 0", alice), ("start", alice)]
    assert end is None
    assert deposits.page("GBP") == ([], None)


def test_what_providers_were_paid_is_no_deposit(alice: Customer) -> None:
    ledger.top_up(make_provider().pk, 5_000_000, "invoice", "paid in there", NOW)
    assert [each.credit.customer for each in deposits.page("USD")[0]] == [alice]


def test_a_credit_limit_covers_what_is_owed_and_the_largest_is_kept(alice: Customer, sam: User) -> None:
    assert set_limit(alice.pk, 50, sam, NOW) is None
    assert set_limit(alice.pk, -1, sam, NOW) == Refusal(Reason.INCORRECT_FIELD, "credit_limit")
    LedgerAccount.objects.filter(customer=alice).update(balance_micros=-20)
    assert set_limit(alice.pk, 19, sam, NOW) == Refusal(Reason.INCORRECT_FIELD, "credit_limit")
    assert set_limit(alice.pk, 20, sam, NOW) is None
    wallet = LedgerAccount.objects.get(customer=alice)
    assert (wallet.credit_limit_micros, wallet.largest_credit_limit_micros) == (20, 50)
    assert set_limit(999, 0, sam, NOW) == Refusal(Reason.NOT_FOUND)
