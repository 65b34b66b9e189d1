"""The audit of ids: orders at a provider that answer as ours and that no order of ours claims.

Every night the ids since the last audit are asked about. An orphan that no open outcome may explain was paid for and is
nobody's: it was ordered by hand, made twice, or lost; staff must look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sutler.core.events import Cause, CauseKind, cause
from sutler.core.subjects import Subject, SubjectType
from sutler.core.text import text_input
from sutler.fulfilment.models import Alarm, Orphan, Provider, ProviderState, UpstreamOrder
from sutler.fulfilment.polling import children
from sutler.fulfilment.providers import alarms, call_log
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.reconciling.id_scan import Scan, scan
from sutler.fulfilment.reconciling.reconcile import MOST_IDS, claimed_ids, open_suspects, remember, settle_window
from sutler.storage.transactions import durable

EVERY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The ids of one audit: those up to `last` that are nobody's."""

    last: int
    ids: tuple[int, ...]


async def audit(session: ProviderSession) -> int:
    """Audits the provider's ids if that is due, every 24 hours, where it may scan. Returns how many it asked about.

    At most 20,000 ids a night, within the provider's rate limit. An audit that is not answered whole is repeated in the
    next pass. The alarm ORPHAN is raised once for each id.
    """
    stretch = await session.database.run(read_stretch, session.provider.pk, session.clock.now())
    if stretch is None:
        return 0
    looked = await scan(session, stretch.ids) if stretch.ids else Scan()
    await session.database.run_until_done(
        close, session.provider.pk, stretch, looked, session.take_calls(), session.clock.now()
    )
    return len(stretch.ids) if looked.is_whole else 0


def read_stretch(provider_id: int, now: datetime) -> Stretch | None:
    """Returns the ids that are to be audited, or None where no audit is due.

    As far as an id that was given before the settle window: what is younger may belong to an open outcome. And before
    all that goes on there was last asked what it has made.
    """
    provider = Provider.objects.select_related("live_state").get(pk=provider_id)
    state = provider.live_state
    is_due = state.audited_at is None or now - state.audited_at >= EVERY
    if not (provider.may_scan and is_due):
        return None
    until, named_until = now - settle_window(provider, now), children.named_until(provider_id)
    until = until if named_until is None else min(until, named_until)
    settled = UpstreamOrder.objects.filter(provider=provider, confirmed_at__isnull=False, placed_at__lte=until)
    newest = children.sent_by_us(settled).order_by("-placed_at").values_list("upstream_id", flat=True).first() or ""
    newest_id = text_input.number(newest)
    last = state.audited_id if newest_id is None else min(newest_id, state.highest_id)
    first = state.audited_id or max(last - MOST_IDS, 0)
    last = min(last, first + MOST_IDS)
    ids = set(range(first + 1, last + 1))
    return Stretch(max(last, state.audited_id), tuple(sorted(ids - claimed_ids(provider_id, ids))))


def close(provider_id: int, stretch: Stretch, looked: Scan, calls: Sequence[LoggedExchange], now: datetime) -> None:
    """Keeps what was found and raises the alarms; what open outcomes may explain is left to them.

    Raises storage.transactions.Busy or CommitUnclear; repeating is safe.
    """
    with durable():
        remember(provider_id, looked, now)
        window = settle_window(Provider.objects.get(pk=provider_id), now)
        suspects = open_suspects(provider_id, window, now).values()
        open_floor = min((each.floor for each in suspects), default=None)
        orphans = Orphan.objects.filter(provider__rows=provider_id, upstream_id__in=looked.ours.keys())
        for orphan in orphans.order_by("upstream_id"):
            if open_floor is None or orphan.upstream_id <= open_floor:
                subject = Subject(SubjectType.PROVIDER_ORDER, orphan.upstream_id)
                alarms.sound(orphan.provider_id, Alarm.Kind.ORPHAN, subject, _cause(orphan), now)
        if looked.is_whole:
            ProviderState.objects.filter(provider=provider_id).update(audited_id=stretch.last, audited_at=now)
        call_log.write(provider_id, calls)


def _cause(orphan: Orphan) -> Cause:
    about = {"id": orphan.upstream_id, "word": orphan.word}
    if orphan.charge_micros is None:
        return cause(CauseKind.ORPHAN_UNCHARGED, **about)
    return cause(CauseKind.ORPHAN, **about, charge_micros=orphan.charge_micros)
