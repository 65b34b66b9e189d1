"""One round of the worker, on the database that the environment names: what is given to it, and how fast it was done.

A process of its own, as everything that touches the database: `python -m bench.upstream_round follow`. It says
how many were done, in how many seconds, and with how many calls to the provider. Counted is from the first commit of
the round to the last, so that it does not matter how soon the worker has noticed.
"""

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import django
from django.db.models import Count, Max, Min, QuerySet, Sum

PATIENCE_SECONDS = 600.0
LOOK_SECONDS = 0.2


@click.group()
def main() -> None:
    """Works on the database that SUTLER_DATA_DIR and SUTLER_DATABASE_URL name."""
    django.setup()


@main.command()
@click.argument("listed", type=click.Path(exists=True, path_type=Path))
@click.option("--url", required=True)
@click.option("--most-at-once", type=int, required=True)
def start(listed: Path, url: str, most_at_once: int) -> None:
    """Migrates the empty database and fills it with a provider and the orders that are there."""
    from django.core.management import call_command

    from bench.upstream_fill import Wanted, fill, open_provider
    from sutler.core.clock import SystemClock

    call_command("migrate", verbosity=0)
    now = SystemClock().now()
    provider = open_provider(url, most_at_once, now)
    orders = [
        Wanted(service, quantity, datetime.fromisoformat(at), upstream_id)
        for upstream_id, service, quantity, _, at in json.loads(listed.read_text())
    ]
    fill(provider, orders, now)


@main.command()
def follow() -> None:
    """Makes all open orders due, and waits until each has been asked about."""
    from sutler.core.clock import SystemClock
    from sutler.fulfilment.models import AskTime

    _tidy_up()
    begun = SystemClock().now()
    is_open = AskTime.objects.filter(upstream_order__finished_at=None)
    calls = _calls()
    total = is_open.update(ask_at=begun)
    done = AskTime.objects.filter(asked_at__gte=begun)
    _await(lambda: not is_open.filter(ask_at__lte=begun).exists())
    _say(done, "asked_at", total, _calls() - calls)


@main.command()
@click.argument("orders", type=int)
def send(orders: int) -> None:
    """Plans so many orders, and waits until each has been accepted."""
    from bench.upstream_fill import Wanted, fill
    from bench.upstream_panel import FEWEST, SERVICES
    from sutler.core.attempts import AttemptState
    from sutler.core.clock import SystemClock
    from sutler.fulfilment.models import Attempt, Provider

    _tidy_up()
    begun = SystemClock().now()
    calls = _calls()
    wanted = [Wanted(number % SERVICES + 1, FEWEST + number, begun + timedelta(seconds=3)) for number in range(orders)]
    fill(Provider.objects.get(), wanted, begun)
    done = Attempt.objects.filter(state=AttemptState.ACCEPTED, answered_at__gte=begun)
    under_way = Attempt.objects.filter(state__in=[AttemptState.PLANNED, AttemptState.SENDING])
    _await(lambda: not under_way.exists())
    _say(done, "answered_at", orders, _calls() - calls)


def _tidy_up() -> None:
    """Clears away what the rounds before have left behind, as PostgreSQL does by itself now and then."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _calls() -> int:
    from sutler.fulfilment.models import ProviderMinute

    return ProviderMinute.objects.aggregate(total=Sum("calls"))["total"] or 0


def _await(is_done: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        if time.monotonic() > ends:
            raise click.ClickException(f"the worker was not done within {PATIENCE_SECONDS:g} seconds")
        time.sleep(LOOK_SECONDS)


def _say(done: QuerySet[Any], column: str, total: int, calls: int) -> None:
    moments = done.aggregate(count=Count("pk"), first=Min(column), last=Max(column))
    if moments["count"] != total:
        raise click.ClickException(f"the worker did {moments['count']} of {total}")
    in_first = done.filter(**{column: moments["first"]}).count()
    seconds = (moments["last"] - moments["first"]).total_seconds()
    click.echo(json.dumps({"done": total - in_first, "seconds": seconds, "calls": calls}))


if __name__ == "__main__":
    main()
