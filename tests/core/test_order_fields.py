"""The fields with which an order of each type is placed at another panel: those that the type has, no other."""

import pytest

from sutler.core.order_types import ORDER_TYPES, OrderInput, order_fields, read_order

LINK = "https://example.com/a"
_NAMES, _LINES = {"usernames": "ann\nbob"}, {"comments": "Good\nBetter\nBest"}
# What a customer sends, and what the next panel is sent.
CASES: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("Default", {"quantity": "100"}, {"quantity": "100"}),
    ("Package", {}, {}),
    ("Custom Comments", {"comments": "Good\r\nBetter\r\n\r\nBest"}, _LINES),
    ("Custom Comments", {**_LINES, "quantity": "9"}, _LINES),
    ("Custom Comments Package", _LINES, _LINES),
    ("Mentions", {"quantity": "5", "usernames": "ann,bob"}, {"quantity": "5", **_NAMES}),
    (
        "Mentions with Hashtags",
        {"quantity": "5", **_NAMES, "hashtags": "one, two"},
        {"quantity": "5", **_NAMES, "hashtags": "one\ntwo"},
    ),
    ("Mentions Custom List", _NAMES, _NAMES),
    ("Mentions Hashtag", {"quantity": "5", "hashtag": "one"}, {"quantity": "5", "hashtag": "one"}),
    ("Mentions User Followers", {"quantity": "5", "username": "ann"}, {"quantity": "5", "username": "ann"}),
    ("Mentions Media Likers", {"quantity": "5", "media": LINK}, {"quantity": "5", "media": LINK}),
    ("Comment Likes", {"quantity": "5", "username": "ann"}, {"quantity": "5", "username": "ann"}),
    ("Comment Replies", {"username": "ann", **_LINES}, {"username": "ann", **_LINES}),
    ("Poll", {"quantity": "5", "answer_number": "2"}, {"quantity": "5", "answer_number": "2"}),
    ("Invites from Groups", {"quantity": "5", "groups": "a,b"}, {"quantity": "5", "groups": "a\nb"}),
    ("SEO", {"quantity": "5", "keywords": "a"}, {"quantity": "5", "keywords": "a"}),
    (
        "Web Traffic",
        {"quantity": "5", "country": "US", "device": "1", "type_of_traffic": "1", "google_keyword": "shoes"},
        {"quantity": "5", "country": "US", "device": "1", "type_of_traffic": "1", "google_keyword": "shoes"},
    ),
]


def read(name: str, form: dict[str, str]) -> OrderInput:
    order = read_order(ORDER_TYPES[name], form)
    assert isinstance(order, OrderInput)
    return order


@pytest.mark.parametrize(("name", "form", "fields"), CASES)
def test_an_order_is_passed_on_as_it_was_meant(name: str, form: dict[str, str], fields: dict[str, str]) -> None:
    order = read(name, {"link": LINK, **form})
    sent = order_fields(ORDER_TYPES[name], order.link, order.quantity, order.details)
    assert sent == {"link": LINK, **fields}


@pytest.mark.parametrize(("name", "form"), [case[:2] for case in CASES])
def test_another_panel_reads_the_same_order(name: str, form: dict[str, str]) -> None:
    order = read(name, {"link": LINK, **form})
    assert read(name, order_fields(ORDER_TYPES[name], order.link, order.quantity, order.details)) == order


def test_a_run_of_a_drip_feed_is_a_plain_order() -> None:
    order = read("Default", {"link": LINK, "quantity": "100", "runs": "3", "interval": "60"})
    assert order_fields(ORDER_TYPES["Default"], LINK, order.quantity, order.details) == {
        "link": LINK,
        "quantity": "100",
    }


def test_details_that_the_type_does_not_have_are_left_out() -> None:
    assert order_fields(ORDER_TYPES["Package"], LINK, 1, {"key": "x", "comments": "y"}) == {"link": LINK}
