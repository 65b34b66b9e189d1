"""Fetching exchange rates once a day, over the safe way out and in no transaction; sooner again if it fails."""

import asyncio
from datetime import datetime, timedelta

import httpx2
from django.conf import settings

from sutler import __version__
from sutler.catalogue.models import ExchangeRate, RateFetch
from sutler.core.events import CauseKind, cause, failure
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.catalogue import change_rates, exchange_source
from sutler.fulfilment.catalogue.exchange_source import Quotes, Source, Unreadable
from sutler.fulfilment.models import Alarm
from sutler.fulfilment.providers import alarms
from sutler.panels.bounded_request import NewClient, Unanswered, body_of, requested
from sutler.panels.safe_transport import open_client
from sutler.storage.transactions import durable

LONGEST_ANSWER_BYTES = 1024 * 1024
LONGEST_SECONDS = 30.0
AGAIN = timedelta(hours=24)
# A day begins earlier in other places of the world; a date beyond that would never grow old.
AHEAD = timedelta(hours=24)
# After the first failure, the second, ...; the last holds for all that follow.
PAUSES = tuple(timedelta(minutes=each) for each in (5, 15, 60, 240))
# With so many in a row it has failed for over five hours.
FAILURES_OF_AN_ALARM = 5
SUBJECT = Subject(SubjectType.RATE_SOURCE)

_HEADERS = {"User-Agent": f"Sutler/{__version__}", "Accept-Encoding": "identity"}


def new_client() -> httpx2.AsyncClient:
    """Returns a client that goes out by the safe way, to private hosts only where the operator allows them."""
    return open_client(settings.SUTLER["SUTLER_UPSTREAM_PRIVATE_HOSTS"])


def fetch_due(now: datetime, client: NewClient = new_client) -> int:
    """Asks the source if it is due and a currency follows it; returns 1 if it was asked. A job of the worker."""
    asked = exchange_source.source(settings.SUTLER)
    if asked is None or not ExchangeRate.objects.filter(is_followed=True).exists():
        return 0
    if RateFetch.objects.filter(pk=1, due_at__gt=now).exists():  # asking often must not take the write lock
        return 0
    if not _claim(now):
        return 0
    fetch(asked, now, client)
    return 1


def fetch(asked: Source, now: datetime, client: NewClient = new_client) -> int | str:
    """Asks the source now; returns how many rates changed, or why it could not be read."""
    answer = asyncio.run(_ask(asked, client))
    if not isinstance(answer, str) and answer.dated is not None and answer.dated > now + AHEAD:
        answer = "its date is in the future"
    with durable():
        state, _ = RateFetch.objects.select_for_update().get_or_create(pk=1, defaults={"due_at": now})
        if isinstance(answer, str):
            pause = PAUSES[min(state.failures, len(PAUSES) - 1)]
            state.failures, state.fault, state.due_at = state.failures + 1, answer[:300], now + pause
            if state.failures >= FAILURES_OF_AN_ALARM:
                why = cause(CauseKind.RATES_UNREAD, source=asked.name, count=state.failures, cause=failure(answer))
                alarms.sound(None, Alarm.Kind.EXCHANGE, SUBJECT, why, now)
        else:
            state.failures, state.fault, state.fetched_at, state.due_at = 0, "", now, now + AGAIN
            alarms.close(None, Alarm.Kind.EXCHANGE, SUBJECT, change_rates.ACTOR, now)
        state.save()
        return answer if isinstance(answer, str) else change_rates.apply_quotes(answer, asked.name, now)


def _claim(now: datetime) -> bool:
    """Says that this worker asks; another does if it dies meanwhile."""
    with durable():
        state, is_new = RateFetch.objects.select_for_update().get_or_create(pk=1, defaults={"due_at": now + PAUSES[0]})
        if not is_new and state.due_at > now:
            return False
        state.due_at = now + PAUSES[0]
        state.save()
    return True


async def _ask(asked: Source, client: NewClient) -> Quotes | str:
    """Returns the quotes, or why there are none."""
    try:
        async with requested(client, "GET", asked.url, _HEADERS, longest_seconds=LONGEST_SECONDS) as response:
            if response.status_code != 200:
                return f"it answered HTTP {response.status_code}"
            body = await body_of(response, LONGEST_ANSWER_BYTES)
        return exchange_source.read(asked, body)
    except (Unreadable, Unanswered) as error:
        return str(error)
