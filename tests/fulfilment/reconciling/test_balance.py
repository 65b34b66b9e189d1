"""Looking after a provider's account: the balance, the gap between it and our books, the alarms, its health."""

from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest

from sutler.accounts.models import Customer
from sutler.books.models import Snapshot, Transfer
from sutler.catalogue.models import Service
from sutler.core.attempts import AttemptState
from sutler.core.event_texts import cause_text
from sutler.core.lifecycle import Status
from sutler.core.money import Micros
from sutler.fulfilment.models import Alarm, AskTime, Attempt, LoggedCall, Provider, ProviderMinute
from sutler.fulfilment.polling import poll
from sutler.fulfilment.providers import health
from sutler.fulfilment.providers.health import Health
from sutler.fulfilment.providers.ledger import book_balance_micros, top_up
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.reconciling import balance
from sutler.panels.results import Balance
from tests.conftest import NOW
from tests.fulfilment.upstream import There, alarms, make_provider

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

BALANCE, LOW, KEY = Alarm.Kind.BALANCE, Alarm.Kind.LOW_BALANCE, Alarm.Kind.KEY_OR_FUNDS
START_MICROS = 10_000_000_000
FIVE_MINUTES = 300.0


@pytest.fixture
def there(alice: Customer, service: Service) -> There:
    return There(alice, service)


def cared(there: There, passes: int = 1) -> Provider:
    """The provider after so many passes, five minutes apart."""
    for _ in range(passes):
        there.run(balance.care)
        there.time.passed += FIVE_MINUTES
    there.provider.refresh_from_db()
    return there.provider


def followed(there: There) -> None:
    """Every order that is due there is asked about."""
    there.run(poll.poll)


def take_there(there: There, micros: int) -> None:
    """So much goes from the account there, and nobody says why."""
    (account,) = there.upstream.panel.accounts.values()
    account.balance_micros -= micros


def answering(body: str, code: int = 200) -> Callable[[dict[str, str]], httpx2.Response]:
    return lambda _: httpx2.Response(code, text=body, headers={"Content-Type": "application/json"})


def attempt(there: There, state: AttemptState, **fields: object) -> Attempt:
    """An attempt with this provider that stands so."""
    sent, _ = there.sent()
    Attempt.objects.filter(pk=sent.attempt_id).update(state=state, **fields)
    return Attempt.objects.get(pk=sent.attempt_id)


class TestBalance:
    def test_the_first_one_opens_the_account_in_the_books(self, there: There) -> None:
        provider = cared(there)
        assert (provider.live_state.balance_micros, provider.live_state.balance_at, provider.live_state.gap_micros) == (
            START_MICROS,
            NOW,
            0,
        )
        assert book_balance_micros(provider.pk) == START_MICROS
        opened = Transfer.objects.get(credit__provider_id=provider.pk)
        assert (opened.cause, opened.amount_micros) == (f"topup:opening:{provider.pk}", START_MICROS)

    def test_orders_before_the_first_one_are_part_of_it(self, there: There) -> None:
        there.sent()
        provider = cared(there)
        assert (provider.live_state.balance_micros, provider.live_state.gap_micros) == (START_MICROS - 500_000, 0)
        assert Transfer.objects.get(cause=f"topup:opening:{provider.pk}").amount_micros == START_MICROS

    def test_it_is_asked_every_five_minutes(self, there: There) -> None:
        for seconds, asked in ((0, 1), (30, 1), (298, 1), (301, 2), (400, 2)):
            there.time.passed = seconds
            there.run(balance.care)
            assert len(there.asked) == asked, seconds

    def test_an_answer_that_is_none_is_asked_for_again_and_changes_nothing(self, there: There) -> None:
        there.between = answering("<html>")
        there.run(balance.care)
        there.provider.refresh_from_db()
        assert (there.provider.live_state.balance_at, there.provider.live_state.gap_micros, alarms()) == (
            None,
            None,
            [],
        )
        there.between = lambda _: None
        assert cared(there).live_state.gap_micros == 0

    def test_a_balance_below_zero_is_understood(self, there: There) -> None:
        there.between = answering('{"balance":"-3.5","currency":"USD"}')
        provider = cared(there)
        assert (provider.live_state.balance_micros, book_balance_micros(provider.pk)) == (-3_500_000, -3_500_000)

    def test_the_snapshot_of_the_account_keeps_up(self, there: There) -> None:
        cared(there, 2)
        assert Snapshot.objects.get().sum_micros == START_MICROS


class TestJournal:
    def test_calls_that_nobody_else_has_written_down_are_kept(self, there: There) -> None:
        async def asked_and_cared(session: ProviderSession) -> None:
            await session.ask(lambda panel: panel.status("7"))
            await balance.care(session)
            assert session.calls == []
            await session.ask(lambda panel: panel.status("8"))
            await balance.care(session)
            assert session.calls == []

        there.run(asked_and_cared)
        assert [each.asked["order"] for each in LoggedCall.objects.order_by("pk")] == ["7", "8"]
        assert ProviderMinute.objects.get().calls == 3

    def test_old_minutes_are_forgotten(self, there: There) -> None:
        ProviderMinute.objects.create(provider=there.provider, minute=NOW - timedelta(days=8))
        cared(there)
        assert ProviderMinute.objects.get().calls == 1


