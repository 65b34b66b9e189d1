"""What is counted while the panel runs, and the page that a Prometheus server reads.

The lane calls one function for each batch, not for each request.
"""

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from sutler.api.panel_metrics import PanelMetrics
from sutler.core.clock import SystemClock
from sutler.core.refusals import Refusal

# When each began would be a second series for each counter.
disable_created_metrics()  # type: ignore[no-untyped-call]

_REQUESTS = Counter("sutler_api_requests", "Requests of the v2 API", ["action", "outcome"])
_REFUSALS = Counter("sutler_api_refusals", "Requests of the v2 API that were refused", ["reason"])
_BATCH_SIZE = Histogram(
    "sutler_api_batch_size", "Requests gathered into one batch", ["action"], buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
_INBOX = Gauge("sutler_api_inbox_length", "Requests that wait for a batch", ["inbox"])
_TURNED_AWAY = Counter("sutler_api_turned_away", "Requests of the v2 API over a limit or without room", ["limit"])
_HELD_BACK = Gauge("sutler_api_held_back", "Requests over a limit whose answer is held back for a second")
_ORDERS = Counter("sutler_orders_accepted", "Orders placed")
_PLACE_SECONDS = Histogram(
    "sutler_place_batch_seconds",
    "Time from the start of a batch of orders to its durable commit",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_PAYMENT_NOTICES = Counter("sutler_payment_notices", "Notices of payment gateways", ["outcome"])

_PROXY_HEADERS = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED")


def watch_inbox(name: str, length: Callable[[], int]) -> None:
    """Has an inbox measured: `length` is called whenever the metrics are read, and costs nothing otherwise."""
    _INBOX.labels(name).set_function(length)


def watch_held_back(number: Callable[[], int]) -> None:
    """Has the answers that are held back counted whenever the metrics are read."""
    _HELD_BACK.set_function(number)


def record_turned_away(limit: str) -> None:
    """Counts a request that was over the limit named, or found no room."""
    _TURNED_AWAY.labels(limit).inc()


def record_batch(action: str, answered: int, refusals: Sequence[Refusal] = ()) -> None:
    """Counts one batch of requests for an action of the table, `answered` of them with what they asked for."""
    _BATCH_SIZE.labels(action).observe(answered + len(refusals))
    if answered:
        _REQUESTS.labels(action, "answered").inc(answered)
    if refusals:
        record_refusals(action, refusals)


def record_refusals(action: str, refusals: Sequence[Refusal]) -> None:
    """Counts requests that were refused. `action` is one of the table, or empty where it was not known yet."""
    _REQUESTS.labels(action, "refused").inc(len(refusals))
    for reason, number in Tally(each.reason for each in refusals).items():
        _REFUSALS.labels(reason.name.lower()).inc(number)


def record_placed(accepted: int) -> None:
    """Counts the orders of one batch that were placed."""
    _ORDERS.inc(accepted)


def record_place_seconds(seconds: float) -> None:
    """Notes how long a batch of orders took from being handed to the writer to being durable."""
    _PLACE_SECONDS.observe(seconds)


def record_overload(action: str, number: int = 1) -> None:
    """Counts requests that were turned away with 503."""
    _REQUESTS.labels(action, "overload").inc(number)


def record_failure(action: str, number: int = 1) -> None:
    """Counts requests that met a bug or a database that failed."""
    _REQUESTS.labels(action, "failure").inc(number)


def record_payment_notice(outcome: str) -> None:
    """Counts a notice of a payment gateway by what it came to."""
    _PAYMENT_NOTICES.labels(outcome.replace(" ", "_")).inc()


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answers all figures as Prometheus text to this machine itself, or to whoever has the token; else 404."""
    if not (_is_from_this_machine(request) or _has_token(request)):
        return JsonResponse({"error": "Not found"}, status=404)
    of_panel = CollectorRegistry()
    of_panel.register(PanelMetrics(SystemClock().now()))
    return HttpResponse(generate_latest() + generate_latest(of_panel), content_type=CONTENT_TYPE_LATEST)


def _is_from_this_machine(request: HttpRequest) -> bool:
    # What came through a proxy on this machine has a loopback peer, but is anybody's.
    if any(header in request.META for header in _PROXY_HEADERS):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _has_token(request: HttpRequest) -> bool:
    token = settings.SUTLER["SUTLER_METRICS_TOKEN"]
    return bool(token) and constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}")
