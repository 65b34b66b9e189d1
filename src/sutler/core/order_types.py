"""The seventeen order types: their fields, how each field is read, and what counts as the quantity.

This table is what the code runs on and what the public API page is rendered from (protocol page, section 3).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import Any

import msgspec

from sutler.core.pricing import PER_PIECE, PER_THOUSAND
from sutler.core.refusals import Reason, Refusal
from sutler.core.translation import gettext_noop as _

LONGEST_TEXT = 2048
LARGEST_NUMBER = 2**31 - 1
MOST_LINES = 10_000
DELAYS_MINUTES = (
    0,
    5,
    10,
    15,
    20,
    30,
    40,
    50,
    60,
    90,
    120,
    150,
    180,
    210,
    240,
    270,
    300,
    360,
    420,
    480,
    540,
    600,
)
# Control characters and lone surrogates: no database stores them all, no page shows them.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ABSENT = frozenset({"", "undefined", "null"})


class Kind(Enum):
    """How the text of a field is read."""

    TEXT = auto()
    NUMBER = auto()
    LINES = auto()
    NAMES = auto()
    CHOICE = auto()
    DATE = auto()


class Measure(Enum):
    """What an order of the type is counted and priced by."""

    QUANTITY = auto()
    ONE = auto()
    LINES = auto()
    POSTS = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an order. `about` is its line in the public documentation."""

    name: str
    kind: Kind
    about: str
    required: bool = True
    choices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderType:
    """One of the type strings of the wire, byte for byte, with the fields it asks besides `service`."""

    name: str
    fields: tuple[Field, ...]
    measure: Measure = Measure.QUANTITY

    @property
    def per(self) -> int:
        """How many pieces the rate is the price of."""
        return PER_PIECE if self.measure is Measure.ONE else PER_THOUSAND

    @property
    def handed_on_as(self) -> str:
        """The type of what is handed on: for a subscription that of the orders for its posts, a link and a quantity."""
        return "Default" if self.measure is Measure.POSTS else self.name

    @property
    def can_drip(self) -> bool:
        """Whether orders of the type may be spread over runs."""
        return any(each.name == "runs" for each in self.fields)


class OrderInput(msgspec.Struct, frozen=True, gc=False):
    """The fields of one order, read and well-formed, not yet compared with the service's limits.

    `quantity` is per run when `runs` is not 0; for a subscription it is 0 and `minimum`..`maximum` hold for each post.
    `posts` None means no limit; 0 means no new ones, only `old_posts` of those that exist already.
    `details` are the remaining fields as whoever fulfils the order gets them, lists as one item a line.
    """

    link: str
    quantity: int
    runs: int = 0
    interval_minutes: int = 0
    minimum: int = 0
    maximum: int = 0
    posts: int | None = None
    old_posts: int = 0
    delay_minutes: int = 0
    expiry: date | None = None
    details: dict[str, str] = {}


_LINK = Field("link", Kind.TEXT, _("Link to the page"))
_QUANTITY = Field("quantity", Kind.NUMBER, _("Needed quantity"))
_RUNS = Field("runs", Kind.NUMBER, _("Runs to deliver; the quantity is per run"), required=False)
_INTERVAL = Field("interval", Kind.NUMBER, _("Interval between runs in minutes; required with runs"), required=False)
_COMMENTS = Field("comments", Kind.LINES, _("Comments, one per line"))
_USERNAMES = Field("usernames", Kind.NAMES, _("Usernames, one per line or separated by commas"))
_HASHTAGS = Field("hashtags", Kind.NAMES, _("Hashtags, one per line or separated by commas"))
_KEYWORDS = Field("keywords", Kind.NAMES, _("Keywords, one per line or separated by commas"))
_GROUPS = Field("groups", Kind.NAMES, _("Groups, one per line or separated by commas"))

