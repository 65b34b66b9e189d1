"""Asking gateways what became of payments whose notice was lost, with growing pauses, until nobody pays any more.

One that was credited is asked about for two months: it may be refunded or disputed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from sutler.core.refusals import Reason, Refusal
from sutler.orders import restoration
from sutler.payments import alerts, checkouts, gateway_settings, settle
from sutler.payments.gateways import shape
from sutler.payments.gateways.shape import Ask, Fact, Failure, Gateway, Settings
from sutler.payments.models import Alert, Checkout, FundsRequest, Receipt
from sutler.payments.settle import Outcome
from sutler.storage.sealed import Unreadable
from sutler.storage.transactions import durable

MOST_AT_ONCE = 20
# After the first look, the second, ...; the last holds for all that follow.
PAUSES = tuple(timedelta(minutes=each) for each in (2, 5, 10, 30, 60, 120, 360, 720))
# Of a payment that was credited: it is refunded or disputed later, and a notice of that may be lost too.
PAUSES_CREDITED = tuple(timedelta(days=each) for each in (2, 4, 8, 16, 30))
# Money may come after the time is over: so long it is still looked for.
LATE_FOR = timedelta(days=3)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Differences:
    """What a gateway says and the panel did not know: applied by now; and what was credited and it does not name."""

    new: Sequence[Fact] = ()
    missing: Sequence[Receipt] = ()


def look_up_due(now: datetime, ask: Ask | None = None) -> int:
    """Asks about the payments that are due and ends those whose time is over; returns how many. A job of the worker."""
    due = Checkout.objects.filter(look_at__lte=now).select_related("request__method")
    if not due.exists() or restoration.is_open():  # asking often must not take the write lock
        return 0
    claimed = [each for each in due.order_by("look_at", "pk")[:MOST_AT_ONCE] if _claim(each, now)]
    for each in claimed:
        try:
            look_up(each, now, ask)
        except Exception:  # noqa: BLE001 - one gateway's bug must not keep the others from being asked
            _log.exception("payments.look_up_failed", checkout=each.pk)
    return len(claimed)


def look_up_now(request_id: int, now: datetime, ask: Ask | None = None) -> Refusal | Failure | None:
    """Asks about one payment, for staff who wait for it. Refuses with NOT_FOUND: it is at no gateway."""
    checkout = Checkout.objects.select_related("request__method").filter(request_id=request_id).first()
    if checkout is None:
        return Refusal(Reason.NOT_FOUND)
    answer = look_up(checkout, now, ask)
    return answer if isinstance(answer, Failure) else None


def _claim(checkout: Checkout, now: datetime) -> bool:
    """Says that this worker asks, and when it is asked next; False if another was quicker."""
    if checkout.request.state == FundsRequest.State.CONFIRMED:
        left = PAUSES_CREDITED[checkout.looks :]
        next_at = now + left[0] if left else None
    else:
        pause = PAUSES[min(checkout.looks, len(PAUSES) - 1)]
        next_at = now + pause if now < checkout.expires_at + LATE_FOR else None
    # Its time ends between two looks: then it is looked at right after.
    if next_at is not None and now < checkout.expires_at < next_at:
        next_at = checkout.expires_at + timedelta(seconds=1)
    with durable():
        rows = Checkout.objects.filter(pk=checkout.pk, look_at=checkout.look_at)
        return bool(rows.update(look_at=next_at, looks=checkout.looks + 1, looked_at=now))


def look_up(checkout: Checkout, now: datetime, ask: Ask | None = None) -> Differences | Failure:
    """Asks about one payment and applies the answer. Returns in what the panel and the gateway differed until then."""
    method = checkout.request.method
    gateway = gateway_settings.gateway_of(method)
    answer: Sequence[Fact] | Failure = ()
    if gateway is None:
        answer = Failure(f"the gateway {method.kind} is not installed")
    elif gateway.look_up is not None and checkout.begun_at is not None:
        try:
            answer = asyncio.run(_ask(gateway, gateway_settings.settings_of(method), checkout, ask))
        except Unreadable:
            answer = Failure("the secrets cannot be unsealed with the panel's secret key")
    facts = () if isinstance(answer, Failure) else answer
    new = [fact for fact in facts if settle.apply(method, fact, now).outcome is Outcome.APPLIED]
    with durable():
        fault = answer.why[:300] if isinstance(answer, Failure) else ""
        Checkout.objects.filter(pk=checkout.pk).update(fault=fault)
        if now > checkout.expires_at:
            settle.expire(FundsRequest.objects.select_for_update(of=("self",)).get(pk=checkout.request_id), now)
    if isinstance(answer, Failure):
        return answer
    return Differences(new, _missing(checkout, answer, now))


def _missing(checkout: Checkout, facts: Sequence[Fact], now: datetime) -> list[Receipt]:
    """Returns what was credited and the gateway does not name, although it names the payment; staff are told."""
    named = {fact.transaction_id for fact in facts}
    if not facts:
        return []
    credited = Receipt.objects.filter(request=checkout.request_id, state=Receipt.State.CREDITED)
    missing = list(credited.exclude(transaction_id__in=named).order_by("pk"))
    if missing:
        with durable():
            data = {"transaction": missing[0].transaction_id, "micros": sum(each.amount_micros for each in missing)}
            alerts.raise_(checkout.request, Alert.Kind.MISSING, data, now)
    return missing


async def _ask(gateway: Gateway, settings: Settings, checkout: Checkout, ask: Ask | None) -> Sequence[Fact] | Failure:
    assert gateway.look_up is not None  # noqa: S101 - the caller has looked
    request = checkout.request
    is_credited = request.state == FundsRequest.State.CONFIRMED
    asked = shape.Checkout(
        checkout.reference, checkout.gateway_id, checkout.asked_micros, request.currency, is_credited=is_credited
    )
    return await gateway.look_up(settings, asked, ask or checkouts.new_ask())


def count_open() -> int:
    """Returns how many payments at gateways are waited for."""
    return Checkout.objects.filter(look_at__isnull=False).exclude(request__state=FundsRequest.State.CONFIRMED).count()
