"""`POST /payments/notices/<method>`: what payment gateways send, in bounded size and number."""

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from sutler.api import metrics
from sutler.api.rate_limits import RateLimit
from sutler.core.clock import SystemClock
from sutler.payments import notices
from sutler.storage.transactions import Busy, CommitUnclear

_clock = SystemClock()
_limit = RateLimit(settings.SUTLER["SUTLER_PAYMENT_NOTICES_PER_SECOND"])
_log = structlog.get_logger(__name__)


@csrf_exempt
@require_POST
def payment_notice(request: HttpRequest, public_id: str) -> HttpResponse:
    """Applies a notice: 200 if it is genuine, known already or of no concern; 400 if not genuine, 404 for no method.

    413 above 64 KiB, 429 above SUTLER_PAYMENT_NOTICES_PER_SECOND from one address; 503 where it has to be sent again.
    """
    if not _limit.allows(request.META.get("REMOTE_ADDR", ""), _clock.monotonic()):
        return _answered(429, "limited")
    if len(request.body) > notices.MOST_BYTES:
        return _answered(413, "too large")
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        answer = notices.receive(public_id, request.body, headers, _clock.now())
    except (Busy, CommitUnclear):
        return _answered(503, "busy")
    _log.info("payments.notice", outcome=answer.outcome)
    return _answered(answer.status, answer.outcome, answer.text)


def _answered(status: int, outcome: str, text: str = "") -> HttpResponse:
    metrics.record_payment_notice(outcome)
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
