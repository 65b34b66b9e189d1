"""What gateways send: read and verified first, then applied fact by fact; the log of it is bounded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from sutler.orders import restoration
from sutler.payments import gateway_settings, settle
from sutler.payments.gateways.shape import Fact, Flaw, Notice
from sutler.payments.models import GatewayNotice, Method
from sutler.payments.settle import Outcome
from sutler.storage.sealed import Unreadable
from sutler.storage.transactions import durable

MOST_BYTES = 64 * 1024
# Of each method: of what was refused fewer, so that forged notices drive no genuine one out.
MOST_LOGGED, MOST_REFUSED_LOGGED = 500, 100
_REFUSED = tuple(each.value for each in Flaw)

_log = structlog.get_logger(__name__)


class Verdict(StrEnum):
    """What a notice came to, for the counter: an outcome, a flaw, or what stands here.

    RESTORED: the gateway has to send it again, once what the panel has forgotten is settled.
    """

    IGNORED = "ignored"
    NO_METHOD = "no method"
    UNREADABLE_SECRETS = "unreadable secrets"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Answer:
    """The HTTP status and text for the gateway, and what the notice came to."""

    status: int
    text: str
    outcome: str


def receive(public_id: str, body: bytes, headers: Mapping[str, str], now: datetime) -> Answer:
    """Applies a notice that was sent to the address of a method; `headers` by lower-case name.

    Raises storage.transactions.Busy or CommitUnclear: the gateway has to send it again then.
    """
    if restoration.is_open():
        return Answer(503, "", Verdict.RESTORED)
    method = Method.objects.filter(public_id=public_id).exclude(kind="").first()
    gateway = gateway_settings.gateway_of(method) if method else None
    if method is None or gateway is None:
        return Answer(404, "", Verdict.NO_METHOD)
    try:
        settings = gateway_settings.settings_of(method)
    except Unreadable:
        _log.error("payments.secrets_unreadable", method=method.pk)
        return Answer(503, "", Verdict.UNREADABLE_SECRETS)
    notice = gateway.read_notice(settings, body, headers, now)
    if isinstance(notice, Flaw):
        _note(method, notice.value, None, None, now)
        return Answer(400, "", notice.value)
    return Answer(200, notice.answer, _apply(method, notice, now))


def _apply(method: Method, notice: Notice, now: datetime) -> str:
    outcomes: set[str] = set()
    for fact in notice.facts:
        settled = settle.apply(method, fact, now)
        _note(method, settled.outcome.value, fact, settled.request_id, now)
        outcomes.add(settled.outcome.value)
    if not outcomes:
        _note(method, Verdict.IGNORED.value, None, None, now)
    # The one that says most of several.
    return next((each.value for each in Outcome if each.value in outcomes), Verdict.IGNORED.value)


def _note(method: Method, outcome: str, fact: Fact | None, request_id: int | None, now: datetime) -> None:
    """Writes into the log, and takes the oldest of it away once there is too much."""
    with durable():
        GatewayNotice.objects.create(
            method=method,
            request_id=request_id,
            outcome=outcome,
            kind=fact.kind.value if fact else "",
            transaction_id=fact.transaction_id[:200] if fact else "",
            detail=fact.reference[:200] if fact else "",
            received_at=now,
        )
        rows = GatewayNotice.objects.filter(method=method)
        is_refused = outcome in _REFUSED
        rows = rows.filter(outcome__in=_REFUSED) if is_refused else rows.exclude(outcome__in=_REFUSED)
        most = MOST_REFUSED_LOGGED if is_refused else MOST_LOGGED
        last = rows.order_by("-pk").values_list("pk", flat=True)[most : most + 1]
        for oldest in list(last):
            rows.filter(pk__lte=oldest).delete()


def of_request(request_id: int, limit: int = 50) -> list[GatewayNotice]:
    """Returns what gateways sent about a request, newest first."""
    return list(GatewayNotice.objects.filter(request_id=request_id).order_by("-pk")[:limit])


def of_method(method_id: int, limit: int = 50) -> list[GatewayNotice]:
    """Returns what was sent to a method's address, newest first."""
    return list(GatewayNotice.objects.filter(method_id=method_id).select_related("request").order_by("-pk")[:limit])
