"""The scripted upstream: honest without faults, each fault as its line says, repeatable, and its journal adds up."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sutler.core.clock import seeded
from sutler.core.lifecycle import Status
from sutler.simulator.catalogue import stock
from sutler.simulator.faults import SHARES
from sutler.simulator.panel import Service
from sutler.simulator.reply import Reply
from sutler.simulator.upstream import KEY
from tests.simulator.simulated import LINK, START_MICROS, Caller


class TestWithoutFaults:
    def test_the_catalogue_has_the_keys_of_the_wire_in_their_order(self) -> None:
        first, *rest = Caller().ask("services")
        assert list(first) == (
            ["service", "name", "type", "rate", "min", "max", "dripfeed", "refill", "cancel", "category"]
        )
        assert (first["service"], first["rate"], first["min"], first["max"]) == (1, "0.90", "50", "10000")
        assert len(rest) == 19

    def test_add_answers_the_id_alone_and_takes_the_exact_charge(self) -> None:
        caller = Caller()
        heard = caller.add(quantity=57)
        (order,) = caller.upstream.orders_for(LINK)
        assert heard == {"order": int(order.id)}
        assert (order.charge_micros, order.quantity, order.told, order.fault) == (51_300, 57, True, "")
        assert caller.ask("balance") == {"balance": "9999.9487", "currency": "USD"}

    @pytest.mark.parametrize("service", stock(16, seeded(2)), ids=lambda each: each.type)
    def test_every_type_on_sale_can_be_ordered(self, service: Service) -> None:
        caller = Caller(1, [service])
        fields: dict[str, Any] = {"username": "a", "hashtags": "a", "hashtag": "a", "media": LINK, "keywords": "a"}
        more = {"comments": "well done\n" * 10, "groups": "a", "answer_number": 1, "country": "US", "device": 1}
        fields |= {"usernames": "a,b,c,d,e,f,g,h,i,j", **more, "type_of_traffic": 3}
        heard = caller.ask("add", service=service.id, link=LINK, quantity=100, **fields)
        assert list(heard) == ["order"]

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"key": "wrong"}, "Invalid API key"),
            ({"action": "dance"}, "Incorrect request"),
            ({"service": 99}, "Incorrect service ID"),
            ({"service": "1e3"}, "Incorrect service ID"),
            ({"link": ""}, "Incorrect link"),
            ({"quantity": "+5"}, "Incorrect quantity"),
            ({"quantity": 49}, "Quantity less than minimal 50"),
            ({"quantity": 10_001}, "Quantity more than maximum 10000"),
            ({"runs": 2, "interval": 5}, "Incorrect runs"),
            ({"service": 2, "quantity": 10_000_000}, "Not enough funds on balance"),
            ({"action": "status", "order": 5}, "Incorrect order ID"),
            ({"action": "status"}, "Incorrect order ID"),
            ({"action": "refill", "order": 5}, "Incorrect order ID"),
            ({"action": "refill_status", "refill": 5}, "Refill not found"),
            ({"action": "refill_status"}, "Refill not found"),
            ({"action": "cancel", "order": 5}, "Incorrect order ID"),
            ({"action": "cancel", "orders": " , "}, "Incorrect order ID"),
        ],
    )
    def test_a_refusal_is_one_sentence_and_costs_nothing(self, fields: dict[str, Any], sentence: str) -> None:
        dear = Service(2, "Dear", rate_micros=9_000_000, max=100_000_000)
        caller = Caller(1, [Service(1, "Followers"), dear])
        good: dict[str, Any] = {"action": "add", "key": KEY, "service": 1, "link": LINK, "quantity": 100}
        assert caller.ask(**(good | fields)) == {"error": sentence}
        assert caller.made == 0
        assert caller.upstream.totals().balance_micros == START_MICROS

    def test_a_service_may_take_one_active_order_for_a_link(self) -> None:
        caller = Caller(1, [Service(1, "Followers", one_order_per_link=True)])
        caller.add()
        assert caller.add()["error"].startswith("You have active order with this link.")
        caller.time.passed += 1_000
        assert list(caller.add()) == ["order"]

    def test_ids_rise_and_those_between_are_as_unknown_as_another_accounts(self) -> None:
        caller = Caller()
        caller.upstream.panel.open_account("other", "USD", START_MICROS)
        ours, theirs = [], []
        for number in range(10):
            ours.append(caller.add(f"{LINK}/{number}")["order"])
            theirs.append(caller.ask("add", "other", service=1, link=LINK, quantity=50)["order"])
        assert ours == sorted(set(ours))
        window = range(ours[0], ours[0] + 100)
        heard = caller.ask("status", orders=",".join(map(str, window)))
        found = [int(each) for each, item in heard.items() if "error" not in item]
        assert found == [each for each in ours if each in window]
        assert set(theirs) & set(window)
        assert heard[str(theirs[0])] == {"error": "Incorrect order ID"}

    def test_an_order_goes_through_the_states_to_its_end(self) -> None:
        caller = Caller()
        order = caller.placed()
        order.outcome, order.left = Status.PARTIAL, 40
        seen = []
        for _ in range(100):
            heard = caller.ask("status", order=order.id)
            seen.append((heard["status"], int(heard["remains"])))
            caller.time.passed += 10
        assert list(dict.fromkeys(word for word, _ in seen)) == ["Pending", "Processing", "In progress", "Partial"]
        remains = [left for _, left in seen]
        assert remains == sorted(remains, reverse=True)
        assert (remains[0], remains[-1]) == (100, 40)
        assert caller.ask("status", order=order.id)["charge"] == "0.054"
        assert caller.ask("balance")["balance"] == "9999.946"

    def test_orders_end_in_every_way(self) -> None:
        caller = Caller()
        orders = [caller.placed(f"{LINK}/{number}") for number in range(200)]
        caller.time.passed += 1_000
        assert {each.final for each in caller.upstream.journal()} == {"Completed", "Partial", "Canceled"}
        for each in orders:
            assert each.refunded_micros == 900 * each.left

    def test_a_pending_order_is_canceled_at_once(self) -> None:
        caller = Caller()
        order = caller.placed()
        assert caller.ask("cancel", orders=f"{order.id},5") == [
            {"order": int(order.id), "cancel": 1},
            {"order": 5, "cancel": {"error": "Incorrect order ID"}},
        ]
        assert caller.ask("status", order=order.id)["status"] == "Canceled"
        assert caller.ask("status", order=order.id)["charge"] == "0.00"
        assert caller.upstream.totals().balance_micros == START_MICROS
        assert caller.ask("cancel", order=order.id) == {"error": "Cancel is not available for this order"}

    def test_an_order_that_is_being_delivered_is_stopped_soon_or_goes_on(self) -> None:
        caller = Caller()
        orders = [caller.placed(f"{LINK}/{number}") for number in range(40)]
        caller.time.passed = 200
        assert caller.ask("cancel", order=orders[0].id) == {"order": int(orders[0].id), "cancel": 1}
        caller.ask("cancel", orders=",".join(each.id for each in orders))
        caller.time.passed = 210
        assert {each.final for each in caller.upstream.journal()} == {None, "Partial", "Canceled"}

    def test_a_refill_of_a_completed_order_is_followed_to_its_end(self) -> None:
        caller = Caller()
        order = caller.ended()
        assert caller.ask("refill", order=order.id) == {"refill": "1"}
        not_available = {"error": "Refill is not available for this order"}
        assert caller.ask("refill", order=order.id) == not_available
        assert caller.ask("refill", orders=f"{order.id},5") == [
            {"order": int(order.id), "refill": not_available},
            {"order": 5, "refill": {"error": "Incorrect order ID"}},
        ]
        seen = []
        for _ in range(100):
            seen.append(caller.ask("refill_status", refill=1)["status"])
            caller.time.passed += 10
        assert list(dict.fromkeys(seen))[:2] == ["Pending", "In progress"]
        assert seen[-1] in {"Completed", "Rejected"}
        assert caller.ask("refill_status", refills="1,7") == [
            {"refill": 1, "status": seen[-1]},
            {"refill": 7, "status": {"error": "Refill not found"}},
        ]

    def test_a_batch_is_an_object_of_at_most_a_hundred_distinct_ids_and_a_single_id_wins(self) -> None:
        caller = Caller()
        order = caller.placed()
        assert list(caller.ask("orders", orders=order.id)) == [order.id]
        assert len(caller.ask("status", orders=",".join(f"{each}, {each}" for each in range(1, 150)))) == 100
        assert caller.ask("status", order=order.id, orders="1,2")["status"] == "Pending"


class TestRepeatability:
    everything = dict.fromkeys(SHARES, 0.2)

    def transcript(self, seed: int, *, with_reading: bool = False) -> list[Reply]:
        caller = Caller(seed, **self.everything)
        heard = []
        for number in range(120):
            if with_reading:
                caller.upstream.journal()
            heard.append(caller.reply("add", service=1 + number % 20, link=f"{LINK}/{number}", quantity=100))
            ids = ",".join(each for each in caller.upstream.panel.orders)
            heard += [caller.reply(action, orders=ids) for action in ("status", "refill", "cancel")]
            heard.append(caller.reply("services"))
            caller.time.passed += 7
        return [Reply(each.body, each.code, delay_seconds=each.delay_seconds, ending=each.ending) for each in heard]

    def test_the_same_seed_and_calls_give_the_same_answers(self) -> None:
        assert self.transcript(5) == self.transcript(5)
        assert self.transcript(5) != self.transcript(6)

    def test_reading_the_journal_changes_nothing(self) -> None:
        assert self.transcript(5, with_reading=True) == self.transcript(5)


PROBABLY = st.dictionaries(st.sampled_from(SHARES), st.sampled_from((0.3, 1.0)), max_size=6)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("add", "status", "refill", "cancel", "services", "balance")),
        st.integers(1, 20),
        st.integers(0, 400),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), faults=PROBABLY, steps=STEPS)
def test_whatever_is_asked_the_journal_adds_up(seed: int, faults: dict[str, float], steps: Any) -> None:
    caller = Caller(seed, **faults)
    balances = []
    for action, number, seconds in steps:
        orders = ",".join(list(caller.upstream.panel.orders)[-number:])
        caller.reply(action, service=number, link=f"{LINK}/{number % 3}", quantity=100 * number, orders=orders)
        balances.append(caller.upstream.totals().balance_micros)
        caller.time.passed += seconds
    caller.time.passed += 100_000
    totals, journal = caller.upstream.totals(), caller.upstream.journal()
    assert totals.balance_micros == totals.paid_in_micros - totals.charged_micros + totals.refunded_micros
    assert min(balances, default=0) >= 0
    assert totals.orders == len({each.id for each in journal})
    for order in journal:
        assert order.final is not None
        assert 0 <= order.refunded_micros <= order.charge_micros
        assert 0 <= order.left <= order.quantity
        assert order in caller.upstream.orders_for(order.link)
    assert not any(each.told for each in journal if each.fault in {"answer_lost", "created_late", "cut_off"})
