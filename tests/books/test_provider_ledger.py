"""A provider's account in the books: what is paid in and drawn, once for each name, and a sum that stays quick."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sutler.books.account_sums import ALL_COMMITTED_AFTER, Sum, renew, summed
from sutler.books.models import LedgerAccount, Snapshot, Transfer
from sutler.books.post import Entry, house, post
from sutler.core.money import LARGEST_MICROS
from sutler.core.refusals import Reason, Refusal
from sutler.fulfilment.models import Provider
from sutler.fulfilment.providers import ledger
from sutler.fulfilment.providers.ledger import account, book_balance_micros, draw, top_up
from tests.conftest import NOW
from tests.fulfilment.upstream import make_provider

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


@pytest.fixture
def provider() -> Provider:
    return make_provider()


def spend(provider: Provider, micros: int, number: int, now: datetime = NOW) -> None:
    """As an order does that costs so much, or gives back so much."""
    held, cost = account(provider.pk, provider.currency), house(LedgerAccount.Kind.COST, provider.currency)
    ends = (held, cost) if micros > 0 else (cost, held)
    with transaction.atomic():
        post([Entry(f"cost:{number}", *ends, abs(micros), number)], now)


def renewed(provider: Provider, now: datetime) -> Snapshot:
    with transaction.atomic():
        ledger.renew_snapshot(provider, now)
    return Snapshot.objects.get(pk=account(provider.pk, provider.currency))


class TestAccount:
    def test_a_provider_has_one_account_in_its_currency(self, provider: Provider) -> None:
        other = make_provider(name="Other", currency="EUR")
        ids = [account(each.pk, each.currency) for each in (provider, other, provider)]
        assert ids[0] == ids[2] != ids[1]
        assert list(
            LedgerAccount.objects.filter(kind="provider").values_list("currency", flat=True).order_by("pk")
        ) == [
            "USD",
            "EUR",
        ]

    def test_before_it_is_opened_the_books_hold_nothing_there(self, provider: Provider) -> None:
        assert book_balance_micros(provider.pk) == 0
        assert not LedgerAccount.objects.exists()

    def test_what_is_paid_in_comes_from_outside_and_what_is_drawn_goes_there(self, provider: Provider) -> None:
        assert top_up(provider.pk, 5_000_000, "inv-1", "card", NOW) == 5_000_000
        assert draw(provider.pk, 7_000_000, "fee-1", "their fee", NOW) == -2_000_000
        assert book_balance_micros(provider.pk) == -2_000_000
        rows = Transfer.objects.order_by("pk").values_list("cause", "debit__kind", "credit__kind", "reason")
        assert list(rows) == [
            ("topup:inv-1", "deposits", "provider", "card"),
            ("drawn:fee-1", "provider", "deposits", "their fee"),
        ]

    def test_under_one_name_it_is_booked_once(self, provider: Provider) -> None:
        for _ in range(2):
            assert top_up(provider.pk, 5_000_000, "inv-1", "card", NOW) == 5_000_000
        assert Transfer.objects.count() == 1

    def test_a_name_that_stands_for_something_else_is_refused(self, provider: Provider) -> None:
        other = make_provider(name="Other")
        top_up(provider.pk, 5_000_000, "inv-1", "card", NOW)
        taken = Refusal(Reason.INCORRECT_FIELD, "name")
        assert top_up(provider.pk, 5_000_001, "inv-1", "card", NOW) == taken
        assert top_up(other.pk, 5_000_000, "inv-1", "card", NOW) == taken
        assert (book_balance_micros(provider.pk), book_balance_micros(other.pk)) == (5_000_000, 0)

    @pytest.mark.parametrize("book", [top_up, draw])
    @pytest.mark.parametrize(
        ("field", "given"),
        [
            *(("amount", {"amount_micros": each}) for each in (0, -1, LARGEST_MICROS + 1)),
            *(("reason", {"reason": each}) for each in ("", "  ", "x" * 501)),
            *(("name", {"name": each}) for each in ("", "x" * 51, "a\nb", "a\x00")),
            ("provider", {"provider_id": 10**9}),
        ],
    )
    def test_bad_input_is_refused_and_nothing_is_booked(
        self, provider: Provider, book: Any, field: str, given: dict[str, Any]
    ) -> None:
        values = {"provider_id": provider.pk, "amount_micros": 1, "name": "a", "reason": "b", "now": NOW} | given
        assert book(**values) == Refusal(Reason.INCORRECT_FIELD, field)
        assert not Transfer.objects.exists()


class TestOpening:
    @pytest.mark.parametrize(
        ("said", "cause", "amount"), [(3_000_000, "topup", 3_100_000), (-200_000, "drawn", 100_000), (-100_000, "", 0)]
    )
    def test_the_books_begin_with_what_was_said(self, provider: Provider, said: int, cause: str, amount: int) -> None:
        spend(provider, 100_000, 1)
        with transaction.atomic():
            ledger.open_with(provider, said, NOW)
        assert book_balance_micros(provider.pk) == said
        opened = Transfer.objects.filter(order_id=None).values_list("cause", "amount_micros")
        assert list(opened) == ([(f"{cause}:opening:{provider.pk}", amount)] if cause else [])


class TestSnapshot:
    def test_it_never_counts_a_transfer_that_may_still_be_on_its_way(self, provider: Provider) -> None:
        """A transaction that drew a lower id may be committed after one with a higher id: here, the deleted one."""
        spend(provider, 1, 1)
        late = Transfer.objects.get(cause="cost:1")
        spend(provider, 2, 2)
        Transfer.objects.filter(pk=late.pk).delete()
        assert renewed(provider, NOW).through_id == 0
        assert renewed(provider, NOW + ALL_COMMITTED_AFTER / 2).through_id == 0
        late.save(force_insert=True)
        snapshot = renewed(provider, NOW + ALL_COMMITTED_AFTER)
        assert (snapshot.sum_micros, snapshot.transfers) == (-3, 2)
        assert book_balance_micros(provider.pk) == -3

    def test_only_what_came_since_is_summed(self, provider: Provider) -> None:
        for number in range(3):
            spend(provider, 10, number)
            renewed(provider, NOW + timedelta(minutes=5 * number))
        held = account(provider.pk, "USD")
        assert Snapshot.objects.get(pk=held).transfers == 2
        Transfer.objects.filter(cause="cost:0").delete()  # as nobody may: the sum does not look there again
        assert summed(held).micros == -30

    def test_an_account_without_transfers_holds_nothing(self, provider: Provider) -> None:
        assert (renewed(provider, NOW).transfers, renewed(provider, NOW + timedelta(hours=1)).sum_micros) == (0, 0)
        assert book_balance_micros(provider.pk) == 0

    def test_other_accounts_are_not_counted(self, provider: Provider) -> None:
        other = make_provider(name="Other")
        spend(provider, 10, 1)
        spend(other, 3, 2)
        for minutes in (0, 5, 10):
            renewed(provider, NOW + timedelta(minutes=minutes))
        assert (book_balance_micros(provider.pk), book_balance_micros(other.pk)) == (-10, -3)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(course=st.lists(st.tuples(st.integers(-9, 9), st.booleans()), max_size=20))
def test_with_or_without_snapshots_the_sum_is_that_of_all_transfers(db: None, course: list[tuple[int, bool]]) -> None:
    with transaction.atomic():
        provider, now = make_provider(), NOW
        held = account(provider.pk, "USD")
        for number, (micros, is_renewed) in enumerate(course):
            now += timedelta(minutes=1)
            if micros:
                spend(provider, micros, number, now)
            if is_renewed:
                renew(held, now)
            so_far = [each for each, _ in course[: number + 1]]
            assert summed(held) == Sum(-sum(so_far), sum(map(bool, so_far)))
        transaction.set_rollback(True)
