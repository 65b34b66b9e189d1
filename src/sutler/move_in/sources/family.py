"""What a family of panels calls its tables and columns, and what it means by its flags."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# A row as it was read: our name of a column, and its text as it stood there; None for NULL and for a missing column.
Row = Mapping[str, str | None]

LISTS = ("providers", "categories", "services", "customers", "prices", "payments", "orders", "tickets", "messages")


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, its key, and its columns by our names. Without a needed one it cannot be read."""

    name: str
    key: str
    columns: Mapping[str, str]
    needed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Family:
    """A family: its tables by list, the texts that mean yes by list and column, and where it says its currency.

    `currency_query` has `{prefix}` before the table's name.
    """

    name: str
    tables: Mapping[str, Table]
    yes: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    currency_query: str = ""

    def flag(self, name: str, column: str, row: Row, *, default: bool) -> bool:
        """Returns what a flag of a row means; `default` where there is no such column, or nothing in it."""
        text = row.get(column)
        if text is None or not text.strip():
            return default
        return text.strip().lower() in self.yes.get((name, column), frozenset({"1", "true", "yes", "on"}))
