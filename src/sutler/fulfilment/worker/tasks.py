"""What staff want to know of a provider now: asked for on a page, carried out over the provider's session, and kept.

It is repeated if the worker that had begun it was stopped: none of it places an order or moves money.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError

from sutler.accounts import audit_log
from sutler.accounts.models import User
from sutler.conformance.reads import WRONG_KEY
from sutler.conformance.verdict import Outcome
from sutler.core.events import CauseKind, cause, declined
from sutler.core.money import show_balance
from sutler.core.refusals import Reason, Refusal
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.catalogue import sync
from sutler.fulfilment.models import Provider, ProviderTask
from sutler.fulfilment.providers.check import certify
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.reconciling import balance
from sutler.panels.results import Balance, Declined
from sutler.storage.transactions import durable

Kind, State = ProviderTask.Kind, ProviderTask.State
OPEN = (State.WAITING, State.RUNNING)
LONGEST_TEXT = 300
_UNFIT = frozenset({Outcome.DIFFERS, Outcome.UNTOLD})


def ask(
    provider_id: int, kind: ProviderTask.Kind, actor: User, now: datetime, *, trust: bool = False
) -> ProviderTask | Refusal:
    """Asks for it. Refuses with NOT_FOUND, and with MOVE_NOT_ALLOWED while the same is under way or it is switched off.

    Raises storage.transactions.Busy or CommitUnclear.
    """
    provider = Provider.objects.filter(pk=provider_id).first()
    if provider is None:
        return Refusal(Reason.NOT_FOUND)
    if provider.state == Provider.State.OFF:
        return Refusal(Reason.MOVE_NOT_ALLOWED, "off")
    try:
        with durable():
            made = ProviderTask.objects.create(
                provider=provider, kind=kind, trust=trust, asked_by=actor, asked_at=now, report={}
            )
            audit_log.write(actor, f"provider {kind} asked", Subject(SubjectType.PROVIDER, provider_id), now)
            return made
    except IntegrityError:
        return Refusal(Reason.MOVE_NOT_ALLOWED)


def newest(provider_id: int) -> dict[str, ProviderTask]:
    """Returns the last task of each kind; one small read."""
    provider_tasks = ProviderTask.objects.filter(provider=provider_id).select_related("asked_by").order_by("-pk")[:30]
    return {each.kind: each for each in reversed(provider_tasks)}


async def carry_out(session: ProviderSession) -> bool:
    """Does the oldest task that waits for this provider; returns False if there is none."""
    found = await session.database.run(_begin, session.provider.pk)
    if found is None:
        return False
    work: Mapping[str, Callable[[ProviderSession, ProviderTask], Awaitable[dict[str, Any]]]]
    work = {Kind.TEST: _test, Kind.BALANCE: _balance, Kind.SYNC: _sync}
    report = await work[found.kind](session, found)
    await session.database.run_until_done(_end, found.pk, report, session.clock.now())
    return True


def _begin(provider_id: int) -> ProviderTask | None:
    provider_task = ProviderTask.objects.filter(provider=provider_id, state__in=OPEN).order_by("pk").first()
    if provider_task is not None:
        ProviderTask.objects.filter(pk=provider_task.pk).update(state=State.RUNNING)
    return provider_task


def _end(task_id: int, report: dict[str, Any], now: datetime) -> None:
    state = State.FAILED if report.get("fault") else State.DONE
    ProviderTask.objects.filter(pk=task_id).update(state=state, report=report, finished_at=now)


async def _test(session: ProviderSession, _task: ProviderTask) -> dict[str, Any]:
    settings = session.settings
    found = await certify(session.beside(settings), session.beside(replace(settings, key=WRONG_KEY)))
    checks = [
        {"action": each.action, "verdict": str(each.outcome), "check": each.sentence, "why": _cut(each.why)}
        for each in found
    ]
    return {"checks": checks, "unfit": sum(each.outcome in _UNFIT for each in found)}


async def _balance(session: ProviderSession, _task: ProviderTask) -> dict[str, Any]:
    provider_id = session.provider.pk
    before = await session.database.run(balance.standing, provider_id)
    answer = await session.ask(lambda panel: panel.balance())
    await session.database.run_until_done(
        balance.record, provider_id, before, answer, session.take_calls(), session.clock.now()
    )
    if not isinstance(answer, Balance):
        return {"fault": declined(answer.kind, answer.raw) if isinstance(answer, Declined) else answer.cause}
    if answer.currency not in ("", session.provider.currency):
        ours = session.provider.currency
        return {"fault": cause(CauseKind.BALANCE_CURRENCY, theirs=answer.currency, ours=ours)}
    return {"balance": show_balance(answer.micros), "is_quiet": before.is_quiet}


async def _sync(session: ProviderSession, task: ProviderTask) -> dict[str, Any]:
    answer = await session.ask(lambda panel: panel.services())
    report = await session.database.run_until_done(_take, session, answer, task.trust)
    if report.fault or report.difference is None:
        return {"fault": report.fault}
    done = report.adjusted
    notes = report.difference.notes
    return {
        "services": report.services,
        "new": len(report.difference.new),
        "differences": len(notes),
        "waiting": sum(each.waits for each in notes),
        "left_out": [
            {"why": _cut(each.why), "count": each.count, "names": each.names, "more": each.more}
            for each in report.left_out
        ],
        **{name: getattr(done, name) for name in ("repriced", "limited", "paused", "back", "routes_off", "routes_on")},
    }


def _take(session: ProviderSession, answer: Any, trust: bool) -> sync.Report:
    calls, now = session.take_calls(), session.clock.now()
    return sync.apply_catalogue(session.provider.pk, answer, now, calls, trust=trust)


def _cut(text: str) -> str:
    return text[:LONGEST_TEXT].replace("\0", "")
