"""Placing an order of each of the 17 types: the fields each asks, what is counted, what it costs to the micro."""

from typing import Any

import pytest

from tests.live.caller import Caller, until
from tests.live.panel import SHELF, Panel

LINK = "https://example.com/post/1"
RATES = {each["type"]: int(each["rate_micros"]) for each in SHELF}
PACKAGES = {"Package", "Custom Comments Package"}
ONE_A_LINE = " first \r\n\r\n second\n\n\nthird"
TRAFFIC = {"link": LINK, "quantity": "100", "country": "DE", "device": "1", "type_of_traffic": "3"}
FOLLOW = {"username": "someone", "min": "10", "max": "20", "delay": "0"}

# type: a form that must be taken, the quantity it counts as.
FORMS: dict[str, tuple[dict[str, str], int]] = {
    "Default": ({"link": LINK, "quantity": "51"}, 51),
    "Package": ({"link": LINK}, 1),
    "Custom Comments": ({"link": LINK, "comments": "\n".join(f"comment {each}" for each in range(11))}, 11),
    "Custom Comments Package": ({"link": LINK, "comments": ONE_A_LINE}, 1),
    "Mentions": ({"link": LINK, "quantity": "77", "usernames": "a, b\nc"}, 77),
    "Mentions with Hashtags": ({"link": LINK, "quantity": "53", "usernames": "a", "hashtags": "#x,#y"}, 53),
    "Mentions Custom List": ({"link": LINK, "usernames": ONE_A_LINE}, 3),
    "Mentions Hashtag": ({"link": LINK, "quantity": "99", "hashtag": "#x"}, 99),
    "Mentions User Followers": ({"link": LINK, "quantity": "99", "username": "someone"}, 99),
    "Mentions Media Likers": ({"link": LINK, "quantity": "99", "media": "https://example.com/m"}, 99),
    "Comment Likes": ({"link": LINK, "quantity": "99", "username": "someone"}, 99),
    "Comment Replies": ({"link": LINK, "username": "someone", "comments": ONE_A_LINE}, 3),
    "Poll": ({"link": LINK, "quantity": "99", "answer_number": "2"}, 99),
    "Invites from Groups": ({"link": LINK, "quantity": "99", "groups": "g1,g2"}, 99),
    "SEO": ({"link": LINK, "quantity": "99", "keywords": "k1\nk2"}, 99),
    "Web Traffic": (TRAFFIC, 100),
    "Subscriptions": (FOLLOW, 0),
}
REQUIRED = [
    (kind, field)
    for kind, (form, _) in FORMS.items()
    for field in form
    if field != "quantity" or kind not in {"Custom Comments", "Mentions Custom List"}
]
DELAYS = "0 5 10 15 20 30 40 50 60 90 120 150 180 210 240 270 300 360 420 480 540 600"
LISTS = ("comments", "usernames", "hashtags", "keywords", "groups")
pytestmark = pytest.mark.usefixtures("books_in_order")


def cost(rate_micros: int, quantity: int, per: int = 1000) -> int:
    """The rule of the protocol: rate x quantity / 1000, rounded up to the micro."""
    return (rate_micros * quantity + per - 1) // per


@pytest.mark.parametrize("kind", FORMS)
class TestEveryType:
    def test_is_taken_counted_and_charged_to_the_micro(self, panel: Panel, caller: Caller, kind: str) -> None:
        form, quantity = FORMS[kind]
        order = caller.place(panel.shelf[kind], **form)
        shown = caller.ask("status", order=order)
        expected = cost(RATES[kind], quantity, 1 if kind in PACKAGES else 1000)
        assert caller.balance_micros() == 10_000_000_000 - expected
        assert shown["status"] == "Pending"
        assert shown["remains"] == str(quantity)
        assert [each["quantity"] for each in caller.orders()] == [quantity]

    def test_ignores_fields_that_it_does_not_have(self, panel: Panel, caller: Caller, kind: str) -> None:
        form, quantity = FORMS[kind]
        caller.place(panel.shelf[kind], **{"unknown": "x", "id": "7", "charge": "0", "customer_id": "1", **form})
        assert caller.orders()[0]["quantity"] == quantity

    @pytest.mark.parametrize("word", ["", "undefined", "null"])
    def test_takes_runs_and_interval_of_this_kind_as_absent(
        self, panel: Panel, caller: Caller, kind: str, word: str
    ) -> None:
        form, quantity = FORMS[kind]
        order = caller.place(panel.shelf[kind], **form, runs=word, interval=word)
        assert caller.orders()[0]["quantity"] == quantity
        assert kind == "Subscriptions" or len(caller.ask("status", order=order)) == 5


