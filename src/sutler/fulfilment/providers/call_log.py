"""What is kept of the calls to providers: how many and how fast, minute by minute, and those that went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db import connection

from sutler.core.events import CauseKind, cause
from sutler.core.subjects import Subject, SubjectType
from sutler.fulfilment.models import Alarm, LoggedCall, ProviderMinute
from sutler.fulfilment.providers import alarms
from sutler.panels.client import CHANGES
from sutler.panels.results import Exchange
from sutler.storage.statements import moment

KEPT_MINUTES = timedelta(days=7)
MOST_LOGGED = 10_000
# The subject of the alarm that a provider's address leads elsewhere.
REDIRECTED = Subject(SubjectType.ADDRESS)
LONGEST_ASKED = 500
_GOOD = frozenset({"Accepted", "Taken", "Answered", "Balance", "Catalogue", "UpstreamStatus", "UpstreamRefill"})
_COUNT = """
    INSERT INTO fulfilment_providerminute
        (provider_id, minute, calls, declined, unanswered, adds, unknown_adds, total_milliseconds, slowest_milliseconds)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (provider_id, minute) DO UPDATE SET
        calls = fulfilment_providerminute.calls + excluded.calls,
        declined = fulfilment_providerminute.declined + excluded.declined,
        unanswered = fulfilment_providerminute.unanswered + excluded.unanswered,
        adds = fulfilment_providerminute.adds + excluded.adds,
        unknown_adds = fulfilment_providerminute.unknown_adds + excluded.unknown_adds,
        total_milliseconds = fulfilment_providerminute.total_milliseconds + excluded.total_milliseconds,
        slowest_milliseconds = CASE
            WHEN fulfilment_providerminute.slowest_milliseconds > excluded.slowest_milliseconds
            THEN fulfilment_providerminute.slowest_milliseconds ELSE excluded.slowest_milliseconds END
"""


@dataclass(frozen=True, slots=True)
class LoggedExchange:
    """One exchange with a provider, and the order of ours that it was about, if it was about one."""

    exchange: Exchange
    order_id: int | None = None


def write(provider_id: int, calls: Sequence[LoggedExchange]) -> None:
    """Counts the calls and keeps the bad ones, in the caller's transaction."""
    in_order = sorted(calls, key=lambda each: each.exchange.started_at)
    for minute, group in groupby(in_order, key=lambda each: each.exchange.started_at.replace(second=0, microsecond=0)):
        _count(provider_id, minute, [each.exchange for each in group])
    for leads_to in {each.exchange.redirected_to for each in in_order if each.exchange.redirected_to}:
        moved = cause(CauseKind.ADDRESS_MOVED, address=leads_to)
        alarms.sound(provider_id, Alarm.Kind.CATALOGUE, REDIRECTED, moved, in_order[-1].exchange.started_at)
    LoggedCall.objects.bulk_create(_line(provider_id, each) for each in in_order if each.exchange.outcome not in _GOOD)


def trim(provider_id: int, now: datetime) -> None:
    """Forgets minutes older than a week, and of the bad calls all but the newest 10,000."""
    ProviderMinute.objects.filter(provider_id=provider_id, minute__lt=now - KEPT_MINUTES).delete()
    newest = LoggedCall.objects.filter(provider_id=provider_id).order_by("-pk")
    oldest_kept = newest.values_list("pk", flat=True)[MOST_LOGGED - 1 : MOST_LOGGED].first()
    if oldest_kept is not None:
        LoggedCall.objects.filter(provider_id=provider_id, pk__lt=oldest_kept).delete()


def _count(provider_id: int, minute: datetime, calls: Sequence[Exchange]) -> None:
    adds = [each for each in calls if each.action == "add"]
    taken = [0 if each.action == CHANGES else each.milliseconds for each in calls]
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            [
                provider_id,
                moment(minute),
                len(calls),
                sum(each.outcome == "Declined" for each in calls),
                sum(each.outcome in {"NoAnswer", "NotSent"} for each in calls),
                len(adds),
                sum(each.outcome == "NoAnswer" for each in adds),
                sum(taken),
                max(taken),
            ],
        )


def _line(provider_id: int, said: LoggedExchange) -> LoggedCall:
    exchange = said.exchange
    return LoggedCall(
        provider_id=provider_id,
        at=exchange.started_at,
        action=exchange.action,
        asked={name: text[:LONGEST_ASKED] for name, text in exchange.fields.items()},
        answer=exchange.answer[:2000].replace("\0", "\N{REPLACEMENT CHARACTER}"),  # PostgreSQL keeps no such text
        http_status=exchange.http_status,
        milliseconds=exchange.milliseconds,
        outcome=exchange.outcome,
        cause=exchange.cause,
        order_id=said.order_id,
    )
