"""Settling unknown outcomes: looking for the order upstream until it is found, proven absent, or left to staff.

Looks come soon after the outcome became unknown, while an order that was made still shows its whole charge, and again
once the settle window has passed; only then is anything decided (reliability page, docs/decisions/0011).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from sutler.core.attempts import AttemptState
from sutler.core.charge_digits import Rounding
from sutler.core.events import CauseKind, cause
from sutler.core.order_types import ORDER_TYPES
from sutler.core.text import text_input
from sutler.core.upstream_words import read_status
from sutler.core.verdicts import Doubt, Evidence, Found, Placed, Suspect
from sutler.fulfilment.models import (
    Attempt,
    NamedOrder,
    Orphan,
    Provider,
    ProviderMinute,
    ProviderState,
    UpstreamOrder,
    account_rows,
)
from sutler.fulfilment.polling import children
from sutler.fulfilment.providers import ledger
from sutler.fulfilment.providers.session import ProviderSession
from sutler.fulfilment.reconciling.id_scan import Scan, scan
from sutler.fulfilment.sending import outcome
from sutler.fulfilment.sending.outcome import Outcome
from sutler.orders import restoration
from sutler.orders.models import Order
from sutler.panels.client import PLACING_SECONDS
from sutler.panels.results import Balance
from sutler.storage.statements import Statement, moment, run
from sutler.storage.transactions import durable

LOOKS = (timedelta(minutes=4), timedelta(minutes=8))
AGAIN = timedelta(minutes=1)
# Without a later order there is no end to the window; so long is one waited for.
PATIENCE = timedelta(hours=24)
MOST_IDS = 20_000
IDS_WITHOUT_FLOOR = 2_000
_IN_ONE_QUERY = 5_000
# How far beyond the highest known id a look goes.
AHEAD_IDS = 200
# Who answers with a refusal has done what it was asked to do: what a third of the settle window after it has not
# brought about was not placed (docs/decisions/0026).
REFUSED_SHARE = 3
# How often a window must be scanned whole and empty: an answer may deny an order once by mistake.
CLEAN_SCANS, CLEAN_SCANS_WITHOUT_BALANCE = 2, 3
SLOWEST_ANSWERS = 10
# Doubtful evidence may clear up while others are settled; after this, staff decide.
PATIENCE_IN_DOUBT = timedelta(hours=2)
_WHY_STAFF = {
    Doubt.NOTHING_FOUND: CauseKind.NOTHING_FOUND,
    Doubt.RIVALS: CauseKind.ANOTHER_ATTEMPT,
    Doubt.SEVERAL: CauseKind.SEVERAL_FOUND,
    Doubt.OTHER_CHARGE: CauseKind.OTHER_CHARGE,
    Doubt.NO_CHARGE: CauseKind.COSTS_NOTHING,
}
_S = AttemptState
_ADD = Attempt.Action.ADD
_MOST_SHOWN = 50
# Of each attempt, an id that surely was given after its horizon, as low as is known.
_CEILINGS = Statement(
    "SELECT {answer} FROM {rows}",
    {"id": "bigint", "provider_id": "bigint", "horizon": "timestamptz"},
    (
        "rows.id",
        "(SELECT there.upstream_id FROM fulfilment_upstreamorder there WHERE there.provider_id = rows.provider_id"
        " AND there.placed_at >= rows.horizon AND there.confirmed_at IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM fulfilment_namedorder named WHERE named.child_id = there.order_id)"
        " ORDER BY there.placed_at LIMIT 1)",
    ),
)
_LOOKED_AT = Statement(
    "UPDATE fulfilment_attempt SET due_at = rows.due_at, clean_scans = rows.clean_scans, evidence = rows.evidence"
    " FROM {rows} WHERE fulfilment_attempt.id = rows.id AND fulfilment_attempt.state = 'unknown'",
    {"id": "bigint", "due_at": "timestamptz", "clean_scans": "integer", "evidence": "jsonb"},
)


@dataclass(frozen=True, slots=True)
class Case:
    """One unknown outcome that is due to be looked at. `is_ripe` once its settle window has passed."""

    suspect: Suspect
    sent_at: datetime
    is_ripe: bool
    ripe_at: datetime
    clean_scans: int
    gap_micros: int | None


@dataclass(frozen=True, slots=True)
class Docket:
    """What is known of a provider's unknown outcomes before a look: the cases that are due, and the ids to ask."""

    cases: tuple[Case, ...]
    ids: tuple[int, ...]
    suspects: Mapping[int, Suspect]
    settle_window: timedelta
    may_scan: bool
    is_shared: bool


