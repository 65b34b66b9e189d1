"""Forwarding what customers ask of orders that are upstream: refills, which are followed there, and cancels."""

import asyncio

from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.requests import attempts, cancels, refills
from sutler.fulfilment.requests.attempts import RequestClaim
from sutler.orders import restoration


async def forward(session: ProviderSession) -> int:
    """Does once all that is due at the provider; returns how much that was.

    Each request is stored as being sent before the first byte leaves, and one whose outcome is unknown is not sent
    again before it is settled: a cancel by what becomes of its order, a refill by staff.
    """
    provider_id, now = session.provider.pk, session.clock.now()
    if await session.database.run(restoration.is_open):
        return 0
    await session.database.run(attempts.expire_leases, provider_id, now)
    await session.database.run(refills.look_after_unknown, provider_id, now)
    await session.database.run(cancels.judge_unknown, provider_id, now)
    return await _send_cancels(session) + await _send_refills(session) + await _follow_refills(session)


async def _send_cancels(session: ProviderSession) -> int:
    most = session.panel.most_cancels
    claims = await session.database.run(cancels.claim, session.provider.pk, most, session.worker, session.clock.now())
    if not claims:
        return 0
    ids = [each.upstream_id for each in claims]
    said = await session.ask(lambda panel: panel.cancel(ids), claims[0].order_id if len(claims) == 1 else None)
    answers = {each.attempt_id: said.get(each.upstream_id) if isinstance(said, dict) else said for each in claims}
    await session.database.run_until_done(
        cancels.record_answer, session.provider.pk, answers, session.take_calls(), session.clock.now()
    )
    return len(claims)


async def _send_refills(session: ProviderSession) -> int:
    most = max(1, session.provider.most_at_once)
    claims = await session.database.run(refills.claim, session.provider.pk, most, session.worker, session.clock.now())
    async with asyncio.TaskGroup() as group:
        for each in claims:
            group.create_task(_send_refill(session, each))
    return len(claims)


async def _send_refill(session: ProviderSession, claim: RequestClaim) -> None:
    said = await session.ask(lambda panel: panel.refill(claim.upstream_id), claim.order_id)
    await session.database.run_until_done(
        refills.record_answer, session.provider.pk, claim.attempt_id, said, session.take_calls(), session.clock.now()
    )


async def _follow_refills(session: ProviderSession) -> int:
    due = await session.database.run(refills.due, session.provider.pk, session.clock.now())
    if not due:
        return 0
    said = await session.ask(lambda panel: panel.refill_statuses(list(due.values())))
    answers = {pk: said.get(upstream_id) if isinstance(said, dict) else None for pk, upstream_id in due.items()}
    await session.database.run_until_done(
        refills.ask, session.provider.pk, answers, session.take_calls(), session.clock.now()
    )
    return len(due)
