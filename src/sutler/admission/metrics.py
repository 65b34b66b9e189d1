"""What is counted before Django, for `/metrics`."""

import threading
from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

_WAITING = Gauge("sutler_page_queue_length", "Requests of pages and admin API that wait for a thread")
_AT_WORK = Gauge("sutler_pages_in_flight", "Requests of pages and admin API that have a thread")
_BODIES = Gauge("sutler_page_bodies_bytes", "Bodies of requests that are received or wait")
_REFUSED = Counter("sutler_page_requests_refused", "Requests of pages and admin API answered with 503", ["reason"])
_SECONDS = Histogram(
    "sutler_page_seconds",
    "From the arrival of a request of pages or admin API to the end of its answer",
    ["surface"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
_GONE = Counter("sutler_page_requests_gone", "Requests whose client went away before they had a thread")
_THREADS = Gauge("sutler_threads", "Threads of the web process")
_THREADS.set_function(threading.active_count)


def watch(*, waiting: Callable[[], int], at_work: Callable[[], int], bodies_bytes: Callable[[], int]) -> None:
    """Has the queue measured whenever the metrics are read."""
    _WAITING.set_function(waiting)
    _AT_WORK.set_function(at_work)
    _BODIES.set_function(bodies_bytes)


def record_refused(reason: str) -> None:
    """Counts a request that got no turn."""
    _REFUSED.labels(reason).inc()


def record_gone() -> None:
    """Counts a request that nobody waits for any more."""
    _GONE.inc()


def record_seconds(path: str, seconds: float) -> None:
    """Notes how long a request took that was let in, by what it is part of."""
    first = path.split("/", 2)[1]
    _SECONDS.labels(first if first in {"office", "adminapi"} else "shop").observe(seconds)