async def reconcile(session: ProviderSession) -> int:
    """Looks once at the provider's unknown outcomes that are due; returns how many it looked at."""
    docket = await session.database.run(read_docket, session.provider.pk, session.clock.now())
    if not docket.cases:
        return 0
    looked = await scan(session, docket.ids) if docket.may_scan and docket.ids else Scan(is_whole=docket.may_scan)
    wants_balance = any(each.is_ripe for each in docket.cases) and not docket.is_shared
    balance = await session.ask(lambda panel: panel.balance()) if wants_balance else None
    await session.database.run_until_done(
        decide,
        session.provider.pk,
        docket,
        looked,
        balance if isinstance(balance, Balance) else None,
        session.clock.now(),
    )
    return len(docket.cases)


def read_docket(provider_id: int, now: datetime) -> Docket:
    """Reads the unknown outcomes that are due, and what must be asked to judge them."""
    due = list(_unknown(provider_id).filter(due_at__lte=now).order_by("pk"))
    if not due or restoration.is_open():  # what was forgotten would be taken for what is looked for
        return Docket((), (), {}, timedelta(0), may_scan=False, is_shared=False)
    provider = Provider.objects.select_related("live_state").get(pk=provider_id)
    window = settle_window(provider, now)
    suspects = open_suspects(provider_id, window, now)
    cases = tuple(_case(each, suspects[each.pk], window, now) for each in due)
    wanted = _to_ask(cases, provider.live_state.highest_id + AHEAD_IDS)
    wanted -= claimed_ids(provider_id, wanted)
    return Docket(cases, tuple(sorted(wanted)), suspects, window, provider.may_scan, provider.is_shared)


