"""Where a provider keeps request IDs one question settles a lost answer; what is not proven is not settled."""

from collections.abc import Iterator

import pytest

from sutler.accounts.models import Customer
from sutler.catalogue.models import Service
from sutler.core.event_texts import cause_text
from sutler.fulfilment.models import Attempt, ProviderState
from sutler.fulfilment.reconciling.request_ids import learn
from sutler.orders.models import Order
from tests.fulfilment.upstream_world import World, states, there, world
from tests.orders.ordering import demand_sound_books, placed

MINUTE = 60


@pytest.fixture
def one(service: Service) -> Iterator[World]:
    """A world whose provider keeps request IDs, and may not be asked about IDs of orders: they are all the proof."""
    with world(service, may_scan=False, request_ids="kept") as found:
        found.upstream.keeps_request_ids = True
        yield found


def settled(alice: Customer, one: World, link: str = "known") -> Order:
    order = placed(alice, one.service, one.now(), link=f"https://example.com/{link}")
    one.lie()
    one.live(20)
    one.look(300)
    assert there(order).confirmed_at is not None
    return order


def lost(alice: Customer, one: World, fault: str, link: str = "lost") -> Order:
    order = placed(alice, one.service, one.now(), link=f"https://example.com/{link}")
    one.lie(**{fault: 1.0}, created_late_seconds=200.0, only=frozenset({"add"}))
    one.live(30)
    assert states(order) in (["unknown"], ["sending"])  # refused at once, or waited for by a worker that has died
    one.lie()
    return order


def causes(order: Order) -> list[str]:
    return [cause_text(each.cause) for each in Attempt.objects.filter(order=order).order_by("pk")]


def asked(one: World, action: str) -> int:
    return sum(fields.get("action") == action for _, fields in one.asked)


def test_each_add_has_an_id_of_its_own(alice: Customer, one: World) -> None:
    for number in range(3):
        placed(alice, one.service, one.now(), link=f"https://example.com/{number}")
    one.live(20)
    sent = [fields["request_id"] for _, fields in one.asked if fields["action"] == "add"]
    assert len(set(sent)) == 3
    assert sent == list(Attempt.objects.order_by("pk").values_list("request_id", flat=True))


def test_nothing_of_it_is_sent_where_they_are_not_kept(alice: Customer, one: World) -> None:
    ProviderState.objects.update(request_ids="none")
    placed(alice, one.service, one.now())
    one.live(20)
    assert [fields for _, fields in one.asked if "request_id" in fields] == []


def test_what_was_made_is_found_with_one_question(alice: Customer, one: World) -> None:
    settled(alice, one)
    order = lost(alice, one, "answer_lost")
    before = asked(one, "find")
    one.look(6 * MINUTE)
    assert states(order) == ["accepted"]
    assert asked(one, "find") == before + 1
    assert there(order).upstream_id == one.upstream.orders_for(order.link)[0].id
    assert causes(order) == ["found by its request ID"]
    demand_sound_books()


def test_what_is_made_late_is_found_and_not_sent_again(alice: Customer, one: World) -> None:
    settled(alice, one)
    order = lost(alice, one, "created_late")
    one.look(20 * MINUTE)
    one.live(60)
    assert states(order) == ["accepted"]
    assert len(one.upstream.orders_for(order.link)) == 1


def test_what_was_not_made_is_absent_after_the_window_and_asked_about_twice(alice: Customer, one: World) -> None:
    settled(alice, one)
    order = lost(alice, one, "request_lost")
    one.look(12 * MINUTE)
    assert states(order) == ["unknown"]  # it may still come
    one.look(12 * MINUTE)
    assert states(order)[0] == "absent"
    assert causes(order)[0] == "the provider knows no order with its request ID"
    one.live(60)
    assert states(order) == ["absent", "accepted"]
    assert len(one.upstream.orders_for(order.link)) == 1


def test_a_panel_that_does_not_find_what_is_there_proves_nothing(alice: Customer, one: World) -> None:
    """As after a move to another program that has forgotten the request IDs."""
    settled(alice, one)
    order = lost(alice, one, "answer_lost")
    one.upstream._by_request_id.clear()
    one.look(40 * MINUTE)
    assert states(order) == ["staff"]
    assert len(one.upstream.orders_for(order.link)) == 1


