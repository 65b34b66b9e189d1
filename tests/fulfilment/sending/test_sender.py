"""The sender: claim, commit, call, settle, commit, in simulated time against a scripted upstream."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.attempts import AttemptState
from sutler.fulfilment.models import Attempt, LoggedCall, Provider, ProviderMinute, ProviderState, UpstreamOrder
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.sending import claims, outcome, sender
from sutler.fulfilment.sending.sender import Sender
from sutler.orders import cancel
from sutler.orders.models import Order
from sutler.storage.transactions import Busy
from tests.conftest import NOW, START_MICROS
from tests.fulfilment.upstream_world import InTheLoop, World, plan_all, states, there, world
from tests.orders.ordering import balance, demand_sound_books, held, placed

pytestmark = pytest.mark.postgresql

S = AttemptState


@pytest.fixture
def one(service: Service) -> Iterator[World]:
    with world(service) as found:
        yield found


def ordered(customer: Customer, service: Service, count: int) -> list[Order]:
    """So many orders, of as many links and charges: none is held for another."""
    made = [
        placed(customer, service, link=f"https://example.com/{number}", quantity=1000 + number)
        for number in range(count)
    ]
    plan_all()
    return made


def send_for(one: World, seconds: float, **faults: Any) -> float:
    """Has a sender send for so long, then stop; returns when it had ended."""
    one.lie(**faults)

    async def work(session: ProviderSession) -> float:
        await session.database.run(lambda: ProviderState.objects.update(leased_until=NOW + timedelta(days=1)))
        sending_loop = Sender(session, session.database)
        running = asyncio.create_task(sending_loop.run())
        await asyncio.sleep(seconds)
        sending_loop.stop()
        await running
        return one.loop.time()

    return one.run(work)


def adds(one: World) -> list[float]:
    """When each `add` left."""
    return [at for at, asked in one.asked if asked["action"] == "add"]


@pytest.mark.long
def test_an_upstream_that_answers_after_a_minute_ends_with_one_order_one_charge_and_it_is_followed(
    alice: Customer, service: Service, one: World
) -> None:
    one.lie(answered_late=1.0, late_seconds=60.0, only=frozenset({"add"}))
    order = placed(alice, service)
    one.live(90)
    one.look(3 * 3600)
    [theirs] = one.upstream.journal()
    assert len(adds(one)) == 1
    assert (states(order), there(order).upstream_id) == (["accepted"], theirs.id)
    assert balance(alice) == START_MICROS - order.charge_micros
    order.refresh_from_db()
    assert (order.status, theirs.final) == ("Completed", "Completed")
    assert held("cost") == theirs.charge_micros
    demand_sound_books()


def test_sending_is_stored_before_a_byte_leaves(alice: Customer, service: Service, one: World) -> None:
    ordered(alice, service, 2)
    stored: list[list[str]] = []
    answer = one._answer

    async def watch(request: Any) -> Any:
        stored.append(await InTheLoop().run(lambda: list(Attempt.objects.values_list("state", flat=True))))
        return await answer(request)

    one._answer = watch  # type: ignore[method-assign]
    send_for(one, 1)
    assert stored == [["sending", "sending"]] * 2


def test_all_that_waits_is_sent_once(alice: Customer, service: Service, one: World) -> None:
    orders = ordered(alice, service, 20)
    send_for(one, 5)
    assert [states(each) for each in orders] == [["accepted"]] * 20
    journal = one.upstream.journal()
    assert sorted(each.link for each in journal) == sorted(each.link for each in orders)
    assert set(UpstreamOrder.objects.values_list("upstream_id", flat=True)) == {each.id for each in journal}
    assert ProviderMinute.objects.get().adds == 20


def test_the_rate_limit_holds_and_no_turn_is_wasted(alice: Customer, service: Service, one: World) -> None:
    Provider.objects.update(call_interval_milliseconds=100)
    ordered(alice, service, 30)
    send_for(one, 10, answered_late=1.0, late_seconds=0.25)
    left = adds(one)
    assert len(left) == 30
    gaps = [round(after - before, 3) for before, after in pairwise(left)]
    assert gaps == [0.1] * 29


def test_a_slow_answer_does_not_keep_others_from_leaving(alice: Customer, service: Service, one: World) -> None:
    Provider.objects.update(call_interval_milliseconds=1000, most_at_once=8)
    ordered(alice, service, 6)
    send_for(one, 10, answered_late=1.0, late_seconds=60.0)
    assert [round(each) for each in adds(one)] == [0, 1, 2, 3, 4, 5]


def test_no_more_are_out_at_once_than_the_provider_takes(alice: Customer, service: Service, one: World) -> None:
    ordered(alice, service, 7)
    send_for(one, 150, answered_late=1.0, late_seconds=50.0)
    assert [round(each) for each in adds(one)] == [0, 0, 0, 50, 50, 50, 100]


def test_told_to_stop_it_claims_nothing_more_and_waits_for_what_is_out(
    alice: Customer, service: Service, one: World
) -> None:
    orders = ordered(alice, service, 4)
    ended = send_for(one, 1, answered_late=1.0, late_seconds=50.0)
    assert 50 <= ended < 52
    assert [states(each) for each in orders] == [["accepted"]] * 3 + [["planned"]]


def test_one_that_dies_leaves_what_is_out_to_its_lease(alice: Customer, service: Service, one: World) -> None:
    order = placed(alice, service)
    one.lie(answered_late=1.0, late_seconds=60.0)
    one.live(10)
    assert states(order) == ["sending"]
    one.lie()
    one.look(150)
    assert states(order) == ["sending"]
    one.look(120)
    assert (states(order), len(adds(one))) == (["unknown"], 1)


@pytest.mark.parametrize(
    ("fault", "state", "status"),
    [
        ("unreachable", "not sent", "Pending"),
        ("too_many_requests", "declined", "Pending"),
        ("request_lost", "unknown", "Processing"),
        ("answer_lost", "unknown", "Processing"),
        ("html", "unknown", "Processing"),
        ("http_502", "unknown", "Processing"),
        ("truncated", "unknown", "Processing"),
        ("unclear_error", "unknown", "Processing"),
        ("rate_limited", "declined", "Pending"),
    ],
)
def test_what_troubles_the_way_comes_to(
    alice: Customer, service: Service, one: World, fault: str, state: str, status: str
) -> None:
    [order] = ordered(alice, service, 1)
    send_for(one, 1, **{fault: 1.0})
    order.refresh_from_db()
    assert (states(order)[0], order.status) == (state, status)
    logged = LoggedCall.objects.filter(order_id=order.pk)
    assert logged.count() == len(adds(one)) == 1
    assert balance(alice) == START_MICROS - order.charge_micros


def test_a_provider_out_of_reach_is_tried_again_until_it_answers(alice: Customer, service: Service, one: World) -> None:
    order = placed(alice, service)
    one.lie(unreachable=1.0)
    one.live(30)
    one.lie()
    one.live(60)
    assert states(order)[-1] == "accepted"
    assert set(states(order)[:-1]) == {"not sent"}
    assert len(one.upstream.journal()) == 1


def test_a_claim_that_could_not_leave_in_time_is_given_up_unsent(
    alice: Customer, service: Service, one: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    [order] = ordered(alice, service, 1)
    turn = ProviderSession.turn

    async def late(session: ProviderSession) -> None:
        await asyncio.sleep(sender.SEND_WITHIN_SECONDS + 1)
        await turn(session)

    monkeypatch.setattr(ProviderSession, "turn", late)
    send_for(one, 70)
    assert (states(order)[0], adds(one)) == ("not sent", [])


def test_a_database_that_is_away_loses_no_answer(
    alice: Customer, service: Service, one: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    [order] = ordered(alice, service, 1)
    take, tries = outcome.apply_outcomes, []

    def away(*args: Any) -> list[int]:
        tries.append(one.loop.time())
        if len(tries) < 8:
            raise Busy("locked")
        return take(*args)

    monkeypatch.setattr(outcome, "apply_outcomes", away)
    send_for(one, 1)
    assert (states(order), len(tries), len(adds(one))) == (["accepted"], 8, 1)


def test_a_claim_that_cannot_be_made_is_made_later(
    alice: Customer, service: Service, one: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    [order] = ordered(alice, service, 1)
    take, faults = claims.claim_locked, [Busy("locked"), RuntimeError("a bug")]

    def broken(*args: Any) -> list[claims.Claim]:
        if faults:
            raise faults.pop()
        return take(*args)

    monkeypatch.setattr(claims, "claim_locked", broken)
    send_for(one, 5)
    assert states(order) == ["accepted"]


def test_one_answer_that_cannot_be_written_spoils_no_other(
    alice: Customer, service: Service, one: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = ordered(alice, service, 3)
    take = outcome.apply_outcomes
    bad = Attempt.objects.get(order=orders[1]).pk

    def broken(provider: Provider, outcomes: Any, *rest: Any) -> list[int]:
        if bad in [each.attempt_id for each in outcomes]:
            raise RuntimeError("a bug")
        return take(provider, outcomes, *rest)

    monkeypatch.setattr(outcome, "apply_outcomes", broken)
    send_for(one, 5)
    assert [states(each) for each in orders] == [["accepted"], ["sending"], ["accepted"]]


def test_a_cancel_while_the_answer_is_out_is_kept(alice: Customer, service: Service, one: World) -> None:
    order = placed(alice, service)
    one.lie(answered_late=1.0, late_seconds=60.0)
    one.live(10)
    assert cancel.request_cancels(alice.pk, [order.pk], NOW) == [None]
    order.refresh_from_db()
    assert (order.status, order.cancel_requests.get().status) == ("Processing", "Open")
    assert balance(alice) == START_MICROS - order.charge_micros
