"""What the accounts without a balance row hold: the sum of their transfers, from the last snapshot on.

A balance row that every order updates would be a lock that all of them wait for. A snapshot is read by whoever wants
the sum and written by nobody but `renew`, every few minutes and beside the orders.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Max

from sutler.books.models import Snapshot, Transfer

# No transaction that moves money stays open for so long: a lock is waited for 5 s, an idle one is ended after 60.
ALL_COMMITTED_AFTER = timedelta(minutes=2)
# Two searches: an index serves each, and none serves both ends at once. The upper bound is no search: PostgreSQL takes
# a range between two parameters for a narrow one and would read the whole index of ids for it.
_SINCE = """
    SELECT COALESCE(SUM(delta), 0), COUNT(*) FROM (
        SELECT amount_micros AS delta FROM books_transfer WHERE credit_id = %s AND id > %s AND id - %s <= 0
        UNION ALL
        SELECT -amount_micros FROM books_transfer WHERE debit_id = %s AND id > %s AND id - %s <= 0
    ) AS moved
"""
_LAST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Sum:
    """What an account holds, in micros of its currency, and of how many transfers that is the sum."""

    micros: int = 0
    transfers: int = 0


def summed(account_id: int) -> Sum:
    """Returns what the account holds by all transfers that are committed."""
    snapshot = Snapshot.objects.filter(pk=account_id).first()
    return _summed(account_id, snapshot, _LAST)


def renew(account_id: int, now: datetime) -> None:
    """Brings the account's snapshot as far forward as is safe. Must be called inside a transaction."""
    snapshot = Snapshot.objects.select_for_update().filter(pk=account_id).first()
    if snapshot is not None and snapshot.next_at > now - ALL_COMMITTED_AFTER:
        return
    last = Transfer.objects.aggregate(last=Max("pk"))["last"] or 0
    if snapshot is None:
        Snapshot.objects.get_or_create(account_id=account_id, defaults={"next_id": last, "next_at": now})
        return
    through = _summed(account_id, snapshot, snapshot.next_id)
    snapshot.through_id, snapshot.sum_micros, snapshot.transfers = snapshot.next_id, through.micros, through.transfers
    snapshot.next_id, snapshot.next_at = last, now
    snapshot.save()


def _summed(account_id: int, snapshot: Snapshot | None, until: int) -> Sum:
    since = snapshot.through_id if snapshot else 0
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, [account_id, since, until] * 2)
        micros, transfers = cursor.fetchone()
    before = Sum(snapshot.sum_micros, snapshot.transfers) if snapshot else Sum()
    return Sum(before.micros + int(micros), before.transfers + transfers)
