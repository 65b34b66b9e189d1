"""Unknown outcomes as staff look at them: the list, and all evidence about one of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from sutler.core.attempts import UNSETTLED, AttemptState
from sutler.fulfilment.models import Attempt, LoggedCall, Orphan, UpstreamOrder, account_rows
from sutler.fulfilment.providers import ledger
from sutler.fulfilment.reconciling.reconcile import ripe_at, settle_window

MOST_LISTED = 200
MOST_OF_EACH = 50
# The calls around the sending that staff are shown, and how long afterwards.
_SENDING = AttemptState.SENDING
_BEFORE, _AFTER = timedelta(minutes=2), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An id at the provider that no order of ours claims. `fits` if its charge is what was expected.

    None where it was not told, or where the order costs nothing by itself.
    """

    orphan: Orphan
    fits: bool | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one unknown outcome. Amounts are in the provider's currency.

    The order, if it was placed, has an id above `above` and, once known, below `below`. The worker decides from
    `ripe_at` on, where `waits_for_later_order` is not set: then only `below` is still wanting. `others` are the order's
    other attempts, `rivals` what else at this provider is not settled.
    """

    attempt: Attempt
    above: int
    below: int | None
    ripe_at: datetime | None
    waits_for_later_order: bool
    candidates: list[Candidate]
    ours_nearby: list[UpstreamOrder]
    rivals: list[Attempt]
    others: list[Attempt]
    calls: list[LoggedCall]
    looked: dict[str, Any]
    missing_now_micros: int | None


def unsettled() -> list[Attempt]:
    """Returns the unknown outcomes, longest unknown first: those that staff must settle before the others."""
    attempts = Attempt.objects.unconfirmed_adds()
    return list(attempts.prefetch_related("provider", "order__service").order_by("state", "pk")[:MOST_LISTED])


def of(order_id: int, now: datetime) -> Evidence | None:
    """Returns all that is known of the order's unknown outcome, or None if it has none."""
    attempts = Attempt.objects.filter(order=order_id, action=Attempt.Action.ADD, state__in=UNSETTLED)
    attempt = attempts.select_related(
        "provider__live_state", "order__service", "order__customer", "upstream_service"
    ).first()
    if attempt is None:
        return None
    provider, looked = attempt.provider, attempt.evidence or {}
    below = looked.get("ids_below")
    orphans = Orphan.objects.filter(provider=provider.account_id, upstream_id__gt=attempt.floor_id).order_by(
        "upstream_id"
    )
    in_window = orphans.filter(upstream_id__lt=below) if below else orphans
    others = _others(attempt)
    ripe = ripe_at(attempt, settle_window(provider, now))
    missing = None
    state = provider.live_state
    if state.balance_micros is not None:
        missing = ledger.book_balance_micros(provider.pk) - state.balance_micros
    return Evidence(
        attempt,
        attempt.floor_id,
        below,
        ripe,
        attempt.state == AttemptState.UNKNOWN and ripe is not None and ripe <= now and not below,
        [Candidate(each, _fits(each, attempt)) for each in in_window[:MOST_OF_EACH]],
        _nearby(attempt),
        [each for each in others if each.order_id != order_id],
        [each for each in others if each.order_id == order_id],
        _calls(attempt),
        looked,
        missing,
    )


def _fits(orphan: Orphan, attempt: Attempt) -> bool | None:
    if orphan.charge_micros is None or not attempt.expected_micros:
        return None
    return abs(orphan.charge_micros - attempt.expected_micros) <= attempt.provider.live_state.rounding.within_micros


def _nearby(attempt: Attempt) -> list[UpstreamOrder]:
    """The orders of ours that the provider took shortly before and after: between their ids lies the one looked for."""
    if attempt.sent_at is None:
        return []
    there = UpstreamOrder.objects.filter(provider__in=account_rows(attempt.provider_id))
    before = list(there.filter(placed_at__lte=attempt.sent_at).order_by("-placed_at")[:3])
    after = list(there.filter(placed_at__gt=attempt.sent_at).order_by("placed_at")[:3])
    return [*reversed(before), *after]


def _others(attempt: Attempt) -> list[Attempt]:
    """The other attempts of the order, and whatever else at the provider may have placed an order nobody knows of."""
    own = Attempt.objects.filter(order=attempt.order_id).values("pk")
    open_adds = Attempt.objects.filter(action=Attempt.Action.ADD, state__in=[_SENDING, *UNSETTLED])
    rivals = open_adds.filter(provider__in=account_rows(attempt.provider_id)).values("pk")
    attempts = Attempt.objects.filter(Q(pk__in=own) | Q(pk__in=rivals)).exclude(pk=attempt.pk)
    return list(attempts.select_related("provider").order_by("-pk")[: 2 * MOST_OF_EACH])


def _calls(attempt: Attempt) -> list[LoggedCall]:
    """The calls that went wrong about this order, and those to the provider around its sending."""
    about = Q(order_id=attempt.order_id)
    if attempt.sent_at is not None:
        about |= Q(at__gte=attempt.sent_at - _BEFORE, at__lte=attempt.sent_at + _AFTER)
    return list(LoggedCall.objects.filter(about, provider=attempt.provider_id).order_by("-pk")[:MOST_OF_EACH])