@pytest.mark.parametrize(("kind", "field"), REQUIRED)
class TestEveryRequiredField:
    def test_missing_or_blank_is_refused_by_its_name(
        self, panel: Panel, untouched: Caller, kind: str, field: str
    ) -> None:
        form = dict(FORMS[kind][0])
        for value in (None, "", " ", "\r\n \r\n"):
            form.pop(field, None)
            if value is not None:
                form[field] = value
            said = untouched.ask("add", service=panel.shelf[kind], **form)
            assert said == {"error": f"Incorrect {field}"}, value


@pytest.mark.parametrize("kind", ["Custom Comments", "Mentions Custom List", "Comment Replies"])
@pytest.mark.parametrize("sent", ["5000000", "0", "-7", "abc", "1e9"])
def test_a_sent_quantity_is_ignored_where_lines_are_counted(panel: Panel, caller: Caller, kind: str, sent: str) -> None:
    form, quantity = FORMS[kind]
    caller.place(panel.shelf[kind], **form, quantity=sent)
    assert caller.orders()[0]["quantity"] == quantity


@pytest.mark.parametrize("kind", sorted(PACKAGES))
def test_a_package_is_charged_once_whatever_quantity_is_sent(panel: Panel, caller: Caller, kind: str) -> None:
    caller.place(panel.shelf[kind], **FORMS[kind][0], quantity="999")
    assert caller.balance_micros() == 10_000_000_000 - RATES[kind]


@pytest.mark.parametrize(
    ("kind", "field", "separator"),
    [(kind, field, "\n") for kind, (form, _) in FORMS.items() for field in LISTS if field in form]
    + [(kind, field, ",") for kind, (form, _) in FORMS.items() for field in LISTS[1:] if field in form],
)
def test_a_list_loses_blank_lines_and_spaces_and_nothing_else(
    panel: Panel, caller: Caller, kind: str, field: str, separator: str
) -> None:
    items = [f"item {each}" for each in range(12 if kind == "Custom Comments" else 4)]
    sent = f"{separator}{separator}".join(f" {each}\r" if separator == "\n" else each for each in items) + separator
    order = caller.place(panel.shelf[kind], **(FORMS[kind][0] | {field: sent}))
    assert panel.office("details", order_id=order)[field].split("\n") == items


def test_commas_inside_comments_do_not_part_them(panel: Panel, caller: Caller) -> None:
    caller.place(panel.shelf["Comment Replies"], link=LINK, username="x", comments="one, two, three\nfour, five")
    assert caller.orders()[0]["quantity"] == 2


class TestWebTraffic:
    @pytest.mark.parametrize(
        ("changed", "field"),
        [({"device": each}, "device") for each in ("0", "6", "x", "1.0", "١", "99999999999")]
        + [({"type_of_traffic": each}, "type_of_traffic") for each in ("0", "4", "direct", "-1")]
        + [
            ({"type_of_traffic": "1"}, "google_keyword"),
            ({"type_of_traffic": "1", "google_keyword": " "}, "google_keyword"),
            ({"type_of_traffic": "2"}, "referring_url"),
            ({"type_of_traffic": "2", "google_keyword": "x"}, "referring_url"),
        ],
    )  # fmt: skip
    def test_refuses(self, panel: Panel, untouched: Caller, changed: dict[str, str], field: str) -> None:
        said = untouched.ask("add", service=panel.shelf["Web Traffic"], **(TRAFFIC | changed))
        assert said == {"error": f"Incorrect {field}"}

    @pytest.mark.parametrize(
        "changed",
        [{"type_of_traffic": "1", "google_keyword": "shoes"},
         {"type_of_traffic": "2", "referring_url": "https://example.org/"},
         *({"device": str(each)} for each in range(1, 6))],
        ids=str,
    )  # fmt: skip
    def test_takes(self, panel: Panel, caller: Caller, changed: dict[str, str]) -> None:
        order = caller.place(panel.shelf["Web Traffic"], **(TRAFFIC | changed))
        kept = panel.office("details", order_id=order)
        assert {name: kept[name] for name in changed} == changed


