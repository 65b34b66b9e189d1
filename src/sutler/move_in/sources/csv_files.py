"""The lists that a hosted panel gives as CSV, read by a saved mapping of its columns to ours.

The rows are put in order by id in a scratch file, so that they can be read in batches like those of a server.
"""

import csv
import sqlite3
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from itertools import chain
from pathlib import Path

import msgspec

from sutler.core.money import is_currency
from sutler.core.old_panels import numbers
from sutler.move_in.sources.classic import CLASSIC
from sutler.move_in.sources.family import LISTS, Family, Layout, Row, Table
from sutler.move_in.sources.mysql import NotReadable
from sutler.move_in.sources.smartpanel import SMARTPANEL

_YES = frozenset({"1", "true", "yes", "on", "active", "enabled", "completed", "paid", "success"})
# A row without a number of its own is kept above all others, under its line, and so told of as one that cannot come.
_WITHOUT_NUMBER = 10**18
_FLAGS = ("is_on", "is_paid", "is_staff", "is_secret", "is_deleted", "dripfeed", "refill", "cancel")


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One list of the mapping: its file beside the mapping's, and the heading there of each of our columns."""

    file: str
    columns: dict[str, str]


class _Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: str
    lists: dict[str, _List]


@dataclass(frozen=True, slots=True)
class _Scratch:
    folder: tempfile.TemporaryDirectory[str]
    rows: sqlite3.Connection


class CsvSource:
    """An old panel as files. `sources.mysql.MySqlSource` says what each method promises."""

    def __init__(self, mapping_file: Path) -> None:
        """Reads the mapping, and every file that it names, into a scratch file. Raises NotReadable."""
        mapping = _mapping(mapping_file)
        self._currency = mapping.currency
        self.family = _family(mapping)
        self.layout = Layout(self.family, "", {name: each.columns for name, each in mapping.lists.items()})
        folder = tempfile.TemporaryDirectory(prefix="sutler-move-in-")
        self._scratch = _Scratch(folder, sqlite3.connect(Path(folder.name) / "rows.sqlite3"))
        try:
            for name, each in mapping.lists.items():
                self._fill(name, each, mapping_file.parent / each.file)
        except NotReadable:
            self.close()
            raise

    def close(self) -> None:
        """Takes the scratch file away."""
        self._scratch.rows.close()
        self._scratch.folder.cleanup()

    def currency(self) -> str:
        """Returns the currency that the mapping names."""
        return self._currency

    def zone(self) -> tzinfo:
        """Returns UTC: files do not say."""
        return UTC

    def has(self, name: str) -> bool:
        """Whether there is a file of this list."""
        return name in self.layout.columns

    def count(self, name: str, after: int = 0) -> int:
        """Returns how many rows of a list have an id above `after`."""
        [(count,)] = self._scratch.rows.execute(f"SELECT COUNT(*) FROM {name} WHERE id > ?", (after,))  # noqa: S608
        return int(count)

    def last_id(self, name: str) -> int:
        """Returns the highest id of a list that is a number."""
        query = f"SELECT MAX(id) FROM {name} WHERE id < ?"  # noqa: S608 - a name of LISTS
        [(last,)] = self._scratch.rows.execute(query, (_WITHOUT_NUMBER,))
        return int(last or 0)

    def batch(self, name: str, after: int, limit: int) -> list[Row]:
        """Returns up to `limit` rows with ids above `after`, the lowest first."""
        query = f"SELECT row FROM {name} WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 - a name of LISTS
        return [msgspec.json.decode(row) for (row,) in self._scratch.rows.execute(query, (after, limit))]

    def by_ids(self, name: str, ids: Sequence[int]) -> list[Row]:
        """Returns the rows that have these ids, the lowest first."""
        query = f"SELECT row FROM {name} WHERE id = ?"  # noqa: S608 - a name of LISTS
        found = chain.from_iterable(self._scratch.rows.execute(query, (each,)) for each in sorted(ids))
        return [msgspec.json.decode(row) for (row,) in found]

    def totals(self, name: str, amount: str, by: str | None = None, after: int = 0) -> dict[str, tuple[int, int]]:
        """Returns, by the text in a column, how many rows there are and what an amount sums up to in micros."""
        found: dict[str, tuple[int, int]] = {}
        for row in self._all(name, after):
            word = (row.get(by) or "") if by else ""
            count, micros = found.get(word, (0, 0))
            found[word] = (count + 1, micros + (numbers.micros(row.get(amount)) or 0))
        return found

    def by_month(self) -> dict[tuple[str, str], int]:
        """Returns what orders were charged, in micros, by the month of their date and their state."""
        found: dict[tuple[str, str], int] = {}
        for row in self._all("orders", 0):
            key = ((row.get("created") or "")[:7], row.get("status") or "")
            found[key] = found.get(key, 0) + (numbers.micros(row["charge"]) or 0)
        return found

    def _all(self, name: str, after: int) -> Iterator[Row]:
        if self.has(name):
            query = f"SELECT row FROM {name} WHERE id > ?"  # noqa: S608 - a name of LISTS
            for (row,) in self._scratch.rows.execute(query, (after,)):
                yield msgspec.json.decode(row)

    def _fill(self, name: str, listed: _List, file: Path) -> None:
        self._scratch.rows.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, row TEXT)")
        with self._scratch.rows:
            self._scratch.rows.executemany(
                f"INSERT OR IGNORE INTO {name} VALUES (?, ?)",  # noqa: S608 - a name of LISTS
                _numbered(_rows(listed, file)),
            )


