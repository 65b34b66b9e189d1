"""Forwarding what customers ask of orders that are upstream: refills, which are followed there, and cancels."""

import asyncio

from sutler.fulfilment.providers.session import Line
from sutler.fulfilment.requests import attempts, cancels, refills
from sutler.fulfilment.requests.attempts import RequestClaim


async def forward(line: Line) -> int:
    """Does once all that is due at the provider; returns how much that was.

    Each request is stored as being sent before the first byte leaves, and one whose outcome is unknown is not sent
    again before it is settled: a cancel by what becomes of its order, a refill by staff.
    """
    provider_id, now = line.provider.pk, line.clock.now()
    await line.database.run(attempts.expire_leases, provider_id, now)
    await line.database.run(refills.look_after_unknown, provider_id, now)
    await line.database.run(cancels.judge_unknown, provider_id, now)
    return await _send_cancels(line) + await _send_refills(line) + await _follow_refills(line)


async def _send_cancels(line: Line) -> int:
    most = line.panel.most_cancels
    claims = await line.database.run(cancels.claim, line.provider.pk, most, line.worker, line.clock.now())
    if not claims:
        return 0
    ids = [each.upstream_id for each in claims]
    said = await line.ask(lambda panel: panel.cancel(ids), claims[0].order_id if len(claims) == 1 else None)
    answers = {each.attempt_id: said.get(each.upstream_id) if isinstance(said, dict) else said for each in claims}
    await line.database.run_until_done(cancels.settle, line.provider.pk, answers, line.take_calls(), line.clock.now())
    return len(claims)


async def _send_refills(line: Line) -> int:
    most = max(1, line.provider.most_at_once)
    claims = await line.database.run(refills.claim, line.provider.pk, most, line.worker, line.clock.now())
    async with asyncio.TaskGroup() as group:
        for each in claims:
            group.create_task(_send_refill(line, each))
    return len(claims)


async def _send_refill(line: Line, claim: RequestClaim) -> None:
    said = await line.ask(lambda panel: panel.refill(claim.upstream_id), claim.order_id)
    await line.database.run_until_done(
        refills.settle, line.provider.pk, claim.attempt_id, said, line.take_calls(), line.clock.now()
    )


async def _follow_refills(line: Line) -> int:
    due = await line.database.run(refills.due, line.provider.pk, line.clock.now())
    if not due:
        return 0
    said = await line.ask(lambda panel: panel.refill_statuses(list(due.values())))
    answers = {pk: said.get(upstream_id) if isinstance(said, dict) else None for pk, upstream_id in due.items()}
    await line.database.run_until_done(refills.follow, line.provider.pk, answers, line.take_calls(), line.clock.now())
    return len(due)
