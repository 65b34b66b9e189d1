"""What a family of panels calls its tables and columns, and what it means by its flags."""

from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True, slots=True)
class Layout:
    """What is there: the family, the prefix of its tables, and each table's columns of those that we know."""

    family: Family
    prefix: str
    columns: Mapping[str, Mapping[str, str]]

    def missing(self) -> Iterator[str]:
        """Yields a line for each table and each column that other versions have and this one has not."""
        for name, table in self.family.tables.items():
            if name not in self.columns:
                yield f"{name}: there is no table {self.prefix}{table.name}, so they do not come"
                continue
            for column in sorted(set(table.columns) - set(self.columns[name])):
                yield f"{name}: {self.prefix}{table.name} has no column {table.columns[column]}"