def _numbered(rows: Iterator[dict[str, str | None]]) -> Iterator[tuple[int, bytes]]:
    """Yields rows with the numbers that they are kept under; of two with one number the second is told of too."""
    seen: set[int] = set()
    for line, row in enumerate(rows, 2):
        number = numbers.whole(row["id"])
        if number is None or not 0 < number < _WITHOUT_NUMBER or number in seen:
            number = _WITHOUT_NUMBER + line
        seen.add(number)
        yield number, msgspec.json.encode(row | {"id": str(number)})


def _rows(listed: _List, file: Path) -> Iterator[dict[str, str | None]]:
    try:
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as opened:
            head = opened.readline()
            opened.seek(0)
            reader = csv.DictReader(opened, delimiter=";" if head.count(";") > head.count(",") else ",")
            missing = sorted(set(listed.columns.values()) - set(reader.fieldnames or ()))
            if missing:
                raise NotReadable(f"{file.name} has no column {missing[0]!r}")
            for row in reader:
                yield {ours: row[theirs] for ours, theirs in listed.columns.items()}
    except (OSError, csv.Error) as error:
        raise NotReadable(f"{file}: {error}") from error


def _mapping(file: Path) -> _Mapping:
    try:
        mapping = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _Mapping)
    except (OSError, ValueError) as error:  # what TOML, its encoding and its shape raise are of this kind
        raise NotReadable(f"{file}: {error}") from error
    if not is_currency(mapping.currency):
        raise NotReadable(f"{file}: the currency must be a code such as USD")
    for name, listed in mapping.lists.items():
        if name not in LISTS:
            raise NotReadable(f"{file}: there is no list {name!r}; the lists are {', '.join(LISTS)}")
        known = _columns(name)
        odd = sorted(set(listed.columns) - set(known) - {"id"})
        lacking = sorted((_needed(name) | {"id"}) - set(listed.columns))
        if odd or lacking:
            word = f"has no column {odd[0]!r}; there are {', '.join(sorted(known))}" if odd else f"needs {lacking[0]!r}"
            raise NotReadable(f"{file}: the list {name} {word}")
    if lacking := sorted({"customers", "services", "orders"} - set(mapping.lists)):
        raise NotReadable(f"{file}: the list {lacking[0]} is missing")
    return mapping


def _columns(name: str) -> Mapping[str, str]:
    """Returns all columns that a list may have, whichever family has them."""
    return {**SMARTPANEL.tables[name].columns, **CLASSIC.tables[name].columns}


def _needed(name: str) -> frozenset[str]:
    return SMARTPANEL.tables[name].needed


def _family(mapping: _Mapping) -> Family:
    tables = {
        name: Table(each.file, each.columns["id"], each.columns, _needed(name)) for name, each in mapping.lists.items()
    }
    return Family("hosted", tables, {(name, flag): _YES for name in LISTS for flag in _FLAGS})