_TYPES = (
    OrderType("Default", (_LINK, _QUANTITY, _RUNS, _INTERVAL)),
    OrderType("Package", (_LINK,), Measure.ONE),
    OrderType("Custom Comments", (_LINK, _COMMENTS), Measure.LINES),
    OrderType("Custom Comments Package", (_LINK, _COMMENTS), Measure.ONE),
    OrderType("Mentions", (_LINK, _QUANTITY, _USERNAMES)),
    OrderType("Mentions with Hashtags", (_LINK, _QUANTITY, _USERNAMES, _HASHTAGS)),
    OrderType("Mentions Custom List", (_LINK, _USERNAMES), Measure.LINES),
    OrderType(
        "Mentions Hashtag",
        (_LINK, _QUANTITY, Field("hashtag", Kind.TEXT, _("Hashtag to scrape usernames from"))),
    ),
    OrderType(
        "Mentions User Followers",
        (_LINK, _QUANTITY, Field("username", Kind.TEXT, _("Account whose followers are mentioned"))),
    ),
    OrderType(
        "Mentions Media Likers",
        (_LINK, _QUANTITY, Field("media", Kind.TEXT, _("Post whose likers are mentioned"))),
    ),
    OrderType(
        "Comment Likes",
        (_LINK, _QUANTITY, Field("username", Kind.TEXT, _("Username of the comment's author"))),
    ),
    OrderType(
        "Comment Replies",
        (_LINK, Field("username", Kind.TEXT, _("Username of the comment's author")), _COMMENTS),
        Measure.LINES,
    ),
    OrderType("Poll", (_LINK, _QUANTITY, Field("answer_number", Kind.NUMBER, _("Number of the answer")))),
    OrderType("Invites from Groups", (_LINK, _QUANTITY, _GROUPS)),
    OrderType("SEO", (_LINK, _QUANTITY, _KEYWORDS)),
    OrderType(
        "Web Traffic",
        (
            _LINK,
            _QUANTITY,
            _RUNS,
            _INTERVAL,
            Field("country", Kind.TEXT, _("Country of the visitors, code or name")),
            Field(
                "device",
                Kind.CHOICE,
                _("1 desktop, 2 mobile (Android), 3 mobile (iOS), 4 mixed (mobile), 5 mixed (mobile and desktop)"),
                choices=(1, 2, 3, 4, 5),
            ),
            Field(
                "type_of_traffic",
                Kind.CHOICE,
                _("1 from a search keyword, 2 from a referring page, 3 direct"),
                choices=(1, 2, 3),
            ),
            Field("google_keyword", Kind.TEXT, _("Required if type_of_traffic is 1"), required=False),
            Field("referring_url", Kind.TEXT, _("Required if type_of_traffic is 2"), required=False),
        ),
    ),
    OrderType(
        "Subscriptions",
        (
            Field("username", Kind.TEXT, _("Account whose new posts are served")),
            Field("min", Kind.NUMBER, _("Minimum quantity per post")),
            Field("max", Kind.NUMBER, _("Maximum quantity per post")),
            Field(
                "posts",
                Kind.NUMBER,
                _("Number of new posts; 0: old_posts only; omit for no limit"),
                required=False,
            ),
            Field("old_posts", Kind.NUMBER, _("Number of existing posts"), required=False),
            Field(
                "delay",
                Kind.CHOICE,
                _("Delay after a post in minutes; one of the listed values"),
                choices=DELAYS_MINUTES,
            ),
            Field("expiry", Kind.DATE, _("Expiry date, d/m/Y"), required=False),
        ),
        Measure.POSTS,
    ),
)

ORDER_TYPES: dict[str, OrderType] = {each.name: each for each in _TYPES}

# Fields that have a place of their own in OrderInput; all others travel in `details`.
_PLACES = {
    "quantity": "quantity",
    "runs": "runs",
    "interval": "interval_minutes",
    "min": "minimum",
    "max": "maximum",
    "posts": "posts",
    "old_posts": "old_posts",
    "delay": "delay_minutes",
}
_BOUNDED = frozenset({"quantity", "min", "max"})
MAY_BE_ZERO = frozenset({"quantity", "min", "max", "posts", "old_posts"})
_NEEDED_BY_TRAFFIC = {1: "google_keyword", 2: "referring_url"}


def read_order(order_type: OrderType, form: Mapping[str, str]) -> OrderInput | Refusal:
    """Reads the fields of an order of this type from what a caller sent.

    Returns the input, or INCORRECT_FIELD naming the first field of the table that is missing or malformed.
    Blanks around a value do not count. Fields that the type does not have are ignored.
    """
    values: dict[str, Any] = {}
    for each in order_type.fields:
        text = form.get(each.name, "").strip()
        if text in _ABSENT:
            if each.required:
                return Refusal(Reason.INCORRECT_FIELD, each.name)
            continue
        value = _READERS[each.kind](each, text)
        if value is None:
            return Refusal(Reason.INCORRECT_FIELD, each.name)
        values[each.name] = value
    wrong = _wrong_together(values)
    return Refusal(Reason.INCORRECT_FIELD, wrong) if wrong else _input(order_type, values)


def items(asked: Field, text: str) -> int:
    """Returns how many items a list has as it would be read; 0 if there are none or it cannot be read."""
    kept = _READERS[asked.kind](asked, text)
    return kept.count("\n") + 1 if isinstance(kept, str) else 0


