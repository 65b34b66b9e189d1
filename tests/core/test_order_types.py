"""The seventeen types: a complete example of each is read, each required field missed is named, tolerances hold."""

from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sutler.core.order_types import (
    DELAYS_MINUTES,
    LARGEST_NUMBER,
    LONGEST_TEXT,
    MOST_LINES,
    ORDER_TYPES,
    Kind,
    Measure,
    OrderInput,
    read_number,
    read_order,
)
from sutler.core.refusals import Reason, Refusal

LINK = "https://example.com/p/1"
ASKED = {"link": LINK, "quantity": "100"}
TRAFFIC = {**ASKED, "country": "DE", "device": "5", "type_of_traffic": "3"}
FOLLOW = {"username": "alice", "min": "100", "max": "110", "delay": "30"}

# Type, a form with exactly the required fields, what is read of it.
EXAMPLES: list[tuple[str, dict[str, str], OrderInput]] = [
    ("Default", ASKED, OrderInput(LINK, 100)),
    ("Package", {"link": LINK}, OrderInput(LINK, 1)),
    ("Custom Comments", {"link": LINK, "comments": "a\nb"}, OrderInput(LINK, 2, details={"comments": "a\nb"})),
    ("Custom Comments Package", {"link": LINK, "comments": "a\nb"}, OrderInput(LINK, 1, details={"comments": "a\nb"})),
    ("Mentions", {**ASKED, "usernames": "a\nb"}, OrderInput(LINK, 100, details={"usernames": "a\nb"})),
    (
        "Mentions with Hashtags",
        {**ASKED, "usernames": "a", "hashtags": "x,y"},
        OrderInput(LINK, 100, details={"usernames": "a", "hashtags": "x\ny"}),
    ),
    (
        "Mentions Custom List",
        {"link": LINK, "usernames": "a\nb\nc"},
        OrderInput(LINK, 3, details={"usernames": "a\nb\nc"}),
    ),
    ("Mentions Hashtag", {**ASKED, "hashtag": "x"}, OrderInput(LINK, 100, details={"hashtag": "x"})),
    ("Mentions User Followers", {**ASKED, "username": "a"}, OrderInput(LINK, 100, details={"username": "a"})),
    ("Mentions Media Likers", {**ASKED, "media": "m"}, OrderInput(LINK, 100, details={"media": "m"})),
    ("Comment Likes", {**ASKED, "username": "a"}, OrderInput(LINK, 100, details={"username": "a"})),
    (
        "Comment Replies",
        {"link": LINK, "username": "a", "comments": "x\ny"},
        OrderInput(LINK, 2, details={"username": "a", "comments": "x\ny"}),
    ),
    ("Poll", {**ASKED, "answer_number": "7"}, OrderInput(LINK, 100, details={"answer_number": "7"})),
    ("Invites from Groups", {**ASKED, "groups": "g"}, OrderInput(LINK, 100, details={"groups": "g"})),
    ("SEO", {**ASKED, "keywords": "k"}, OrderInput(LINK, 100, details={"keywords": "k"})),
    (
        "Web Traffic",
        TRAFFIC,
        OrderInput(LINK, 100, details={"country": "DE", "device": "5", "type_of_traffic": "3"}),
    ),
    (
        "Subscriptions",
        FOLLOW,
        OrderInput("", 0, minimum=100, maximum=110, delay_minutes=30, details={"username": "alice"}),
    ),
]
FORMS = {name: form for name, form, _ in EXAMPLES}
REQUIRED = [(each.name, asked.name) for each in ORDER_TYPES.values() for asked in each.fields if asked.required]


def read(name: str, form: Mapping[str, str]) -> OrderInput | Refusal:
    return read_order(ORDER_TYPES[name], form)


def incorrect(field: str) -> Refusal:
    return Refusal(Reason.INCORRECT_FIELD, field)


def test_each_of_the_seventeen_types_has_its_example() -> None:
    assert list(FORMS) == list(ORDER_TYPES)
    assert len(FORMS) == 17


@pytest.mark.parametrize(("name", "form", "expected"), EXAMPLES, ids=[name for name, _, _ in EXAMPLES])
def test_a_form_with_the_required_fields_alone_is_read(name: str, form: dict[str, str], expected: OrderInput) -> None:
    assert read(name, form) == expected
    assert set(form) == {each.name for each in ORDER_TYPES[name].fields if each.required}


@pytest.mark.parametrize("nothing", [None, "", "  ", "null", "undefined"])
@pytest.mark.parametrize(("name", "field"), REQUIRED)
def test_a_required_field_that_is_not_there_is_named(name: str, field: str, nothing: str | None) -> None:
    form = {key: value for key, value in FORMS[name].items() if key != field}
    assert read(name, form if nothing is None else form | {field: nothing}) == incorrect(field)