def settle_window(provider: Provider, now: datetime) -> timedelta:
    """Returns how long after sending an order may still come into being upstream: the provider's setting, and at least
    ten times what its answers took in the slowest minute of the last day, none longer than one is waited for."""
    minutes = ProviderMinute.objects.filter(provider=provider, minute__gt=now - timedelta(days=1), calls__gt=0)
    slowest = max((total // calls for total, calls in minutes.values_list("total_milliseconds", "calls")), default=0)
    usual = min(timedelta(milliseconds=slowest), timedelta(seconds=PLACING_SECONDS))
    return max(timedelta(minutes=provider.settle_minutes), SLOWEST_ANSWERS * usual)


def ripe_at(attempt: Attempt, window: timedelta) -> datetime | None:
    """Returns from when on the attempt may be judged; None if it was not sent. `window` is the settle window.

    After a refusal in unknown words that is sooner. Only an order that is sent from then on ends its window of ids.
    """
    if attempt.refusal and attempt.answered_at is not None:
        return attempt.answered_at + window / REFUSED_SHARE
    return None if attempt.sent_at is None else attempt.sent_at + window


def decide(provider_id: int, docket: Docket, looked: Scan, balance: Balance | None, now: datetime) -> None:
    """Judges the cases by what the look has found: writes the verdicts, and when each of the others is looked at next.

    Raises storage.transactions.Busy or CommitUnclear; repeating is safe.
    """
    with durable():
        remember(provider_id, looked, now)
        bench = _bench(provider_id, docket, looked, balance, now)
        outcomes: list[Outcome] = []
        kept: list[tuple[int, str, int, str]] = []
        for case in docket.cases:
            doubt = bench.evidence.judge(case.suspect)
            scans_wanted = bench.scans_wanted(case, doubt)
            result = bench.outcome(case, doubt, scans_wanted)
            outcomes += [result] if result else []
            clean_scans = 0 if scans_wanted is None else case.clean_scans + 1
            due_at = moment(now + _pause(case, now))
            kept.append((case.suspect.attempt_id, due_at, clean_scans, json.dumps(bench.shown(case))))
        run(_LOOKED_AT, kept)
    if outcomes:
        outcome.settle(provider_id, outcomes, (), now)


def open_suspects(provider_id: int, window: timedelta, now: datetime) -> dict[int, Suspect]:
    """Every attempt that may have placed an order nobody knows of: on the way, unknown, with staff, or accepted under
    an id that has not answered yet and may be another's. By their keys.
    """
    rows = list(account_rows(provider_id))
    adds = Attempt.objects.filter(provider__in=rows, action=_ADD)
    unheard_of = UpstreamOrder.objects.filter(provider__in=rows, ask_time__isnull=False, confirmed_at=None)
    undecided = (
        adds.adds_on_the_way(),
        adds.unconfirmed_adds(),
        adds.filter(upstream_order__in=unheard_of),
    )
    ids = [pk for group in undecided for pk in group.values_list("pk", flat=True)]
    attempts = Attempt.objects.filter(pk__in=ids).select_related("order", "upstream_service")
    ripe = {each.pk: at for each in attempts if (at := ripe_at(each, window)) is not None and at <= now}
    horizons = [(pk, row, moment(at)) for pk, at in ripe.items() for row in rows]
    later_ids: dict[int, list[str | None]] = defaultdict(list)
    for pk, later_id in run(_CEILINGS, horizons):
        later_ids[pk].append(later_id)
    return {each.pk: _suspect(each, later_ids[each.pk]) for each in attempts}


def claimed_ids(provider_id: int, ids: Iterable[int]) -> set[int]:
    """Returns those of the account's ids that orders of ours have, or that were named as made for one."""
    rows = list(account_rows(provider_id))
    found: set[int] = set()
    texts = [str(each) for each in ids]
    for start in range(0, len(texts), _IN_ONE_QUERY):
        part = texts[start : start + _IN_ONE_QUERY]
        orders = UpstreamOrder.objects.filter(provider__in=rows, upstream_id__in=part)
        named = NamedOrder.objects.filter(provider__in=rows, upstream_id__in=part)
        for each in (orders, named):
            found.update(map(int, each.values_list("upstream_id", flat=True)))
    return found


def remember(provider_id: int, looked: Scan, now: datetime) -> None:
    """Keeps the account's orphans with what they said of themselves first; forgets those claimed meanwhile."""
    account_id = Provider.objects.get(pk=provider_id).account_id or provider_id
    rows = [
        Orphan(
            provider_id=account_id,
            upstream_id=each,
            charge_micros=said.charge_micros,
            word=said.raw,
            remains=said.remains,
            seen_at=now,
        )
        for each, said in looked.ours.items()
    ]
    Orphan.objects.bulk_create(rows, ignore_conflicts=True)
    Orphan.objects.filter(provider=account_id, upstream_id__in=claimed_ids(provider_id, looked.ours)).delete()


def _pause(case: Case, now: datetime) -> timedelta:
    """Returns when an attempt is looked at again: a few times before its window is over, then again and again."""
    age = now - case.sent_at
    if not case.is_ripe:
        following = next((look - age for look in LOOKS if look > age), case.ripe_at - now)
        return min(following, case.ripe_at - now)
    if case.suspect.ceiling is None:
        return min(max(age / 8, AGAIN), timedelta(minutes=30))
    return AGAIN


def _unknown(provider_id: int) -> QuerySet[Attempt]:
    return Attempt.objects.unconfirmed_adds().filter(provider=provider_id, state=_S.UNKNOWN)


def _case(attempt: Attempt, suspect: Suspect, window: timedelta, now: datetime) -> Case:
    ripe = ripe_at(attempt, window)
    assert attempt.sent_at is not None and ripe is not None  # noqa: S101 - what is unknown was sent
    return Case(suspect, attempt.sent_at, now >= ripe, ripe, attempt.clean_scans, attempt.gap_micros)


def _suspect(attempt: Attempt, later_ids: Sequence[str | None]) -> Suspect:
    assert attempt.upstream_service is not None  # noqa: S101 - every add has one
    return Suspect(
        attempt.pk,
        attempt.floor_id,
        min((id_ for each in later_ids if (id_ := _ceiling(each, attempt.floor_id)) is not None), default=None),
        attempt.expected_micros,
        attempt.order.quantity,
        attempt.upstream_service.rate_micros,
        ORDER_TYPES[attempt.order.type].per,
        makes_more=attempt.order.kind != Order.Kind.SINGLE,
    )


def _ceiling(later_id: str | None, floor: int) -> int | None:
    """Returns the id as the end of a window; None where it is none that rises, or lies below the floor: ids do not
    rise there, or a clock was set, and an empty window would prove nothing."""
    number = text_input.number(later_id or "")
    return number if number is not None and number > floor else None


def _to_ask(cases: Sequence[Case], top: int) -> set[int]:
    """Returns the ids of all windows. Where no id was known before, the last few may still show that it was placed."""
    wanted: set[int] = set()
    for each in cases:
        ceiling = each.suspect.ceiling or top
        floor = each.suspect.floor or max(ceiling - IDS_WITHOUT_FLOOR, 0)
        wanted.update(range(floor + 1, min(ceiling, floor + MOST_IDS)))
    return wanted


@dataclass(frozen=True, slots=True)
class _Bench:
    """All that a verdict is founded on."""

    docket: Docket
    is_whole: bool
    evidence: Evidence
    missing_micros: int | None
    # By how much what is missing may be wrong, since charges are told rounded there.
    blur_micros: int
    now: datetime

    def outcome(self, case: Case, doubt: Placed | Doubt, scans_wanted: int | None) -> Outcome | None:
        """Returns the verdict, or None where it is looked at again."""
        pk, age = case.suspect.attempt_id, self.now - case.sent_at
        if not case.is_ripe:
            return None
        if not self.docket.may_scan:
            return Outcome(pk, _S.STAFF, cause=cause(CauseKind.NO_SCANS))
        if isinstance(doubt, Placed):
            if self.docket.is_shared:
                return Outcome(pk, _S.STAFF, cause=cause(CauseKind.SHARED_ACCOUNT, id=doubt.upstream_id))
            return Outcome(pk, _S.ACCEPTED, str(doubt.upstream_id), cause(CauseKind.FOUND_BY_SCAN))
        if scans_wanted is not None and case.clean_scans + 1 >= scans_wanted:
            agrees = self._balance_contradicts(case) is False
            kind = CauseKind.ABSENT_BY_BALANCE if agrees else CauseKind.ABSENT_BY_SCANS
            return Outcome(pk, _S.ABSENT, cause=cause(kind))
        patience = PATIENCE if doubt is Doubt.NOTHING_FOUND else PATIENCE_IN_DOUBT
        return Outcome(pk, _S.STAFF, cause=cause(self._why_staff(case, doubt))) if age >= patience else None

    def scans_wanted(self, case: Case, doubt: Placed | Doubt) -> int | None:
        """Returns how many whole and empty scans prove that it was not placed; None if this look was not one."""
        suspect = case.suspect
        is_bounded = suspect.ceiling is not None and suspect.floor > 0 and suspect.ceiling - suspect.floor <= MOST_IDS
        if doubt is not Doubt.NOTHING_FOUND or not is_bounded or not self.is_whole:
            return None
        says = self._balance_contradicts(case)
        if says:
            return None
        return CLEAN_SCANS if says is False else CLEAN_SCANS_WITHOUT_BALANCE

    def _why_staff(self, case: Case, doubt: Doubt) -> CauseKind:
        is_charged = doubt is Doubt.NOTHING_FOUND and self._balance_contradicts(case)
        return CauseKind.CHARGED_UNFOUND if is_charged else _WHY_STAFF[doubt]

    def _balance_contradicts(self, case: Case) -> bool | None:
        """Returns True if the balance shows that the attempt was charged, False if not, None if it cannot tell."""
        if self.missing_micros is None or case.gap_micros is None:
            return None
        missing = self.missing_micros - case.gap_micros
        return self.evidence.balance_contradicts(case.suspect, missing, self.blur_micros)

    def shown(self, case: Case) -> dict[str, object]:
        """Returns what staff are shown."""
        suspect = case.suspect
        return {
            "looked_at": self.now.isoformat(),
            "ids_above": suspect.floor,
            "ids_below": suspect.ceiling,
            "all_answered": self.is_whole,
            "clean_scans": case.clean_scans,
            "expected_micros": suspect.expected_micros,
            "orphans": [
                {"id": each.upstream_id, "charge_micros": each.charge_micros}
                for each in self.evidence.within(suspect, _MOST_SHOWN)
            ],
            "missing_at_provider_micros": self.missing_micros,
            "missing_as_it_was_sent_micros": case.gap_micros,
        }


def _bench(provider_id: int, docket: Docket, looked: Scan, balance: Balance | None, now: datetime) -> _Bench:
    # What was open before the look and what is open now, by the windows that the look has covered.
    suspects = {**open_suspects(provider_id, docket.settle_window, now), **docket.suspects}
    lowest = min(each.suspect.floor for each in docket.cases)
    orphans = Orphan.objects.filter(provider__rows=provider_id, upstream_id__gt=lowest)
    named_until = children.named_until(provider_id)
    rows = orphans.values_list("upstream_id", "charge_micros", "word", "remains", "seen_at")
    found = [
        Found(pk, charge, read_status(word), remains, named_until is not None and seen_at >= named_until)
        for pk, charge, word, remains, seen_at in rows
    ]
    missing = None if balance is None else ledger.book_balance_micros(provider_id) - balance.micros
    rounding = ProviderState.objects.get(provider=provider_id).rounding
    evidence = Evidence(found, suspects.values(), rounding.within_micros)
    return _Bench(docket, looked.is_whole, evidence, missing, _blur(provider_id, docket, rounding), now)


def _blur(provider_id: int, docket: Docket, rounding: Rounding) -> int:
    """Returns by how much the rounding of charges may have moved the books since the cases were sent: of what goes on
    there, and of what has ended since."""
    if not rounding.is_coarse:
        return 0
    since = min(each.sent_at for each in docket.cases)
    lately = Q(finished_at=None) | Q(finished_at__gt=since)
    return rounding.within_micros * UpstreamOrder.objects.filter(lately, provider=provider_id).count()
