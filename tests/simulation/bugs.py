"""The negative controls: bugs that panels in use have, switched in to see that the auditor finds what they do."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from sutler.core import routing
from sutler.core.attempts import AttemptState
from sutler.core.lifecycle import Status
from sutler.core.routing import NoRoute
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import Attempt
from sutler.fulfilment.providers import account
from sutler.fulfilment.reconciling import reconcile, request_ids
from sutler.fulfilment.sending import outcome, plan
from sutler.fulfilment.sending.outcome import Outcome
from sutler.orders.models import Order
from sutler.panels.results import NoAnswer, NotSent
from tests.simulation.workers import Worker

Patch = Callable[[pytest.MonkeyPatch], None]


def _resend_on_time_out(patch: pytest.MonkeyPatch) -> None:
    """What was not answered counts as not sent."""
    real = outcome.outcome_of

    def outcome_of(attempt_id: int, answer: Any) -> Outcome:
        return real(attempt_id, NotSent(answer.cause) if isinstance(answer, NoAnswer) else answer)

    patch.setattr(outcome, "outcome_of", outcome_of)


def _reset_at_start(patch: pytest.MonkeyPatch) -> None:
    """A worker that starts plans again what was being sent as the last one died."""
    real = Worker._work

    async def work(self: Worker) -> None:
        await self.database.run(_reset_sending, self.clock.now())
        await real(self)

    def _reset_sending(now: datetime) -> int:
        sending = Attempt.objects.filter(state=AttemptState.SENDING, action=Attempt.Action.ADD)
        Order.objects.filter(pk__in=list(sending.values_list("order", flat=True))).update(status=Status.PENDING)
        return sending.update(state=AttemptState.PLANNED, due_at=now)

    patch.setattr(Worker, "_work", work)


def _refund_on_unknown(patch: pytest.MonkeyPatch) -> None:
    """What was not answered is canceled and the customer refunded."""
    real, choose = outcome.outcome_of, routing.choose

    def outcome_of(attempt_id: int, answer: Any) -> Outcome:
        told = real(attempt_id, answer)
        return replace(told, state=AttemptState.DECLINED) if told.state is AttemptState.UNKNOWN else told

    patch.setattr(outcome, "outcome_of", outcome_of)
    patch.setattr(
        plan, "choose", lambda order, ways, pasts, now: NoRoute.CANCEL if pasts else choose(order, ways, (), now)
    )


def _no_settle_window(patch: pytest.MonkeyPatch) -> None:
    """What is not there at once counts as absent."""
    patch.setattr(reconcile, "settle_window", lambda *_: timedelta(0))


def _one_scan(patch: pytest.MonkeyPatch) -> None:
    """One look that finds nothing is proof."""
    patch.setattr(reconcile, "CLEAN_SCANS", 1)
    patch.setattr(reconcile, "CLEAN_SCANS_WITHOUT_BALANCE", 1)
    patch.setattr(reconcile, "LOOKS", ())
    patch.setattr(reconcile, "remember", lambda *_: None)


def _believe_refusals(patch: pytest.MonkeyPatch) -> None:
    """A refusal in words that nobody knows counts as proof that nothing was placed."""
    patch.setattr(outcome, "REFUSES_ADD", frozenset(DeclineKind))


def _no_time_after_refusals(patch: pytest.MonkeyPatch) -> None:
    """What is not there as the next order is known counts as absent after a refusal."""
    patch.setattr(reconcile, "REFUSED_SHARE", 1_000_000)
    patch.setattr(reconcile, "LOOKS", ())
    patch.setattr(reconcile, "remember", lambda *_: None)


def _not_found_is_absent(patch: pytest.MonkeyPatch) -> None:
    """What a provider does not find by its request ID when it is first asked counts as absent."""
    patch.setattr(request_ids, "ripe_at", lambda attempt, _: attempt.sent_at)
    patch.setattr(request_ids, "CLEAN_SCANS", 1)


def _twins_apart(patch: pytest.MonkeyPatch) -> None:
    """Two rows of one account are taken for two accounts."""
    patch.setattr(account, "join_twins", lambda *_: 0)


BUGS: Mapping[str, Patch] = {
    "resend on time-out": _resend_on_time_out,
    "reset at start": _reset_at_start,
    "refund on unknown": _refund_on_unknown,
    "no settle window": _no_settle_window,
    "one scan": _one_scan,
    "believe refusals": _believe_refusals,
    "no time after refusals": _no_time_after_refusals,
    "not found is absent": _not_found_is_absent,
    "twins apart": _twins_apart,
}


@contextmanager
def switched_in(name: str) -> Iterator[None]:
    """Switches a bug in while the block runs; none for an empty name."""
    with pytest.MonkeyPatch.context() as patch:
        if name:
            BUGS[name](patch)
        yield