@pytest.mark.parametrize("name", FORMS)
def test_of_an_empty_form_the_first_field_of_the_type_is_named(name: str) -> None:
    assert read(name, {}) == incorrect(ORDER_TYPES[name].fields[0].name)


@pytest.mark.parametrize("name", FORMS)
def test_fields_of_other_types_are_ignored(name: str) -> None:
    own = {each.name for each in ORDER_TYPES[name].fields}
    others = {
        each.name: "-x\x00-"
        for order_type in ORDER_TYPES.values()
        for each in order_type.fields
        if each.name not in own
    }
    assert read(name, FORMS[name] | others | {"unheard_of": "1"}) == read(name, FORMS[name])


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (each.name, asked.name)
        for each in ORDER_TYPES.values()
        for asked in each.fields
        if asked.kind in {Kind.NUMBER, Kind.CHOICE}
    ],
)
@pytest.mark.parametrize("text", ["１２", "1_000", "5 5", "+5", "1e3", "-1", "5.0", "NaN", "0x5", "٣", "five", "5\x00"])
def test_a_number_in_anything_but_ascii_digits_is_refused(name: str, field: str, text: str) -> None:
    assert read(name, FORMS[name] | {field: text}) == incorrect(field)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        (each.name, asked.name)
        for each in ORDER_TYPES.values()
        for asked in each.fields
        if asked.kind in {Kind.TEXT, Kind.LINES, Kind.NAMES}
    ],
)
@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\x7fb", "a\x85b", "a\ud800b"])
def test_a_text_that_no_page_could_show_is_refused(name: str, field: str, text: str) -> None:
    assert read(name, FORMS[name] | {field: text}) == incorrect(field)


@pytest.mark.parametrize(
    ("name", "field", "text"),
    [
        ("Default", "link", "x" * (LONGEST_TEXT + 1)),
        ("Default", "link", "a\nb"),
        ("Custom Comments", "comments", " \n \r\n"),
        ("Custom Comments", "comments", "x\n" * (MOST_LINES + 1)),
        ("Mentions", "usernames", ", ,\n"),
        ("Poll", "answer_number", "0"),
        ("Poll", "answer_number", str(LARGEST_NUMBER + 1)),
        ("Web Traffic", "device", "0"),
        ("Web Traffic", "device", "6"),
        ("Web Traffic", "type_of_traffic", "4"),
        ("Subscriptions", "delay", "7"),
        ("Subscriptions", "posts", "0"),
        ("Subscriptions", "posts", str(LARGEST_NUMBER + 1)),
        ("Subscriptions", "old_posts", str(LARGEST_NUMBER + 1)),
        ("Subscriptions", "max", "99"),
        ("Subscriptions", "expiry", "31/02/2027"),
        ("Subscriptions", "expiry", "2027-02-28"),
        ("Subscriptions", "expiry", "1/2"),
        ("Subscriptions", "expiry", "1/2/0"),
        ("Subscriptions", "expiry", "1/2/99999"),
        ("Subscriptions", "expiry", "1/2/3/4"),
    ],
)
def test_a_malformed_field_is_named(name: str, field: str, text: str) -> None:
    assert read(name, FORMS[name] | {field: text}) == incorrect(field)


@pytest.mark.parametrize("name", ["Default", "Web Traffic"])
@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"runs": "3"}, "interval"),
        ({"interval": "60"}, "runs"),
        ({"runs": "0", "interval": "60"}, "runs"),
        ({"runs": "3", "interval": "0"}, "interval"),
        ({"runs": str(LARGEST_NUMBER), "interval": "1"}, "runs"),
        ({"runs": str(LARGEST_NUMBER + 1), "interval": "1"}, "runs"),
        ({"runs": "3", "interval": str(LARGEST_NUMBER + 1)}, "interval"),
    ],
)
def test_runs_and_interval_come_together_and_are_bounded(name: str, sent: dict[str, str], named: str) -> None:
    assert read(name, FORMS[name] | sent) == incorrect(named)


@pytest.mark.parametrize("name", ["Default", "Web Traffic"])
def test_runs_and_interval_make_a_drip_feed(name: str) -> None:
    found = read(name, FORMS[name] | {"runs": "3", "interval": "60"})
    assert isinstance(found, OrderInput)
    assert (found.quantity, found.runs, found.interval_minutes) == (100, 3, 60)
    assert ORDER_TYPES[name].can_drip


@pytest.mark.parametrize("nothing", ["", " ", "undefined", "null"])
def test_runs_and_interval_that_say_nothing_count_as_absent(nothing: str) -> None:
    assert read("Default", {**ASKED, "runs": nothing, "interval": nothing}) == OrderInput(LINK, 100)


def test_only_two_types_can_be_dripped() -> None:
    assert [each.name for each in ORDER_TYPES.values() if each.can_drip] == ["Default", "Web Traffic"]