class TestSubscriptions:
    @pytest.mark.parametrize(
        ("changed", "field"),
        [({"delay": each}, "delay") for each in ("1", "7", "-5", "601", "5m", "0.5")]
        + [({"expiry": each}, "expiry") for each in ("2030-12-31", "31/02/2030", "1/13/2030", "today", "1/1", "0/0/0")]
        + [({"posts": each}, "posts") for each in ("-1", "x", "1.5", "9" * 20)]
        + [({"old_posts": each}, "old_posts") for each in ("-1", "x", "9" * 20)]
        + [({"min": each}, "min") for each in ("x", "-1", "1e1", "10.0")]
        + [({"max": each}, "max") for each in ("x", "-1", "１２")],
    )  # fmt: skip
    def test_refuses(self, panel: Panel, untouched: Caller, changed: dict[str, str], field: str) -> None:
        said = untouched.ask("add", service=panel.shelf["Subscriptions"], **(FOLLOW | changed))
        assert said == {"error": f"Incorrect {field}"}

    def test_refuses_more_than_min_to_max_of_the_service(self, panel: Panel, untouched: Caller) -> None:
        service = panel.shelf["Subscriptions"]
        said = untouched.ask("add", service=service, **(FOLLOW | {"min": "9"}))
        assert said == {"error": "Quantity less than minimal 10"}
        said = untouched.ask("add", service=service, **(FOLLOW | {"max": "1001"}))
        assert said == {"error": "Quantity more than maximum 1000"}
        assert "error" in untouched.ask("add", service=service, **(FOLLOW | {"min": "30", "max": "20"}))

    @pytest.mark.parametrize("delay", DELAYS.split())
    def test_takes_every_listed_delay(self, panel: Panel, caller: Caller, delay: str) -> None:
        caller.place(panel.shelf["Subscriptions"], **(FOLLOW | {"delay": delay}))

    def test_charges_nothing_until_a_post_and_then_each_child(self, panel: Panel, caller: Caller) -> None:
        form = FOLLOW | {"posts": "2", "old_posts": "0", "expiry": "31/12/2099", "min": "100", "max": "100"}
        parent = caller.place(panel.shelf["Subscriptions"], **form)
        fresh = caller.ask("status", order=parent)
        assert set(fresh) == {"charge", "start_count", "status", "remains", "currency", "posts", "expiry", "orders"}
        assert fresh["charge"] == "0.00"
        assert fresh["orders"] == []
        assert caller.ask("balance")["balance"] == "10000.00"
        report_post(panel, parent, 1)
        report_post(panel, parent, 1)
        panel.start_worker()
        children = wait_for_children(caller, parent, 1)
        assert caller.ask("balance")["balance"] == "9999.80"
        child = caller.ask("status", order=children[0])
        assert (child["charge"], child["remains"], child["status"]) == ("0.20", "100", "Pending")

    def test_waits_while_the_wallet_is_empty_and_goes_on_when_it_is_filled(self, panel: Panel) -> None:
        poor = panel.customer("Poor", balance_micros=250_000)
        parent = poor.place(panel.shelf["Subscriptions"], **(FOLLOW | {"min": "100", "max": "100"}))
        for post in range(3):
            report_post(panel, parent, post)
        panel.start_worker()
        wait_for_children(poor, parent, 1)
        assert poor.ask("balance")["balance"] == "0.05"
        panel.sutler("customer", "credit", str(poor.customer_id), "1.00", "--reason", "paid in cash")
        wait_for_children(poor, parent, 3)
        assert poor.ask("balance")["balance"] == "0.65"

    def test_takes_no_more_posts_than_were_asked_for(self, panel: Panel, caller: Caller) -> None:
        form = FOLLOW | {"posts": "1", "min": "100", "max": "100"}
        parent = caller.place(panel.shelf["Subscriptions"], **form)
        report_post(panel, parent, 1)
        panel.start_worker()
        wait_for_children(caller, parent, 1)
        late = panel.http.post(
            f"{panel.url}/adminapi/v2/orders/{parent}/post",
            json={"link": "https://example.com/new/2"},
            headers={"X-Api-Key": panel.staff_key},
        )
        assert late.json()["error_message"]
        assert caller.ask("balance")["balance"] == "9999.80"

    def test_waits_as_long_as_the_delay_says(self, panel: Panel, caller: Caller) -> None:
        form = FOLLOW | {"delay": "60", "min": "100", "max": "100"}
        parent = caller.place(panel.shelf["Subscriptions"], **form)
        prompt = caller.place(panel.shelf["Subscriptions"], **(form | {"delay": "0"}))
        report_post(panel, parent, 1)
        report_post(panel, prompt, 1)
        panel.start_worker()
        wait_for_children(caller, prompt, 1)
        assert caller.ask("status", order=parent)["orders"] == []
        panel.office("pass_hours", order_id=parent, hours=1)
        wait_for_children(caller, parent, 1)

    def test_a_cancelled_one_takes_no_more_posts_and_keeps_its_children(self, panel: Panel, caller: Caller) -> None:
        parent = caller.place(panel.shelf["Subscriptions"], **(FOLLOW | {"min": "100", "max": "100"}))
        report_post(panel, parent, 1)
        panel.start_worker()
        child = wait_for_children(caller, parent, 1)[0]
        panel.report(child, "in_progress")
        assert caller.ask("cancel", order=parent) == {"order": parent, "cancel": 1}
        assert caller.ask("status", order=child)["charge"] == "0.20"
        assert caller.ask("balance")["balance"] == "9999.80"


