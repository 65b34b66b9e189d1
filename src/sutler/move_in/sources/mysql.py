"""A MySQL or MariaDB server that holds the old panel, or a dump of it that was loaded there. Only ever read."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta, timezone, tzinfo
from typing import Any
from urllib.parse import unquote, urlsplit

from sutler.core.money import is_currency
from sutler.move_in.sources.classic import CLASSIC
from sutler.move_in.sources.family import LISTS, Family, Layout, Row, Table
from sutler.move_in.sources.smartpanel import SMARTPANEL

FAMILIES = {each.name: each for each in (SMARTPANEL, CLASSIC)}
_READ_TIMEOUT_SECONDS = 600
_PORT = 3306


class NotReadable(Exception):
    """The old panel cannot be read; the message says why, in one line for the operator."""


class MySqlSource:
    """An old panel on a server. Every value comes as its text; rows come in batches, in the order of their keys."""

    def __init__(self, url: str, *, prefix: str | None = None) -> None:
        """Connects and finds out what is there. Raises NotReadable."""
        self._connection = _connect(url)
        self._database = unquote(urlsplit(url).path.strip("/"))
        self.layout = _layout(self._columns_by_table(), prefix)
        self.family = self.layout.family

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def currency(self) -> str:
        """Returns the currency that the panel says it sells in; "" if it does not say."""
        query = self.family.currency_query.format(prefix=self.layout.prefix)
        with suppress(NotReadable):
            for (text,) in self._select(query):
                code = str(text or "").strip().upper()
                return code if is_currency(code) else ""
        return ""

    def zone(self) -> tzinfo:
        """Returns the offset that the server's clock has now: moments are kept without one."""
        [(text,)] = self._select("SELECT TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW())")
        return timezone(timedelta(minutes=int(text)))

    def has(self, name: str) -> bool:
        """Whether the panel keeps this list at all."""
        return name in self.layout.columns

    def count(self, name: str, after: int = 0) -> int:
        """Returns how many rows of a list have a key above `after`."""
        table = self._table(name)
        [(count,)] = self._select(f"SELECT COUNT(*) FROM {table} WHERE {_key(self._spec(name))} > %s", after)  # noqa: S608
        return int(count)

    def last_id(self, name: str) -> int:
        """Returns the highest key of a list, 0 if there is none."""
        [(last,)] = self._select(f"SELECT MAX({_key(self._spec(name))}) FROM {self._table(name)}")  # noqa: S608
        return int(last or 0)

    def batch(self, name: str, after: int, limit: int) -> list[Row]:
        """Returns up to `limit` rows of a list with keys above `after`, the lowest first; each has its key as `id`."""
        key = _key(self._spec(name))
        return self._rows(name, f"WHERE {key} > %s ORDER BY {key} LIMIT {int(limit)}", after)

    def by_ids(self, name: str, ids: Sequence[int]) -> list[Row]:
        """Returns the rows of a list that have these keys, the lowest first."""
        if not ids:
            return []
        key = _key(self._spec(name))
        marks = ", ".join(["%s"] * len(ids))
        return self._rows(name, f"WHERE {key} IN ({marks}) ORDER BY {key}", *ids)

    def totals(self, name: str, amount: str, by: str | None = None, after: int = 0) -> dict[str, tuple[int, int]]:
        """Returns, by the text in a column, how many rows there are and what an amount sums up to in micros.

        As the server adds up: the other side of the comparison with what was read row by row.
        """
        columns = self.layout.columns[name]
        sort = f"COALESCE(CAST(`{columns[by]}` AS CHAR), '')" if by is not None and by in columns else "''"
        query = (
            f"SELECT {sort}, COUNT(*), SUM(CAST(`{columns[amount]}` AS DECIMAL(40, 6)))"  # noqa: S608
            f" FROM {self._table(name)} WHERE {_key(self._spec(name))} > %s GROUP BY {sort}"
        )
        found: dict[str, tuple[int, int]] = {}
        for word, count, total in self._select(query, after):
            found[str(word)] = (int(count), _in_micros(total))
        return found

    def by_month(self) -> dict[tuple[str, str], int]:
        """Returns what orders were charged, in micros, by the month of their date and their state."""
        columns = self.layout.columns["orders"]
        month = f"LEFT(CAST(`{columns['created']}` AS CHAR), 7)" if "created" in columns else "''"
        query = (
            f"SELECT COALESCE({month}, ''), COALESCE(CAST(`{columns['status']}` AS CHAR), ''),"  # noqa: S608
            f" SUM(CAST(`{columns['charge']}` AS DECIMAL(40, 6))) FROM {self._table('orders')} GROUP BY 1, 2"
        )
        return {(str(at), str(word)): _in_micros(total) for at, word, total in self._select(query)}

    def _rows(self, name: str, condition: str, *parameters: object) -> list[Row]:
        spec, columns = self._spec(name), self.layout.columns[name]
        selected = ", ".join([f"`{spec.key}`", *(f"`{theirs}`" for theirs in columns.values())])
        names = ("id", *columns)
        query = f"SELECT {selected} FROM {self._table(name)} {condition}"  # noqa: S608
        return [dict(zip(names, row, strict=True)) for row in self._select(query, *parameters)]

    def _select(self, query: str, *parameters: object) -> list[Any]:
        import pymysql

        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query, parameters)
                return list(cursor.fetchall())
        except pymysql.MySQLError as error:
            raise NotReadable(f"the old panel's server: {_words(error)}") from error

    def _columns_by_table(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
        for table, column in self._select(query, self._database):
            found.setdefault(table, set()).add(column)
        return found

    def _spec(self, name: str) -> Table:
        return self.family.tables[name]

    def _table(self, name: str) -> str:
        return f"`{self.layout.prefix}{self._spec(name).name}`"


def _connect(url: str) -> Any:
    try:
        import pymysql
    except ImportError as error:
        raise NotReadable("PyMySQL is missing: pip install 'sutler[movein]'") from error
    parts = urlsplit(url)
    if parts.scheme not in {"mysql", "mariadb"} or not parts.hostname or not parts.path.strip("/"):
        raise NotReadable("the address of the old panel must be like mysql://user:password@127.0.0.1:3306/database")
    try:
        return pymysql.connect(
            host=parts.hostname,
            port=parts.port or _PORT,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.strip("/")),
            charset="utf8mb4",
            autocommit=True,
            # As texts, all of them: what they mean is read by our rules, and floats never become floats.
            conv=dict(pymysql.converters.encoders),
            connect_timeout=10,
            read_timeout=_READ_TIMEOUT_SECONDS,
        )
    except (pymysql.MySQLError, OSError) as error:
        raise NotReadable(f"the old panel's server: {_words(error)}") from error