@pytest.mark.parametrize(
    ("kind", "field", "other"), [("1", "google_keyword", "referring_url"), ("2", "referring_url", "google_keyword")]
)
def test_a_kind_of_traffic_needs_its_source(kind: str, field: str, other: str) -> None:
    form = TRAFFIC | {"type_of_traffic": kind}
    assert read("Web Traffic", form) == incorrect(field)
    assert read("Web Traffic", form | {other: "x"}) == incorrect(field)
    found = read("Web Traffic", form | {field: "x"})
    assert isinstance(found, OrderInput)
    assert found.details[field] == "x"


@pytest.mark.parametrize("delay", DELAYS_MINUTES)
def test_each_listed_delay_is_taken(delay: int) -> None:
    found = read("Subscriptions", FOLLOW | {"delay": str(delay)})
    assert isinstance(found, OrderInput)
    assert found.delay_minutes == delay


def test_a_subscription_may_ask_for_old_posts_only() -> None:
    found = read("Subscriptions", FOLLOW | {"posts": "0", "old_posts": "3"})
    assert isinstance(found, OrderInput)
    assert (found.posts, found.old_posts) == (0, 3)
    assert read("Subscriptions", FOLLOW | {"posts": "0", "old_posts": "0"}) == Refusal(Reason.INCORRECT_FIELD, "posts")
    unlimited = read("Subscriptions", FOLLOW | {"old_posts": "0"})
    assert isinstance(unlimited, OrderInput)
    assert (unlimited.posts, unlimited.old_posts) == (None, 0)


@pytest.mark.parametrize("expiry", ["28/02/2027", "28/2/2027"])
def test_a_subscription_takes_its_optional_fields(expiry: str) -> None:
    found = read("Subscriptions", FOLLOW | {"posts": "5", "old_posts": "0", "expiry": expiry})
    assert isinstance(found, OrderInput)
    assert (found.posts, found.old_posts, found.expiry) == (5, 0, date(2027, 2, 28))


@pytest.mark.parametrize(
    ("name", "field", "text", "kept"),
    [
        ("Custom Comments", "comments", "good\r\n\r\n  very good \n", "good\nvery good"),
        ("Custom Comments", "comments", "one, with a comma\ntwo", "one, with a comma\ntwo"),
        ("Comment Replies", "comments", "a\n\n\nb", "a\nb"),
        ("Mentions Custom List", "usernames", "a, b,\r\nc,,", "a\nb\nc"),
        ("Mentions", "usernames", "a,b", "a\nb"),
        ("Mentions with Hashtags", "hashtags", "#x, #y", "#x\n#y"),
        ("SEO", "keywords", "two words,three", "two words\nthree"),
        ("Invites from Groups", "groups", "g1\r\ng2", "g1\ng2"),
        ("Mentions Hashtag", "hashtag", "  #x ", "#x"),
    ],
)
def test_lists_are_one_item_a_line_and_names_may_stand_between_commas(
    name: str, field: str, text: str, kept: str
) -> None:
    found = read(name, FORMS[name] | {field: text})
    assert isinstance(found, OrderInput)
    assert found.details[field] == kept
    if ORDER_TYPES[name].measure is Measure.LINES:
        assert found.quantity == len(kept.split("\n"))


@pytest.mark.parametrize("name", [each.name for each in ORDER_TYPES.values() if each.measure is not Measure.QUANTITY])
@pytest.mark.parametrize("quantity", ["5", "-1", "many"])
def test_a_quantity_sent_with_a_type_that_counts_otherwise_is_ignored(name: str, quantity: str) -> None:
    assert read(name, FORMS[name] | {"quantity": quantity}) == read(name, FORMS[name])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("7", 7),
        ("007", 7),
        ("2147483647", LARGEST_NUMBER),
        ("2147483648", 2**31),
        ("9" * 4000, 2**31),
        ("0" * 4000 + "5", 5),
        ("0" * 4000, 0),
        ("", None),
        ("-1", None),
        ("1 ", None),
        ("²", None),
    ],
)
def test_a_number_is_ascii_digits_and_capped(text: str, number: int | None) -> None:
    assert read_number(text) == number


@given(
    st.sampled_from(list(ORDER_TYPES)),
    st.dictionaries(st.sampled_from(sorted({field for _, field in REQUIRED})), st.text(max_size=30), max_size=6),
)
def test_whatever_is_sent_is_read_within_bounds_or_refused_by_a_field_of_the_type(
    name: str, sent: dict[str, str]
) -> None:
    found = read(name, FORMS[name] | sent)
    if isinstance(found, Refusal):
        assert found.reason is Reason.INCORRECT_FIELD
        assert found.field in {each.name for each in ORDER_TYPES[name].fields}
    else:
        assert 0 <= found.quantity <= LARGEST_NUMBER + 1
        assert len(found.link) <= LONGEST_TEXT