def test_one_that_knows_no_order_of_ours_yet_proves_nothing(alice: Customer, one: World) -> None:
    order = lost(alice, one, "request_lost")
    one.look(40 * MINUTE)
    assert states(order) == ["staff"]


def test_an_id_that_another_order_has_is_not_believed(alice: Customer, one: World) -> None:
    known = settled(alice, one)
    order = lost(alice, one, "request_lost")
    request = one.upstream.key, Attempt.objects.get(order=order).request_id
    one.upstream._by_request_id[request] = one.upstream.orders_for(known.link)[0]
    one.look(40 * MINUTE)
    assert states(order) == ["staff"]
    assert states(known) == ["accepted"]


def test_it_holds_no_other_order_for_its_charge(alice: Customer, one: World) -> None:
    settled(alice, one)
    lost(alice, one, "request_lost")
    other = placed(alice, one.service, one.now(), link="https://example.com/other")
    one.look(4 * MINUTE)
    one.upstream.keeps_request_ids = False
    one.live(10)
    assert states(other) == ["accepted"]


@pytest.mark.parametrize(
    ("keeps", "faults", "kept"),
    [
        (True, {}, "claimed"),
        (False, {}, "none"),
        (True, {"dialect": 1.0}, "none"),
        (True, {"html": 1.0}, "unasked"),
        (True, {"too_many_requests": 1.0}, "unasked"),
        (True, {"request_lost": 1.0}, "unasked"),
    ],
)
def test_a_provider_is_asked_once_whether_it_keeps_them(
    one: World, keeps: bool, faults: dict[str, float], kept: str
) -> None:
    ProviderState.objects.update(request_ids="unasked")
    one.upstream.keeps_request_ids = keeps
    one.lie(**faults)
    assert one.run(learn) is (kept != "unasked")
    assert ProviderState.objects.get().request_ids == kept
    assert one.run(learn) is False or kept == "unasked"


def test_one_that_does_not_is_asked_again_the_next_day(one: World) -> None:
    ProviderState.objects.update(request_ids="unasked")
    one.upstream.keeps_request_ids = False
    one.run(learn)
    one.skip(23 * 60 * MINUTE)
    assert not one.run(learn)
    one.skip(2 * 60 * MINUTE)
    one.upstream.keeps_request_ids = True
    assert one.run(learn)
    assert ProviderState.objects.get().request_ids == "claimed"


@pytest.mark.parametrize(("keeps", "kept"), [(True, "kept"), (False, "none")])
def test_it_is_believed_once_it_has_named_an_order_of_ours(alice: Customer, one: World, keeps: bool, kept: str) -> None:
    ProviderState.objects.update(request_ids="claimed")
    assert one.run(learn) is False
    settled(alice, one)
    ProviderState.objects.update(request_ids="claimed")
    one.upstream.keeps_request_ids = keeps
    assert one.run(learn)
    assert ProviderState.objects.get().request_ids == kept


@pytest.mark.parametrize(("kept", "is_held"), [("kept", False), ("claimed", True), ("none", True)])
def test_an_unknown_outcome_holds_others_of_its_charge_unless_it_can_be_found(
    alice: Customer, one: World, kept: str, is_held: bool
) -> None:
    for number in range(8):  # so many that holding one is no standstill
        placed(alice, one.service, one.now(), link=f"https://example.com/{number}")
    one.live(20)
    lost(alice, one, "request_lost")
    ProviderState.objects.update(request_ids=kept)
    one.upstream.keeps_request_ids = False
    other = placed(alice, one.service, one.now(), link="https://example.com/other")
    one.live(3)
    assert (states(other) != ["accepted"]) is is_held


def test_one_that_no_longer_finds_what_is_there_is_believed_no_longer(alice: Customer, one: World) -> None:
    settled(alice, one)
    lost(alice, one, "request_lost")
    one.upstream.keeps_request_ids = False
    one.look(30 * MINUTE)
    assert ProviderState.objects.get().request_ids == "none"
