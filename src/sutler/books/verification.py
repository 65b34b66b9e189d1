"""Proofs that books and orders agree, asked for by staff and carried out by the worker: one at a time, and kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import Q

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.books.models import Verification
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.storage.transactions import durable

State = Verification.State
OPEN = (State.WAITING, State.RUNNING)
# No single check takes so long: whoever had begun it is gone.
SILENT_FOR = timedelta(minutes=15)


def ask(actor: User, now: datetime) -> Verification | Refusal:
    """Asks for a proof. Refuses with MOVE_NOT_ALLOWED while one waits or is under way.

    Raises storage.transactions.Busy or CommitUnclear.
    """
    try:
        with durable():
            made = Verification.objects.create(asked_by=actor, asked_at=now)
            audit_log.write(actor, "verify asked", Subject(SubjectType.VERIFICATION, made.pk), now)
            return made
    except IntegrityError:
        return Refusal(Reason.MOVE_NOT_ALLOWED)


def begin(checks: int, now: datetime) -> Verification | None:
    """Takes the proof that waits, which is to have so many checks, or None. Gives up one that has gone silent."""
    gone = Q(heard_at__lt=now - SILENT_FOR)
    if not Verification.objects.filter(Q(state=State.WAITING) | gone, state__in=OPEN).exists():
        return None  # asking often must not take the write lock
    with durable():
        silent = Verification.objects.filter(gone, state=State.RUNNING)
        silent.update(state=State.FAILED, finished_at=now, fault="the worker that had begun it was stopped")
        verification = Verification.objects.select_for_update().filter(state=State.WAITING).first()
        if verification is not None:
            verification.state, verification.checks = State.RUNNING, checks
            verification.started_at = verification.heard_at = now
            verification.save(update_fields=["state", "checks", "started_at", "heard_at"])
        return verification


def tell(verification_id: int, findings: Sequence[dict[str, Any]], now: datetime) -> None:
    """Keeps what has been found so far."""
    under_way = Verification.objects.filter(pk=verification_id, state=State.RUNNING)
    under_way.update(findings=list(findings), heard_at=now)


def end(verification_id: int, now: datetime, fault: str = "") -> None:
    """Ends it: all is found, or `fault` says why it could not be done."""
    under_way = Verification.objects.filter(pk=verification_id, state=State.RUNNING)
    state = State.FAILED if fault else State.DONE
    under_way.update(state=state, finished_at=now, fault=fault[:300])


def recent(limit: int = 10) -> list[Verification]:
    """Returns the newest proofs, with who asked for them, newest first."""
    return list(Verification.objects.select_related("asked_by").order_by("-pk")[:limit])
