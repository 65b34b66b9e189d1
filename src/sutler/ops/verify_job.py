"""The worker's part of `books.verification`: proves, when staff ask for it, that books and orders agree."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ParamSpec

import structlog
from django.db import DatabaseError, connection

from sutler.books import verification
from sutler.books.audit import Check
from sutler.core.clock import Clock
from sutler.ops.verify import CHECKS, Finding, prove

P = ParamSpec("P")
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Prover:
    """Carries out one proof after another. What it has found so far is written by `beside`, over a connection of its
    own: this thread's is in the snapshot meanwhile. Without `beside` both are one, as in a transaction of the caller's.
    """

    clock: Clock
    beside: Executor | None
    checks: Sequence[Check] = CHECKS
    _found: list[dict[str, Any]] = field(default_factory=list)

    def prove_asked(self, now: datetime) -> int:
        """Carries out the proof that waits; returns 1, or 0 if none does."""
        asked = verification.begin(len(self.checks), now)
        if asked is None:
            return 0
        self._found.clear()
        fault = ""
        try:
            prove(self.checks, lambda _: None, lambda finding: self._tell(asked.pk, finding))
        except DatabaseError as error:
            _log.warning("verify.failed", error=str(error))
            fault = str(error)
        self._write(verification.end, asked.pk, self.clock.now(), fault)
        return 1

    def _tell(self, verification_id: int, finding: Finding) -> None:
        self._found.append(
            {
                "name": finding.check.name,
                "sentence": finding.check.sentence,
                "rows": finding.rows,
                "breaches": finding.breaches,
                "shown": list(finding.shown),
            }
        )
        self._write(verification.tell, verification_id, list(self._found), self.clock.now())

    def _write(self, verb: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        if self.beside is None:
            verb(*args, **kwargs)
        else:
            self.beside.submit(lambda: _closing(verb, *args, **kwargs)).result()


def _closing(verb: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    try:
        verb(*args, **kwargs)
    finally:
        connection.close()
