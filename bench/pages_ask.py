"""Asks every page of the panel that the environment names, again and again: `python -m bench.pages_ask OUT.json`.

The pages are found by following links, as the people of `tests.browser.month` and as a customer of `bench.growth_fill`.
Time is the server's own: middleware, view, database and template, without the network.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time

import click
import django

GROWN = "grown@example.com"


@dataclass(frozen=True, slots=True)
class Asked:
    """One page: the name of its address, a path of it, milliseconds, and the queries that it needs.

    `cpu_ms` is what this process itself works for the page: on a machine that others load it is what stays the same.
    """

    name: str
    path: str
    median_ms: float
    p95_ms: float
    cpu_ms: float
    queries: int


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--times", default=20, show_default=True, help="How often each page is asked")
def main(out: Path, times: int) -> None:
    """Writes what every page took, as JSON."""
    django.setup()
    prepare()
    found = [asked for email, start in people() for asked in ask(email, start, times)]
    out.write_text(json.dumps([asdict(each) for each in found]))


def prepare() -> None:
    """Brings the figures up to date, as the worker does, and gives a customer with many orders somebody to sign in."""
    from sutler.accounts import terms
    from sutler.accounts.models import Customer, User
    from sutler.books import figures
    from sutler.core.clock import SystemClock
    from sutler.ops.users import create_person
    from sutler.orders import delivery_times

    now = SystemClock().now()
    while figures.keep_up(now + timedelta(hours=1), 20_000):
        pass
    while delivery_times.measure(now):
        pass
    if not User.objects.filter(email=GROWN).exists():
        customer = Customer.objects.filter(name__startswith="Growth").first()
        create_person(GROWN, None, now, customer=customer)
        terms.accept(User.objects.get(email=GROWN), terms.current_id(), now)


def people() -> tuple[tuple[str, str], ...]:
    """Who asks for pages, and where each begins."""
    from tests.browser import CUSTOMER, OWNER

    return (CUSTOMER, "/dashboard"), (GROWN, "/dashboard"), (OWNER, "/office/")


def ask(email: str, start: str, times: int) -> Iterator[Asked]:
    """Asks every page that links lead to from here, after signing in."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from tests.browser.crawl import crawl

    from sutler.accounts.models import User

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(email=email), "allauth.account.auth_backends.AuthenticationBackend")

    def get(path: str) -> tuple[int, str, str]:
        answer = client.get(path)
        kind = answer.headers.get("Content-Type", "")
        return answer.status_code, kind, answer.content.decode() if kind.startswith("text/html") else ""

    for name, path in sorted(crawl(get, [start]).items()):
        if not name.startswith(("shop:", "office:")) or not get(path)[1].startswith("text/html"):
            continue
        took, worked = [], []
        for _ in range(times):
            began, begun = perf_counter(), process_time()
            get(path)
            took.append((perf_counter() - began) * 1000)
            worked.append((process_time() - begun) * 1000)
        with CaptureQueriesContext(connection) as queries:
            get(path)
        label = f"{name} (1,000 orders)" if email == GROWN else name
        yield Asked(label, path, median(took), quantiles(took, n=20)[-1], median(worked), len(queries))


if __name__ == "__main__":
    main()