class TestGap:
    def test_it_is_what_our_books_hold_more_than_was_said(self, there: There) -> None:
        cared(there)
        take_there(there, 250_000)
        assert cared(there).live_state.gap_micros == 250_000

    @pytest.mark.parametrize(
        "state", [AttemptState.SENDING, AttemptState.UNKNOWN, AttemptState.STAFF], ids=lambda each: each.value
    )
    def test_it_is_not_measured_while_an_order_is_on_the_way(self, there: There, state: AttemptState) -> None:
        cared(there)
        one = attempt(there, state)
        take_there(there, 250_000)
        provider = cared(there)
        assert (provider.live_state.gap_micros, provider.live_state.balance_micros) == (0, START_MICROS - 750_000)
        Attempt.objects.filter(pk=one.pk).update(state=AttemptState.ACCEPTED)
        assert cared(there).live_state.gap_micros == 250_000

    def test_a_refill_on_the_way_costs_nothing(self, there: There) -> None:
        cared(there)
        attempt(there, AttemptState.UNKNOWN, action="refill")
        take_there(there, 250_000)
        assert cared(there).live_state.gap_micros == 250_000

    @pytest.mark.parametrize("state", [AttemptState.ACCEPTED, AttemptState.SENDING], ids=lambda each: each.value)
    def test_what_happens_while_the_balance_is_asked_leaves_the_old_one(
        self, there: There, state: AttemptState
    ) -> None:
        cared(there)
        before = balance.standing(there.provider.pk)
        attempt(there, state)
        said = Balance(Micros(START_MICROS - 250_000), "USD")
        provider = balance.record(there.provider.pk, before, said, (), there.time.now())
        assert (provider.live_state.gap_micros, provider.live_state.balance_micros) == (0, START_MICROS - 250_000)