def pieces(order_type: OrderType, form: Mapping[str, str]) -> int | None:
    """Returns how many pieces a form asks for as far as it is filled in, all runs together.

    None while that cannot be told; of a subscription it never can.
    """
    if order_type.measure is Measure.ONE:
        return 1
    if order_type.measure is Measure.LINES:
        counted = next(each for each in order_type.fields if each.kind in {Kind.LINES, Kind.NAMES})
        return items(counted, form.get(counted.name, "")) or None
    if order_type.measure is Measure.POSTS:
        return None
    runs = read_number(form.get("runs", "").strip()) if order_type.can_drip else None
    return (read_number(form.get("quantity", "").strip()) or 0) * (runs or 1) or None


def read_number(text: str) -> int | None:
    """Returns the number written in ASCII digits, or None. What exceeds 2^31-1 is returned as 2^31."""
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    return min(int(digits or "0"), LARGEST_NUMBER + 1) if len(digits) <= 10 else LARGEST_NUMBER + 1


def _read_text(_: Field, text: str) -> str | None:
    stripped = text.strip()
    return stripped if len(stripped) <= LONGEST_TEXT and not _UNPRINTABLE.search(stripped) else None


def _read_lines(_: Field, text: str) -> str | None:
    kept = [stripped for item in text.split("\n") if (stripped := item.strip())]
    if not kept or len(kept) > MOST_LINES or max(map(len, kept)) > LONGEST_TEXT:
        return None
    if any(map(_UNPRINTABLE.search, kept)):
        return None
    return "\n".join(kept)


def _read_names(asked: Field, text: str) -> str | None:
    return _read_lines(asked, text.replace(",", "\n"))


def _read_number(asked: Field, text: str) -> int | None:
    number = read_number(text)
    return number if number or asked.name in MAY_BE_ZERO else None


def _read_choice(asked: Field, text: str) -> int | None:
    number = read_number(text)
    return number if number in asked.choices else None


def _read_date(_: Field, text: str) -> date | None:
    parts = [read_number(part) for part in text.split("/")]
    if len(parts) != 3 or None in parts:
        return None
    day, month, year = (part or 0 for part in parts)
    try:
        return date(year, month, day)
    except ValueError:
        return None


_READERS: dict[Kind, Callable[[Field, str], int | str | date | None]] = {
    Kind.TEXT: _read_text,
    Kind.LINES: _read_lines,
    Kind.NAMES: _read_names,
    Kind.NUMBER: _read_number,
    Kind.CHOICE: _read_choice,
    Kind.DATE: _read_date,
}


def _wrong_together(values: Mapping[str, Any]) -> str:
    """Returns the name of a field that does not go with the others, or nothing."""
    if ("runs" in values) != ("interval" in values):
        return "interval" if "runs" in values else "runs"
    # A quantity past the largest number is left to the service's maximum, which words it better.
    too_large = [name for name, value in values.items() if value == LARGEST_NUMBER + 1 and name not in _BOUNDED]
    if too_large:
        return too_large[0]
    if values.get("runs", 1) * values.get("quantity", 0) > LARGEST_NUMBER and "runs" in values:
        return "runs"
    if values.get("min", 0) > values.get("max", 0):
        return "max"
    if values.get("posts") == 0 and not values.get("old_posts"):
        return "posts"
    needed = _NEEDED_BY_TRAFFIC.get(values.get("type_of_traffic", 0))
    return needed if needed and needed not in values else ""


def _input(order_type: OrderType, values: dict[str, Any]) -> OrderInput:
    link = values.pop("link", "")
    expiry = values.pop("expiry", None)
    numbers = {_PLACES[name]: values.pop(name) for name in list(values) if name in _PLACES}
    if order_type.measure is Measure.ONE:
        numbers["quantity"] = 1
    elif order_type.measure is Measure.LINES:
        counted: str = values.get("comments") or values["usernames"]
        numbers["quantity"] = counted.count("\n") + 1
    elif order_type.measure is Measure.POSTS:
        numbers["quantity"] = 0
    details = {name: str(value) for name, value in values.items()}
    return OrderInput(link, expiry=expiry, details=details, **numbers)


def order_fields(order_type: OrderType, link: str, quantity: int, details: Mapping[str, str]) -> dict[str, str]:
    """Returns the fields with which an order of one run is placed at another panel, besides `service`."""
    names = {each.name for each in order_type.fields}
    fields = {name: text for name, text in details.items() if name in names}
    if "link" in names:
        fields["link"] = link
    if "quantity" in names:
        fields["quantity"] = str(quantity)
    return fields
