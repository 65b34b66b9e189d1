"""What the scripted upstream says under each fault, one by one, and what it really did."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from sutler.core.lifecycle import Status
from sutler.simulator.catalogue import HOSTILE_NAMES
from sutler.simulator.faults import SHARES, SWITCHES, Faults
from sutler.simulator.status import OTHER_WORDS, UNKNOWN_WORDS
from tests.simulator.simulated import LINK, START_MICROS, Caller

CALLS = 24
NOT_FOUND = {"error": "Incorrect order ID"}


def foreign_id(caller: Caller) -> None:
    order_id = caller.add()["order"]
    (order,) = caller.upstream.orders_for(LINK)
    assert order_id > int(order.id)
    caller.upstream.faults = Faults()
    assert caller.ask("status", order=order_id) == NOT_FOUND
    assert caller.placed(f"{LINK}/2").id != str(order_id)
    assert (order.told, order.fault) == (False, "foreign_id")


def repeated_id(caller: Caller) -> None:
    first = caller.add()["order"]
    assert caller.add()["order"] == first
    assert [each.told for each in caller.upstream.orders_for(LINK)] == [True, False]


def zero_id(caller: Caller) -> None:
    assert caller.add() == {"order": 0}
    assert [each.told for each in caller.upstream.orders_for(LINK)] == [False]


def empty_id(caller: Caller) -> None:
    heard = [caller.add()["order"] for _ in range(CALLS)]
    assert all(any(each is empty for each in heard) for empty in (None, False))
    assert {each for each in heard if each} == set()
    assert "" in heard
    assert caller.made == CALLS


def text_id(caller: Caller) -> None:
    assert caller.add() == {"order": caller.upstream.orders_for(LINK)[0].id}


def nested_id(caller: Caller) -> None:
    shapes = {tuple(caller.add()) for _ in range(CALLS)}
    assert shapes == {("order_id",), ("data",)}
    assert all(each.told for each in caller.upstream.journal())


def opaque_ids(caller: Caller) -> None:
    order_id = caller.add()["order"]
    assert not order_id.isdigit()
    assert caller.ask("status", order=order_id)["status"] == "Pending"
    number = int(caller.upstream.panel.next_id())
    window = ",".join(str(each) for each in range(number - 50, number))
    assert all(each == NOT_FOUND for each in caller.ask("status", orders=window).values())


def created_twice(caller: Caller) -> None:
    heard = caller.add()
    first, second = caller.upstream.orders_for(LINK)
    assert heard == {"order": int(first.id)}
    assert (first.charge_micros, second.charge_micros) == (90_000, 90_000)
    assert (first.told, second.told, second.fault) == (True, False, "created_twice")
    assert caller.ask("balance")["balance"] == "9999.82"


def overcharge(caller: Caller) -> None:
    order = caller.placed()
    assert 94_500 <= order.charge_micros <= 180_000
    assert caller.upstream.totals().balance_micros == START_MICROS - order.charge_micros
    assert float(caller.ask("status", order=order.id)["charge"]) * 1_000_000 == pytest.approx(order.charge_micros)


def undercharge(caller: Caller) -> None:
    order = caller.placed()
    assert 9_000 <= order.charge_micros <= 85_500
    assert caller.upstream.totals().balance_micros == START_MICROS - order.charge_micros


def silent_refund(caller: Caller) -> None:
    order = caller.ended()
    before = caller.upstream.totals().balance_micros
    assert order.refunded_micros == 0
    caller.time.passed += 3_600
    assert caller.ask("status", order=order.id)["status"] == "Completed"
    assert order.refunded_micros in {45_000, 90_000}
    assert caller.upstream.totals().balance_micros > before


def shared(caller: Caller) -> None:
    order_id = caller.add()["order"]
    (ours,) = caller.upstream.orders_for(LINK)
    (theirs,) = (each for each in caller.upstream.journal() if each.by_hand)
    assert (ours.id, ours.by_hand) == (str(order_id), False)
    assert (theirs.charge_micros, theirs.quantity, theirs.service_id) == (ours.charge_micros, ours.quantity, 1)
    assert theirs.link != ours.link
    assert caller.ask("status", order=theirs.id)["status"] == "Pending"
    caller.upstream.faults = Faults(shared=1.0, request_lost=1.0)
    caller.reply("add", service=1, link=f"{LINK}/lost", quantity=100)
    assert sum(each.by_hand for each in caller.upstream.journal()) == 2


def status_of(caller: Caller, final: str = "Completed") -> dict[str, Any]:
    heard: dict[str, Any] = caller.ask("status", order=caller.ended(final=final).id)
    return heard


def numeric_status(caller: Caller) -> None:
    assert status_of(caller)["status"] == 3


def unknown_status(caller: Caller) -> None:
    assert {status_of(caller)["status"] for _ in range(CALLS * 2)} == set(UNKNOWN_WORDS)


def other_words(caller: Caller) -> None:
    assert {status_of(caller, "Canceled")["status"] for _ in range(CALLS)} == set(OTHER_WORDS[Status.CANCELED])


def jump_back(caller: Caller) -> None:
    order = caller.ended(final="Partial")
    heard = [caller.ask("status", order=order.id) for _ in range(CALLS)]
    assert {each["status"] for each in heard} == {"Pending", "Processing", "In progress"}
    assert {each["remains"] for each in heard} == {"100"}
    assert order.final == "Partial"


def wrong_charge(caller: Caller) -> None:
    order = caller.ended()
    charges = {float(caller.ask("status", order=order.id)["charge"]) for _ in range(CALLS)}
    assert all(0.09 < each <= 0.18 for each in charges)
    assert order.charge_micros == 90_000


def negative_remains(caller: Caller) -> None:
    assert status_of(caller)["remains"] == "-2"


def huge_remains(caller: Caller) -> None:
    assert status_of(caller)["remains"] == "1000"


def thousands(caller: Caller) -> None:
    assert caller.ask("balance")["balance"] == "10,000.00"
    assert caller.ask("status", order=caller.placed(quantity=5_000).id)["remains"] == "5,000"


def null_numbers(caller: Caller) -> None:
    heard = status_of(caller)
    assert (heard["start_count"], heard["remains"]) == (None, None)


def start_counter(caller: Caller) -> None:
    assert list(status_of(caller)) == ["charge", "start_counter", "remains", "status", "currency"]


def missing_item(caller: Caller) -> None:
    assert caller.ask("status", orders=caller.placed().id) == {}


def passing_error(caller: Caller) -> None:
    assert caller.ask("status", order=caller.placed().id) == NOT_FOUND


def dialect(caller: Caller) -> None:
    assert caller.add(link="") == {"error": "neworder.error.link"}
    assert caller.add(quantity=1) == {"error": "neworder.error.min_quantity"}
    assert caller.ask("status", order=5) == {"error": "error.incorrect_order_id"}


def other_shapes(caller: Caller) -> None:
    refills = [caller.ask("refill", order=caller.ended(f"{LINK}/{number}").id)["refill"] for number in range(CALLS)]
    assert {type(each) for each in refills} == {int, bool}
    assert caller.ask("refill", order=5) == {"refill": NOT_FOUND}
    cancels = [caller.ask("cancel", orders=caller.placed().id) for _ in range(CALLS)]
    assert {tuple(each) for each in cancels} == {("cancel",), ("ok",), ("success",)}
    refused = [caller.ask("cancel", order=5) for _ in range(CALLS)]
    assert NOT_FOUND in refused
    assert {"cancel": NOT_FOUND} in refused


def rates(caller: Caller) -> list[str]:
    return [each["rate"] for each in caller.ask("services")]


def price_moves(caller: Caller) -> None:
    shown = [float(rates(caller)[0]) for _ in range(CALLS)]
    assert all(0.89 <= after / before <= 1.11 for before, after in pairwise(shown))
    assert len(set(shown)) > CALLS // 2
    assert caller.placed(quantity=1_000).charge_micros == pytest.approx(shown[-1] * 1_000_000)


def price_jumps(caller: Caller) -> None:
    assert 0.90 * 1.3 < float(rates(caller)[0]) <= 0.90 * 4


def price_zero(caller: Caller) -> None:
    assert rates(caller)[0] == "0"
    assert caller.placed().charge_micros == 90_000


def price_negative(caller: Caller) -> None:
    assert rates(caller)[0] == "-0.90"


def price_nan(caller: Caller) -> None:
    assert rates(caller)[0] == "NaN"


def price_comma(caller: Caller) -> None:
    assert rates(caller)[0] == "0,90"


def empty_catalogue(caller: Caller) -> None:
    assert caller.ask("services") == []


def services_gone(caller: Caller) -> None:
    caller.upstream.faults = Faults(services_gone=0.5)
    assert 0 < len(rates(caller)) < 20
    assert list(caller.add()) == ["order"]


def repeated_service(caller: Caller) -> None:
    first, second, *_ = caller.ask("services")
    assert (first["service"], first["rate"]) == (1, "0.90")
    assert (second["service"], second["rate"]) == (1, "1.80")


def object_catalogue(caller: Caller) -> None:
    assert caller.ask("services")["1"]["service"] == 1


def wrapped_catalogue(caller: Caller) -> None:
    assert len(caller.ask("services")["data"]) == 20


def hostile_names(caller: Caller) -> None:
    seen = {each["name"] for _ in range(CALLS) for each in caller.ask("services")}
    assert seen == set(HOSTILE_NAMES)


def unknown_types(caller: Caller) -> None:
    assert "Telepathy" in {each["type"] for each in caller.ask("services")}


def loose_types(caller: Caller) -> None:
    shown = [each for _ in range(CALLS) for each in caller.ask("services")]
    assert {type(each["service"]) for each in shown} == {str}
    assert {type(each["rate"]) for each in shown} == {float}
    assert "custom_comments" in {each["type"] for each in shown}
    flags = [each["cancel"] for each in shown if "cancel" in each]
    assert {"1", "yes", "true", "0", "no", "false", None} <= set(flags)
    assert any(each is True for each in flags)
    assert len(flags) < len(shown)


OF_WHAT_IS_SAID: tuple[Callable[[Caller], None], ...] = (
    foreign_id,
    repeated_id,
    zero_id,
    empty_id,
    text_id,
    nested_id,
    opaque_ids,
    created_twice,
    overcharge,
    undercharge,
    silent_refund,
    shared,
    numeric_status,
    unknown_status,
    other_words,
    jump_back,
    wrong_charge,
    negative_remains,
    huge_remains,
    thousands,
    null_numbers,
    start_counter,
    missing_item,
    passing_error,
    dialect,
    other_shapes,
    price_moves,
    price_jumps,
    price_zero,
    price_negative,
    price_nan,
    price_comma,
    empty_catalogue,
    services_gone,
    repeated_service,
    object_catalogue,
    wrapped_catalogue,
    hostile_names,
    unknown_types,
    loose_types,
)


@pytest.mark.parametrize("check", OF_WHAT_IS_SAID, ids=lambda each: each.__name__)
def test_a_fault_in_what_is_said_does_what_its_line_says(check: Callable[[Caller], None]) -> None:
    check(Caller(**{check.__name__: 1.0}))


def test_no_fault_is_without_its_check() -> None:
    on_the_way = {each.name for each in SWITCHES if each.group.name == "WAY"}
    checked = {each.__name__ for each in OF_WHAT_IS_SAID}
    assert checked | on_the_way | {"done_share"} == set(SHARES)