class TestDripFeed:
    def test_is_charged_for_all_runs_and_names_them(self, panel: Panel, caller: Caller) -> None:
        parent = caller.place(panel.shelf["Default"], link=LINK, quantity=50, runs=3, interval=10)
        fresh = caller.ask("status", order=parent)
        assert set(fresh) == {"charge", "start_count", "status", "remains", "currency", "runs", "orders"}
        assert (fresh["charge"], fresh["remains"]) == ("0.135", "150")
        assert caller.balance_micros() == 10_000_000_000 - cost(900_000, 150)
        panel.start_worker()
        first = wait_for_children(caller, parent, 1)
        panel.office("pass_hours", order_id=parent, hours=1)
        both = wait_for_children(caller, parent, 2)
        assert both[:1] == first
        shown = caller.ask("status", order=both[1])
        assert (shown["charge"], shown["remains"]) == ("0.045", "50")
        assert caller.balance_micros() == 10_000_000_000 - cost(900_000, 150)
        panel.complete(first[0])
        assert int(caller.ask("status", order=parent)["runs"]) == 1

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            ({"quantity": 49}, "Quantity less than minimal 50"),
            ({"quantity": 10_001}, "Quantity more than maximum 10000"),
            ({"runs": 0}, "Incorrect runs"),
            ({"runs": "x"}, "Incorrect runs"),
            ({"runs": "-2"}, "Incorrect runs"),
            ({"interval": 0}, "Incorrect interval"),
            ({"interval": "1.5"}, "Incorrect interval"),
            ({"interval": ""}, "Incorrect interval"),
            ({"runs": ""}, "Incorrect runs"),
            ({"runs": "9" * 30}, "Incorrect runs"),
            ({"runs": 2_000_000_000, "quantity": 10_000}, "Incorrect runs"),
        ],
        ids=str,
    )
    def test_refuses(self, panel: Panel, untouched: Caller, changed: dict[str, Any], error: str) -> None:
        form = {"link": LINK, "quantity": 50, "runs": 3, "interval": 10} | changed
        assert untouched.ask("add", service=panel.shelf["Default"], **form) == {"error": error}

    def test_is_never_made_of_a_service_without_it(self, panel: Panel, caller: Caller) -> None:
        said = caller.ask("add", service=panel.service(), link=LINK, quantity=50, runs=3, interval=10)
        assert list(said) == ["error"]
        assert caller.orders() == []

    def test_can_be_cancelled_and_gives_back_what_has_not_begun(self, panel: Panel, caller: Caller) -> None:
        parent = caller.place(panel.shelf["Default"], link=LINK, quantity=50, runs=3, interval=10)
        assert caller.ask("cancel", order=parent) == {"order": parent, "cancel": 1}
        assert caller.ask("balance")["balance"] == "10000.00"
        assert caller.ask("status", order=parent)["status"] == "Canceled"


def report_post(panel: Panel, parent: int, number: int) -> None:
    """Says, as the operator's software does, that the page has a new post."""
    panel.executor("POST", f"/orders/{parent}/post", {"link": f"https://example.com/new/{number}"})


def wait_for_children(caller: Caller, parent: int, number: int) -> list[int]:
    """Waits until the worker has placed so many children of the order; returns their ids as the customer sees them."""

    def children() -> list[int]:
        return [int(each) for each in caller.ask("status", order=parent)["orders"]]

    until(lambda: len(children()) >= number, seconds=20)
    assert len(children()) == number
    return children()
