"""The proof that the books and the orders are sound: every check of the audits, over one snapshot of the database."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.db import connection
from rich.progress import Progress

from sutler.books import audit as books
from sutler.books import figures_audit
from sutler.books.audit import Check
from sutler.fulfilment import audit as fulfilment
from sutler.orders import approval_audit
from sutler.orders import audit as orders
from sutler.payments import audit as payments
from sutler.storage.snapshot import snapshot
from sutler.support import audit as support

CHECKS: tuple[Check, ...] = (
    *(books.CHECKS + figures_audit.CHECKS + orders.CHECKS + approval_audit.CHECKS),
    *(fulfilment.CHECKS + payments.CHECKS + support.CHECKS),
)
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: how many rows it looked at, how many breaches there are, and the first of them."""

    check: Check
    rows: int
    breaches: int
    shown: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yields one line for each breach that is shown, and one that says how many are not."""
        for breach in self.shown:
            yield f"{self.check.name}: {breach}"
        if self.breaches > len(self.shown):
            yield f"{self.check.name}: and {self.breaches - len(self.shown):,} more"


def run_checks(progress: Progress, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Does what `prove` does; shows on `progress` what is being checked, and leaves a line for each check."""
    task = progress.add_task("", total=len(checks))

    def tell(finding: Finding) -> None:
        verdict = f"{finding.breaches:,} MISMATCHES" if finding.breaches else "ok"
        progress.console.print(
            f"{verdict:>12} {finding.rows:>12,} rows  {finding.check.sentence}", highlight=False, soft_wrap=True
        )
        progress.advance(task)

    findings = prove(checks, lambda check: progress.update(task, description=check.name), tell)
    progress.remove_task(task)
    return findings


def prove(
    checks: Sequence[Check], before: Callable[[Check], object], after: Callable[[Finding], object]
) -> list[Finding]:
    """Runs the checks over one snapshot and returns what each found, in the order given.

    Calls `before` and `after` around each check, in the snapshot's transaction. Takes no lock that anybody waits for.
    Raises django.db.DatabaseError if the database cannot be read.
    """
    findings = []
    with snapshot():
        rows = {table: _count(table) for table in dict.fromkeys(check.table for check in checks)}
        for check in checks:
            before(check)
            findings.append(_look(check, rows[check.table]))
            after(findings[-1])
    return findings


def _count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - a name of the audits' own
        return int(cursor.fetchone()[0])


def _look(check: Check, rows: int) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT breach, COUNT(*) OVER () FROM ({check.sql}) AS breaches LIMIT {MOST_SHOWN}"  # noqa: S608
        )
        found = cursor.fetchall()
    return Finding(check, rows, found[0][1] if found else 0, tuple(breach for breach, _ in found))
