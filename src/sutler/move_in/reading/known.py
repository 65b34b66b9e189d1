"""What must be known of an old panel before its orders can be read, and what was found out about rows on the way."""

from collections.abc import Iterable
from datetime import datetime, tzinfo

import msgspec

from sutler.core.order_types import LARGEST_NUMBER
from sutler.move_in.sources.family import Family, Row

LARGEST_ID = LARGEST_NUMBER
LONGEST_REASON = 300


class Remark(msgspec.Struct, frozen=True, gc=False):
    """What is to be said of a row: it cannot come, or (`came`) it comes in another way than it stands there.

    `word` and `amount_micros` are its state and its amount there, for the totals.
    """

    name: str
    old_id: str
    reason: str
    came: bool = False
    word: str = ""
    amount_micros: int = 0


class KnownService(msgspec.Struct, gc=False):
    """What orders must know of a service."""

    type: str
    name: str
    provider: int | None = None
    upstream_service: str = ""
    # Of a service that orders name and that is not there any more: it comes hidden, with its orders.
    is_gone: bool = False


class Known:
    """What has been read so far: customers with their currencies, services, providers with theirs, tickets.

    Ids are the old ones, and ours.
    """

    def __init__(self, family: Family, currency: str, zone: tzinfo, now: datetime) -> None:
        self.family, self.currency, self.zone, self.now = family, currency, zone, now
        self.customers: dict[int, str] = {}
        self.emails: dict[str, int] = {}
        self.keys: dict[str, int] = {}
        self.services: dict[int, KnownService] = {}
        self.categories: dict[int, str] = {}
        self.providers: dict[int, str] = {}
        self.tickets: dict[int, int] = {}
        self.remarks: list[Remark] = []

    def leave(self, name: str, row: Row, reason: str, *, word: str = "", amount_micros: int = 0) -> None:
        """Notes that a row cannot come."""
        self._note(name, row, reason, came=False, word=word, amount_micros=amount_micros)

    def note(self, name: str, row: Row, reason: str) -> None:
        """Notes that a row comes in another way than it stands there."""
        self._note(name, row, reason, came=True)

    def take_remarks(self) -> list[Remark]:
        """Returns what was noted since, and forgets it."""
        taken, self.remarks = self.remarks, []
        return taken

    def _note(self, name: str, row: Row, reason: str, *, came: bool, word: str = "", amount_micros: int = 0) -> None:
        old_id = str(row.get("id"))[:40]
        self.remarks.append(Remark(name, old_id, reason[:LONGEST_REASON], came, word[:40], amount_micros))


def fitting_id(text: str | None) -> int | None:
    """Returns an id that can be ours: a whole number above 0 and below 2^31, or None."""
    plain = (text or "").strip()
    if not plain.isascii() or not plain.isdigit() or len(plain) > 10:
        return None
    return int(plain) if 0 < int(plain) <= LARGEST_ID else None


def ids(rows: Iterable[Row]) -> list[int]:
    """Returns the keys of rows as numbers: tables are read by them."""
    return [int(str(row["id"])) for row in rows]