class TestAlarm:
    def test_what_is_missing_for_two_passes_is_told_with_the_amounts(self, there: There) -> None:
        cared(there)
        take_there(there, 250_000)
        cared(there)
        assert alarms() == []
        cared(there)
        (alarm,) = Alarm.objects.filter(closed_at=None)
        assert (alarm.kind, alarm.times) == (BALANCE, 1)
        assert "is 9999.75 USD, 0.25 less than recorded here (10000.00)" in cause_text(alarm.cause)

    def test_a_top_up_that_is_not_booked_is_told_and_the_alarm_closes_once_it_is(self, there: There) -> None:
        cared(there)
        take_there(there, -100_000_000)
        cared(there, 3)
        (alarm,) = Alarm.objects.filter(closed_at=None)
        assert (alarm.times, "100.00 more than recorded here" in cause_text(alarm.cause)) == (2, True)
        top_up(there.provider.pk, 100_000_000, "inv-1", "card", NOW)
        cared(there)
        assert alarms() == []

    def test_a_gap_that_passes_is_none(self, there: There) -> None:
        cared(there)
        take_there(there, 250_000)
        cared(there)
        take_there(there, -250_000)
        provider = cared(there)
        assert (alarms(), provider.live_state.suspect_gap_micros, provider.live_state.suspect_at) == ([], None, None)
        take_there(there, 250_000)
        cared(there)
        assert alarms() == []

    def test_a_gap_to_the_other_side_begins_anew(self, there: There) -> None:
        cared(there)
        take_there(there, 250_000)
        cared(there)
        take_there(there, -500_000)
        assert cared(there).live_state.suspect_gap_micros == -250_000
        assert alarms() == []
        cared(there)
        assert alarms() == ["whole"]

    @pytest.mark.parametrize(("micros", "told"), [(20, []), (-20, []), (21, ["whole"]), (-21, ["whole"])])
    def test_what_may_hide_behind_the_digits_shown_is_no_gap(self, there: There, micros: int, told: list[str]) -> None:
        """10 micros for the balance, and 10 for the one transfer that the books have."""
        cared(there)
        Transfer.objects.filter(order_id=None, cause__startswith="topup").update(amount_micros=START_MICROS + micros)
        Snapshot.objects.all().delete()
        cared(there, 2)
        assert alarms() == told

    @pytest.mark.parametrize("final", [Status.CANCELED, Status.PARTIAL])
    def test_an_order_that_ended_and_was_not_asked_about_since_is_no_alarm(self, there: There, final: Status) -> None:
        there.sent_until(final)
        cared(there)
        there.time.passed += 1000
        provider = cared(there, 4)
        assert provider.live_state.gap_micros is not None
        assert provider.live_state.gap_micros < 0
        assert alarms(BALANCE) == []
        there.time.passed += 3600
        followed(there)
        provider = cared(there, 3)
        assert (provider.live_state.gap_micros, alarms(BALANCE)) == (0, [])

    def test_a_refund_that_the_answers_explain_afterwards_begins_anew_for_the_rest(self, there: There) -> None:
        """Order one explains the first gap; order two ends only then, and waits to be asked in its turn."""
        first, _ = there.sent_until(Status.CANCELED)
        cared(there)
        there.time.passed += 1000
        cared(there)
        there.sent_until(Status.CANCELED)
        there.time.passed += 2000
        AskTime.objects.exclude(upstream_order=first).update(ask_at=there.time.now() + timedelta(days=1))
        followed(there)
        provider = cared(there)
        assert (provider.live_state.gap_micros is not None and provider.live_state.gap_micros < 0, alarms(BALANCE)) == (
            True,
            [],
        )

    def test_what_is_over_beyond_what_the_answers_explain_is_told(self, there: There) -> None:
        there.sent_until(Status.CANCELED)
        cared(there)
        there.time.passed += 1000
        take_there(there, -7_000_000)
        cared(there)
        there.time.passed += 3600
        followed(there)
        cared(there)
        (alarm,) = Alarm.objects.filter(closed_at=None, kind=BALANCE)
        assert "7.00 more than recorded here" in cause_text(alarm.cause)

    def test_an_overcharge_that_was_told_is_not_told_twice(self, there: There) -> None:
        cared(there)
        there.lie(overcharge=1.0)
        there.sent()
        there.lie()
        provider = cared(there)
        assert provider.live_state.gap_micros is not None
        assert provider.live_state.gap_micros > 0
        followed(there)
        cared(there, 3)
        assert set(Alarm.objects.filter(closed_at=None).values_list("kind", flat=True)) == {Alarm.Kind.OVERCHARGE}

    def test_an_account_that_people_use_by_hand_differs_always(self, there: There) -> None:
        Provider.objects.update(is_shared=True)
        cared(there)
        take_there(there, 250_000)
        assert cared(there, 4).live_state.gap_micros == 250_000
        assert alarms() == []

    def test_a_balance_in_another_currency_is_told_and_not_taken_over(self, there: There) -> None:
        there.between = answering('{"balance":"5.00","currency":"EUR"}')
        provider = cared(there)
        assert (provider.live_state.balance_micros, alarms(BALANCE)) == (None, ["balance currency"])
        there.between = lambda _: None
        cared(there)
        assert alarms() == []

    def test_a_key_that_is_refused_is_told_until_it_is_taken(self, there: There) -> None:
        there.between = answering('{"error":"Invalid API key"}')
        cared(there)
        assert alarms(KEY) == ["balance"]
        there.between = lambda _: None
        cared(there)
        assert alarms() == []

    @pytest.mark.parametrize(
        ("low", "told"),
        [(None, []), (START_MICROS, []), (START_MICROS + 1, ["whole"])],
        ids=["none", "just enough", "less"],
    )
    def test_a_low_balance_is_told(self, there: There, low: int | None, told: list[str]) -> None:
        Provider.objects.update(low_balance_micros=low)
        cared(there)
        assert alarms(LOW) == told
        take_there(there, -10)
        top_up(there.provider.pk, 10, "ten", "ten", NOW)
        cared(there)
        assert alarms(LOW) == []


class TestHealth:
    def test_it_adds_up_the_minutes_that_count(self, there: There) -> None:
        numbers = {"calls": 10, "declined": 1, "unanswered": 2, "adds": 4, "unknown_adds": 1}
        for minutes, slowest in ((0, 70), (59, 90), (60, 5_000)):
            minute = NOW - timedelta(minutes=minutes)
            ProviderMinute.objects.create(
                provider=there.provider, minute=minute, total_milliseconds=500, slowest_milliseconds=slowest, **numbers
            )
        found = health.of_provider(there.provider.pk, NOW)
        assert found == Health(20, 2, 4, 8, 2, 1000, 90)
        assert (found.error_rate, found.unknown_rate, found.mean_milliseconds) == (0.3, 0.25, 50)
        assert health.of_provider(there.provider.pk, NOW, minutes=24 * 60).slowest_milliseconds == 5_000

    def test_of_a_provider_that_was_not_asked_nothing_is_known(self, there: There) -> None:
        found = health.of_provider(there.provider.pk, NOW)
        assert (found, found.error_rate, found.unknown_rate, found.mean_milliseconds) == (Health(), 0.0, 0.0, 0)


def test_the_health_of_all_is_that_of_each() -> None:
    busy, idle = make_provider(name="Busy"), make_provider(name="Idle")
    numbers = {"calls": 4, "declined": 1, "adds": 2, "unknown_adds": 1, "total_milliseconds": 80}
    for minutes in (1, 30, 90):
        ProviderMinute.objects.create(
            provider=busy, minute=NOW - timedelta(minutes=minutes), slowest_milliseconds=minutes, **numbers
        )
    for each, counts in health.of_all(NOW):
        assert counts == health.of_provider(each.pk, NOW)
    assert [each for each, _ in health.of_all(NOW)] == [busy, idle]
