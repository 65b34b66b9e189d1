"""The examination of a panel: ours passes it whole, an honest one with notes, and each lie is named."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sutler.conformance.call import LONGEST_SHOWN
from sutler.conformance.examine import ACTIONS
from sutler.conformance.shapes import status_keys
from sutler.conformance.verdict import PASS, Known, Outcome, note
from sutler.core.money import show_charge
from sutler.core.order_types import ORDER_TYPES
from sutler.ops.conformance import conformance
from sutler.simulator.panel import Service
from sutler.simulator.upstream import KEY
from tests.conformance.examined import URL, Change, Examined, lies, named, that
from tests.live.caller import UNIT, Caller
from tests.live.panel import SHELF, Panel, free_port
from tests.simulator.test_lying_upstream import serving

BUDGET = 1_000 * UNIT


def run(*arguments: str) -> Result:
    return CliRunner().invoke(conformance, arguments)


@pytest.fixture(scope="module")
def program(panel: Panel) -> Caller:
    return panel.customer("Examiner")


@pytest.fixture(scope="module")
def bought(panel: Panel) -> Iterator[Result]:
    """What our own server came to when an order of each type was bought; the books must be in order after it."""
    yield run(f"{panel.url}/api/v2", panel.customer("Buyer").key, "--spend", "1000")
    panel.verify()


class TestOurOwnServer:
    def test_it_passes_whole_and_nothing_is_bought(self, panel: Panel, program: Caller) -> None:
        before = program.traces()
        result = run(f"{panel.url}/api/v2", program.key)
        assert program.traces() == before
        assert result.exit_code == 0, result.output
        assert "0 could not tell, 0 note, 0 differs." in result.output

    def test_it_passes_with_the_slash_at_the_end_too(self, panel: Panel, program: Caller) -> None:
        result = run(f"{panel.url}/api/v2/", program.key)
        assert "0 could not tell, 0 note, 0 differs." in result.output

    def test_it_passes_whole_with_orders_of_every_type(self, bought: Result) -> None:
        assert bought.exit_code == 0, bought.output
        assert "0 could not tell, 0 note, 0 differs." in bought.output

    @pytest.mark.parametrize("kind", [*(each["type"] for each in SHELF), "Default, drip-fed", "Web Traffic, drip-fed"])
    def test_each_type_is_bought_and_followed(self, bought: Result, kind: str) -> None:
        lines = [line.split("  ") for line in bought.output.splitlines()]
        actions = {words[0] for words in lines if kind in [each.strip() for each in words]}
        assert {"add", "status", "refill", "cancel"} <= actions

    def test_the_key_is_nowhere_in_the_report(self, panel: Panel) -> None:
        program = panel.customer("Quiet")
        assert program.key not in run(f"{panel.url}/api/v2", program.key).output


class TestAnHonestUpstream:
    def test_differs_in_nothing_and_sells_nothing(self) -> None:
        honest = Examined()
        assert named(honest.report) == set()
        assert honest.upstream.journal() == []
        assert {each.outcome for each in honest.report.findings} == {Outcome.PASSED, Outcome.NOTE}
        assert {why for _, why in honest.notes} == {Known.UNPUBLISHED, Known.WORDING}

    def test_differs_in_nothing_with_orders_of_every_type_it_sells(self) -> None:
        honest = Examined(BUDGET)
        assert named(honest.report) == set()
        sold = {ORDER_TYPES[each.type].name for each in honest.upstream.panel.services.values()}
        bought = {honest.upstream.panel.services[each.service_id].type for each in honest.upstream.journal()}
        assert bought == sold
        told = {each.type for each in honest.report.findings if each.action == "cancel"}
        assert told == sold | {""}

    def test_the_report_goes_by_action_and_then_by_type(self) -> None:
        found = Examined(BUDGET).report.findings
        types = ["", *ORDER_TYPES]
        places = [(ACTIONS.index(each.action), types.index(each.type)) for each in found]
        assert places == sorted(places)

    @pytest.mark.parametrize("budget_micros", [1, 10_000, 100_000, 1_000_000])
    def test_never_costs_more_than_may_be_spent(self, budget_micros: int) -> None:
        examined = Examined(budget_micros)
        assert sum(each.charge_micros for each in examined.upstream.journal()) <= budget_micros
        assert examined.report.spent_micros <= budget_micros
        assert "which is more than is left to spend" in " ".join(
            each.why for each in that(examined.report, Outcome.UNTOLD)
        )

    @pytest.mark.parametrize("fault", ["answer_lost", "html", "created_late", "unclear_error"])
    def test_an_order_of_which_nothing_is_known_counts_as_bought(self, fault: str) -> None:
        examined = Examined(100_000, only=frozenset({"add"}), **lies(fault))
        examined.time.passed += 1_000
        assert sum(each.charge_micros for each in examined.upstream.journal()) <= 100_000

    @pytest.mark.parametrize("fault", ["overcharge", "created_twice"])
    def test_what_is_taken_beyond_the_price_counts_too(self, fault: str) -> None:
        charges = [each.charge_micros for each in Examined(100_000, **lies(fault)).upstream.journal()]
        last = 2 if fault == "created_twice" else 1
        assert sum(charges[:-last]) <= 100_000

    @pytest.mark.parametrize("share", [0.3, 1.0])
    def test_is_given_time_where_it_wants_it_slower(self, share: float) -> None:
        examined = Examined(rate_limited=share)
        assert examined.time.passed > 0
        assert named(examined.report) == set()


FOLLOWERS = [Service(1, "Followers")]
ANSWERED = "every call is answered, in JSON and with HTTP 200"
IS_JSON = "Content-Type is exactly application/json"
FELL = "the balance falls by rate x quantity / 1000, rounded up"


@pytest.mark.parametrize(
    ("fault", "action", "sentence"),
    [
        ("answer_lost", "balance", ANSWERED),
        ("html", "status", ANSWERED),
        ("html", "status", IS_JSON),
        ("empty", "cancel", ANSWERED),
        ("null", "services", "the answer is a list of objects"),
        ("truncated", "refill", ANSWERED),
        ("cut_off", "refill_status", ANSWERED),
        ("http_500", "add", ANSWERED),
        ("http_502", "services", ANSWERED),
        ("unclear_error", "balance", "a wrong key is refused"),
        ("repeated_id", "add", 'the answer is `{"order": integer}` and no more'),
        ("zero_id", "add", "a good order is taken"),
        ("empty_id", "add", "a good order is taken"),
        ("foreign_id", "status", "the keys are the five"),
        ("created_twice", "add", FELL),
        ("overcharge", "add", FELL),
        ("undercharge", "add", FELL),
        ("numeric_status", "status", "`status` is one of the six, byte for byte"),
        ("unknown_status", "status", "`status` is one of the six, byte for byte"),
        ("wrong_charge", "status", "`charge` is what the order costs"),
        ("negative_remains", "status", "`remains` is between 0 and what was ordered"),
        ("huge_remains", "status", "`remains` is between 0 and what was ordered"),
        ("thousands", "balance", "`balance` is a text with two to five decimals"),
        ("null_numbers", "status", "numbers and words are texts"),
        ("missing_item", "status", "several orders are answered by id"),
        ("passing_error", "status", "the keys are the five"),
        ("price_zero", "services", "`rate` is a text above 0 with two decimals or more"),
        ("price_negative", "services", "`rate` is a text above 0 with two decimals or more"),
        ("price_nan", "services", "`rate` is a text above 0 with two decimals or more"),
        ("price_comma", "services", "`rate` is a text above 0 with two decimals or more"),
        ("repeated_service", "services", "no service stands twice"),
        ("unknown_types", "services", "`type` is one of the seventeen, byte for byte"),
        ("hostile_names", "services", "`name` and `category` are texts that can be shown"),
    ],
)
def test_a_fault_is_named(fault: str, action: str, sentence: str) -> None:
    only = frozenset() if sentence != ANSWERED else frozenset({action})
    examined = Examined(BUDGET, only=only, **lies(fault))
    assert (action, sentence) in named(examined.report)


@pytest.mark.parametrize(
    ("fault", "action", "known"),
    [
        ("text_id", "add", Known.OTHER_ID),
        ("nested_id", "add", Known.OTHER_ID),
        ("opaque_ids", "add", Known.OTHER_ID),
        ("other_words", "status", Known.LOOSE_STATUS),
        ("start_counter", "status", Known.NO_START_COUNT),
        ("dialect", "status", Known.WORDING),
        ("other_shapes", "cancel", Known.OTHER_SHAPE),
        ("object_catalogue", "services", Known.CATALOGUE_SHAPE),
        ("wrapped_catalogue", "services", Known.CATALOGUE_SHAPE),
    ],
)
def test_a_known_habit_is_noted(fault: str, action: str, known: Known) -> None:
    assert (action, known) in Examined(BUDGET, FOLLOWERS, **lies(fault)).notes


def of(action: str, change: Callable[[Any], Any]) -> Change:
    return lambda asked, said: change(said) if asked == action else said


def entry(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    return of("services", lambda said: [change(each) for each in said] if isinstance(said, list) else said)


def without(*names: str) -> Callable[[Any], Any]:
    return lambda said: {name: each for name, each in said.items() if name not in names}


def with_members(**members: Any) -> Callable[[Any], Any]:
    return lambda said: said if "error" in said else said | members


def of_an_order(change: Callable[[Any], Any]) -> Change:
    return of("status", lambda said: change(said) if "status" in said else said)


def ordered(entry: dict[str, Any]) -> dict[str, Any]:
    names = ["service", "name", "type", "category", "rate", "min", "max", "refill", "cancel", "dripfeed"]
    return {name: entry[name] for name in names}


def by_text(said: Any) -> Any:
    return [each | {"order": str(each["order"])} for each in said] if isinstance(said, list) else said


# For each known difference: who shows it, and what its answers look like.
HABITS: dict[Known, tuple[str, Change]] = {
    Known.NO_DRIPFEED: ("services", entry(without("dripfeed"))),
    Known.NO_FLAG: ("services", entry(without("dripfeed", "cancel"))),
    Known.PUBLISHED_ORDER: ("services", entry(ordered)),
    Known.MORE_KEYS: ("services", entry(with_members(desc="x", average_time="1 hour"))),
    Known.BARE_NUMBERS: ("services", entry(lambda each: each | {"min": 50, "max": 10_000})),
    Known.NUMBER_FLAGS: ("services", entry(lambda each: each | {"refill": 1})),
    Known.LOOSE_TYPE: ("services", entry(lambda each: each | {"type": "default"})),
    Known.PADDING: ("services", entry(lambda each: each | {"rate": "0.9"})),
    Known.OTHER_ID: ("services", entry(lambda each: each | {"service": str(each["service"])})),
    Known.CATALOGUE_SHAPE: (
        "services",
        of("services", lambda said: said if "error" in said else {"data": said}),
    ),
    Known.NO_CURRENCY: ("status", of_an_order(without("currency"))),
    Known.NO_START_COUNT: ("status", of_an_order(with_members(start_count=None))),
    Known.LOOSE_STATUS: ("status", of_an_order(with_members(status="pending"))),
    Known.ROUNDED: (
        "status",
        of_an_order(lambda said: said | {"charge": "0.05" if said["charge"] != "0.00" else "0.00"}),
    ),
    Known.TEXT_NUMBERS: ("cancel", of("cancel", by_text)),
    Known.OTHER_SHAPE: ("refill", of("refill", lambda said: {"refill": said} if "error" in said else said)),
    Known.UNASKED_CANCEL: ("cancel", entry(lambda each: each | {"cancel": False})),
    Known.WORDING: ("balance", of("balance", lambda said: {"error": "Wrong API key"} if "error" in said else said)),
    Known.UNPUBLISHED: ("status", of("orders", lambda _: {"error": "Incorrect request"})),
}


@pytest.mark.parametrize("known", HABITS)
def test_a_known_difference_is_no_failure(known: Known) -> None:
    action, change = HABITS[known]
    examined = Examined(BUDGET, FOLLOWERS, change)
    assert (action, known) in examined.notes
    assert named(examined.report) == set()


def test_a_charset_is_no_failure() -> None:
    examined = Examined(content_type="application/json; charset=utf-8")
    assert ("status", Known.CHARSET) in examined.notes
    assert named(examined.report) == set()


def test_a_drip_feed_without_its_own_keys_is_no_failure() -> None:
    order = {"charge": "0.09", "start_count": "0", "status": "Pending", "remains": "100", "currency": "USD"}
    judge = status_keys(("runs", "orders"))
    assert judge(order) == note(Known.NO_FAMILY)
    assert judge(order | {"runs": "0", "orders": []}) == PASS


def test_every_known_difference_is_one_that_a_test_shows() -> None:
    assert set(Known) - set(HABITS) == {Known.CHARSET, Known.NO_FAMILY}


@pytest.mark.parametrize(
    ("action", "change", "sentence"),
    [
        ("services", entry(without("rate")), "every service has the ten keys"),
        ("services", entry(lambda each: dict(reversed(each.items()))), "the keys stand in the documented order"),
        ("services", entry(lambda each: each | {"service": 0}), "`service` is an integer above 0"),
        (
            "services",
            entry(lambda each: each | {"min": "9", "max": "8"}),
            "`min` and `max` are texts, whole and in order",
        ),
        (
            "services",
            entry(lambda each: each | {"refill": "maybe"}),
            "`dripfeed`, `refill` and `cancel` are true or false",
        ),
        ("services", of("services", lambda _: {"error": "later"}), "the answer is a list of objects"),
        ("balance", of("balance", with_members(balance="1e3")), "`balance` is a text with two to five decimals"),
        ("balance", of("balance", with_members(currency="dollars")), "`currency` is a code in capitals"),
        ("balance", of("balance", lambda said: said | {"status": "fail"}), 'an error is exactly `{"error": text}`'),
        ("status", of("status", lambda said: list(said.items())), "several orders are answered by id"),
        ("cancel", of("cancel", lambda said: said[::-1]), "several orders are answered as a list, in order"),
        ("refill", of("refill", lambda _: {"refill": "1"}), "an unknown order is refused"),
        ("refill_status", of("refill_status", lambda _: {"status": "Completed"}), "an unknown refill is refused"),
        ("add", of("add", lambda said: said | {"charge": "1"}), 'the answer is `{"order": integer}` and no more'),
    ],
)
def test_any_other_difference_is_a_failure(action: str, change: Change, sentence: str) -> None:
    assert (action, sentence) in named(Examined(BUDGET, FOLLOWERS, change).report)


class TestWithoutSpending:
    def test_a_panel_that_takes_what_it_must_refuse_is_asked_for_nothing_more(self) -> None:
        examined = Examined(0, None, of("add", lambda _: {"order": 17}))
        adds = [each for each in examined.report.findings if each.action == "add"]
        assert ("add", "an unknown service is refused") in named(examined.report)
        assert sum("an order was placed: 17" in each.why for each in adds) == 1
        assert sum(each.why == "not asked, since order 17 was placed" for each in adds) > 20


class TestTheReport:
    @pytest.mark.parametrize("spelling", [KEY, KEY.upper()])
    def test_shows_the_answer_capped_and_the_key_masked(self, spelling: str) -> None:
        change = of("status", lambda _: {"error": f"no good: {spelling} " + "x" * 5_000})
        found = that(Examined(0, FOLLOWERS, change).report, Outcome.DIFFERS)
        assert found
        for each in found:
            assert "no good: *** xxx" in each.answer
            assert len(each.answer) <= LONGEST_SHOWN
            assert KEY not in (each.answer + each.why).lower()

    def test_names_what_differs_and_leaves_with_1(self) -> None:
        with serving(price_zero=1.0) as (_, root):
            result = run(f"{root}/api/v2", KEY)
        assert result.exit_code == 1
        line = next(each for each in result.output.splitlines() if "`rate` is a text above 0" in each)
        assert line.split()[:2] == ["services", "differs"]
        assert '"rate": "0"' in line
        assert result.output.splitlines()[-1].endswith("1 differs.")

    def test_of_an_honest_upstream_leaves_with_0_and_tells_what_was_spent(self) -> None:
        with serving() as (upstream, root):
            result = run(f"{root}/api/v2", KEY, "--spend", "0.50")
            charged = sum(each.charge_micros for each in upstream.journal())
        assert result.exit_code == 0, result.output
        assert 0 < charged <= 500_000
        assert result.output.splitlines()[-1] == f"At most {show_charge(charged)} USD was spent."

    def test_of_a_panel_that_is_not_there_is_one_line(self) -> None:
        result = run(f"http://127.0.0.1:{free_port()}/api/v2", KEY)
        assert result.exit_code == 1
        assert result.output.startswith("Error: the panel could not be checked: connection failed")

    @pytest.mark.parametrize("more", [(), ("--key-file", "-")], ids=["prompt", "standard input"])
    def test_the_key_needs_to_stand_in_no_argument(self, more: tuple[str, ...]) -> None:
        url = f"http://127.0.0.1:{free_port()}/api/v2"
        result = CliRunner().invoke(conformance, (url, *more), input=f"{KEY}\n")
        assert "the panel could not be checked" in result.output
        assert KEY not in result.output
        assert CliRunner().invoke(conformance, (url, *more), input=" \n").exit_code == 2

    @pytest.mark.parametrize(
        "arguments",
        [
            ("ftp://panel.example/api/v2", "k"),
            ("panel.example", "k"),
            ("http://", "k"),
            (URL, " "),
            (URL, "k", "--key-file", "-"),
            (URL, "k", "--spend", "-1"),
        ],
    )
    def test_wrong_usage_leaves_with_2(self, arguments: tuple[str, ...]) -> None:
        assert run(*arguments).exit_code == 2
