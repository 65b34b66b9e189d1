"""Mass orders: lines of service, link and quantity, placed in one list, with a report for each line.

Between them stands a bar, a tab (as pasted from a spreadsheet), a comma or a semicolon: what comes first in the line.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sutler.core.placing import Draft
from sutler.core.refusals import Reason, Refusal
from sutler.orders.place import Placed, PlaceRequest, place, rehearse

MOST_LINES = 200
LONGEST_LINE = 2200
_SEPARATOR = re.compile(r"[|\t,;]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was written, its number in the text (from 1), and the fields read from it, if it can be read."""

    number: int
    text: str
    form: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class LineReport:
    """What became of a line: the order that it placed, or why it did not; a draft is an order that would be placed."""

    line: Line
    outcome: Draft | Placed | Refusal


def read(text: str) -> list[Line] | Refusal:
    """Returns the lines that are not blank. Refuses with INCORRECT_FIELD `orders` if there are none, or over 200."""
    found = [
        Line(number, line.strip(), _form(line)) for number, line in enumerate(text.splitlines(), 1) if line.strip()
    ]
    return found if 0 < len(found) <= MOST_LINES else Refusal(Reason.INCORRECT_FIELD, "orders")


def place_lines(customer_id: int, lines: Sequence[Line], once: str, now: datetime) -> list[LineReport]:
    """Places what the lines ask for, each on its own, and reports on each, in the order given.

    `once` is a name for this sending of the form, at most 64 characters: sent again, the same lines answer the same
    orders. A line that cannot be read is refused with INCORRECT_REQUEST, the others as `orders.place.place` says.
    Raises storage.transactions.Busy or CommitUnclear.
    """
    asked = _requests(customer_id, lines, once)
    return _report(lines, place(asked, now) if asked else [])


def rehearse_lines(customer_id: int, lines: Sequence[Line], once: str, now: datetime) -> list[LineReport]:
    """Reports what `place_lines` would do with the same lines now, each good one with its draft. Changes nothing."""
    asked = _requests(customer_id, lines, once)
    return _report(lines, rehearse(asked, now) if asked else [])


def _requests(customer_id: int, lines: Sequence[Line], once: str) -> list[PlaceRequest]:
    return [
        PlaceRequest(customer_id, each.form, f"mass:{once}:{each.number}") for each in lines if each.form is not None
    ]


def _report(lines: Sequence[Line], outcomes: Iterable[Draft | Placed | Refusal]) -> list[LineReport]:
    left = iter(outcomes)
    return [LineReport(each, Refusal(Reason.INCORRECT_REQUEST) if each.form is None else next(left)) for each in lines]


def repeats(lines: Sequence[Line]) -> dict[int, int]:
    """Returns the lines that ask for the same as a line before: the number of each, and of the first such."""
    first: dict[tuple[tuple[str, str], ...], int] = {}
    asked = ((line.number, tuple(sorted(line.form.items()))) for line in lines if line.form is not None)
    return {number: first[key] for number, key in asked if first.setdefault(key, number) != number}


def _form(line: str) -> dict[str, str] | None:
    """Reads a line. A link may hold the separator itself: the first and the last count."""
    line = line.strip()
    separator = match[0] if (match := _SEPARATOR.search(line)) else "|"
    service, _, rest = line.rstrip(separator).partition(separator)
    link, _, quantity = rest.rpartition(separator)
    if not rest.strip() or len(line) > LONGEST_LINE:
        return None
    # Without a quantity: what is sold by the piece asks for none.
    fields = {"link": link, "quantity": quantity} if link else {"link": quantity}
    return {name: text.strip().strip('"') for name, text in ({"service": service} | fields).items()}