def _layout(tables: Mapping[str, set[str]], prefix: str | None) -> Layout:
    """Returns what is there: the family of which most tables are found, under one prefix. Raises NotReadable."""
    best: Layout | None = None
    for family in FAMILIES.values():
        customers = family.tables["customers"].name
        prefixes = {each.removesuffix(customers) for each in tables if each.endswith(customers)}
        for one in sorted(prefixes if prefix is None else prefixes & {prefix}):
            layout = Layout(family, one, _known(family, one, tables))
            if best is None or len(layout.columns) > len(best.columns):
                best = layout
    needed = {"customers", "orders", "services"}
    if best is None or needed - set(best.columns):
        raise NotReadable("these are not the tables of SmartPanel or of the classic family; is --prefix needed?")
    return best


def _known(family: Family, prefix: str, tables: Mapping[str, set[str]]) -> dict[str, dict[str, str]]:
    found = {}
    for name in LISTS:
        table = family.tables[name]
        there = tables.get(prefix + table.name, set())
        columns = {ours: theirs for ours, theirs in table.columns.items() if theirs in there}
        if table.key in there and table.needed <= set(columns):
            found[name] = columns
    return found


def _key(table: Table) -> str:
    return f"`{table.key}`"


def _in_micros(total: str | None) -> int:
    whole, _, fraction = str(total or "0").partition(".")
    value = int((whole.lstrip("-") or "0") + fraction.ljust(6, "0")[:6])
    return -value if whole.startswith("-") else value


def _words(error: BaseException) -> str:
    return str(error.args[-1] if error.args else error).splitlines()[0][:300]
