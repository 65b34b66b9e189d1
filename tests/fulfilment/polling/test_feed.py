"""The changes feed of a provider that is Sutler: what it tells is applied, and what it cannot tell is polled."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.fulfilment.catalogue.sync import keep_in_step
from sutler.fulfilment.models import AskTime, ProviderMinute, ProviderState
from sutler.fulfilment.polling.feed import follow
from sutler.fulfilment.providers.session import ProviderSession
from sutler.orders.models import Order
from sutler.panels.results import Accepted
from tests.fulfilment.upstream_world import World, send, there, world
from tests.orders.ordering import placed


class Feed:
    """Answers `changes` with what it is given, in the place of the scripted upstream."""

    def __init__(self, one: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[Any] = []
        self.asked: list[dict[str, str]] = []
        monkeypatch.setattr(one, "_answer", self._answer)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(dict(httpx2.QueryParams((await request.aread()).decode())))
        return httpx2.Response(200, content=json.dumps(self.answers.pop(0)))


@pytest.fixture
def one(service: Service) -> Iterator[World]:
    with world(service) as found:
        yield found


@pytest.fixture
def feed(one: World, monkeypatch: pytest.MonkeyPatch) -> Feed:
    return Feed(one, monkeypatch)


def said(status: str, remains: int = 0) -> dict[str, str]:
    return {"charge": "0.50", "start_count": "7", "status": status, "remains": str(remains), "currency": "USD"}


def news(cursor: str, **orders: Any) -> dict[str, Any]:
    return {"cursor": cursor, "orders": {pk.removeprefix("o"): each for pk, each in orders.items()}, "more": False}


def sent(alice: Customer, one: World, upstream_id: str = "501") -> Order:
    order = placed(alice, one.service, one.now())
    send(order, Accepted(upstream_id), one.now())
    return order


def test_what_is_told_is_applied_and_the_cursor_kept(alice: Customer, one: World, feed: Feed) -> None:
    order = sent(alice, one)
    feed.answers = [news("1-a"), news("5-a", o501=said("Completed"), o999=said("Completed")), news("5-a")]
    assert one.run(follow) is False  # where it stands
    assert one.run(follow) is True
    order.refresh_from_db()
    assert (order.status, order.start_count) == ("Completed", 7)
    assert one.run(follow) is False
    assert [each.get("since") for each in feed.asked] == [None, "1-a", "5-a"]
    assert ProviderState.objects.get().changes_cursor == "5-a"


def test_an_order_that_goes_on_is_asked_about_seldom_while_it_lives(alice: Customer, one: World, feed: Feed) -> None:
    order = sent(alice, one)
    feed.answers = [news("1-a"), news("2-a", o501=said("In progress", 400))]
    one.run(follow)
    one.run(follow)
    assert AskTime.objects.get(upstream_order=there(order)).ask_at >= one.now() + timedelta(minutes=59)
    order.refresh_from_db()
    assert (order.status, order.remains) == ("In progress", 400)


@pytest.mark.parametrize("refusal", ["Incorrect request", "Incorrect action", "The stars are not right"])
def test_a_panel_without_one_is_asked_once_a_day(one: World, feed: Feed, refusal: str) -> None:
    feed.answers = [{"error": refusal}] * 2
    for _ in range(3):
        assert one.run(follow) is False
    assert len(feed.asked) == 1
    one.skip(25 * 3600)
    one.run(follow)
    assert len(feed.asked) == 2


def test_a_cursor_that_is_not_known_any_more_begins_anew(one: World, feed: Feed) -> None:
    ProviderState.objects.update(changes_cursor="9-z", changes_at=one.now())
    feed.answers = [{"error": "Incorrect cursor"}, news("3-a")]
    one.run(follow)
    one.run(follow)
    assert [each.get("since") for each in feed.asked] == ["9-z", None]
    assert ProviderState.objects.get().changes_cursor == "3-a"


@pytest.mark.parametrize(
    "answer", [[], {}, {"cursor": 5, "orders": {}}, {"cursor": "x" * 101, "orders": {}}, {"cursor": "1-a"}, None]
)
def test_what_is_no_feed_changes_nothing(one: World, feed: Feed, answer: Any) -> None:
    feed.answers = [answer]
    assert one.run(follow) is False
    assert ProviderState.objects.get().changes_cursor == ""


def test_waiting_for_news_does_not_count_as_slow(alice: Customer, one: World, feed: Feed) -> None:
    sent(alice, one)
    feed.answers = [news("1-a"), news("2-a", o501=said("Completed"))]
    one.run(follow)
    one.run(follow)
    assert sum(ProviderMinute.objects.values_list("total_milliseconds", flat=True)) == 0


def test_a_changed_catalogue_is_fetched_out_of_turn(one: World, feed: Feed) -> None:
    ProviderState.objects.update(changes_cursor="1-a", changes_at=one.now(), catalogue_at=one.now())
    row = {"service": 1, "name": "Followers", "type": "Default", "rate": "0.50", "min": "1", "max": "100000"}
    feed.answers = [news("1-b") | {"services": []}, [row]]

    async def both(session: ProviderSession) -> list[bool]:
        before = await keep_in_step(session) is not None
        await follow(session)
        fetched = await keep_in_step(session) is not None
        return [before, fetched, await keep_in_step(session) is not None]

    assert one.run(both) == [False, True, False]
    assert feed.asked[-1]["action"] == "services"
