"""Lines of CSV that a spreadsheet shows and never runs."""

import csv
import io
from collections.abc import Iterable

# What makes a spreadsheet take a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Number(str):
    """Digits that we wrote ourselves: they stay a number, with their sign."""

    __slots__ = ()


def line(cells: Iterable[object]) -> str:
    """Returns one line with its line break. A text that could be taken for a formula gets an apostrophe before it."""
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerow([_neutral(each) for each in cells])
    return written.getvalue()


def _neutral(cell: object) -> object:
    if isinstance(cell, str) and not isinstance(cell, Number) and cell.lstrip(" ").startswith(_FORMULA):
        return "'" + cell
    return cell
