"""What is kept of the calls to a provider: the counts of each minute, and those that went wrong. And the alarms."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from sutler.core.event_texts import cause_text
from sutler.core.events import Cause, declined, failure
from sutler.core.subjects import WHOLE, Subject, SubjectType
from sutler.core.upstream_words import DeclineKind
from sutler.fulfilment.models import Alarm, LoggedCall, Provider, ProviderMinute
from sutler.fulfilment.providers import alarms, call_log
from sutler.fulfilment.providers.call_log import LoggedExchange
from sutler.panels.results import Exchange
from tests.conftest import NOW
from tests.fulfilment.upstream import make_provider

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
SECOND = timedelta(seconds=1)


@pytest.fixture
def provider() -> Provider:
    return make_provider()


def exchange(outcome: str = "Accepted", action: str = "add", **fields: Any) -> Exchange:
    values: dict[str, Any] = {
        "action": action,
        "fields": {"service": "1", "key": "***"},
        "answer": '{"order":1}',
        "http_status": 200,
    }
    return Exchange(**(values | {"started_at": NOW, "milliseconds": 10, "outcome": outcome, "cause": None} | fields))


def test_calls_are_counted_by_the_minute_in_which_they_began(provider: Provider) -> None:
    first = [
        exchange(),
        exchange("Declined", cause=declined(DeclineKind.LINK, "no")),
        exchange("NoAnswer", milliseconds=500),
    ]
    later = exchange("UpstreamStatus", "status", started_at=NOW + 61 * SECOND)
    call_log.write(provider.pk, [LoggedExchange(each) for each in [later, *first]])
    call_log.write(provider.pk, [LoggedExchange(exchange("NotSent", started_at=NOW + 59 * SECOND, milliseconds=20))])
    minute, after = ProviderMinute.objects.order_by("minute")
    assert (minute.minute, after.minute) == (NOW, NOW + 60 * SECOND)
    assert (minute.calls, minute.declined, minute.unanswered, minute.adds, minute.unknown_adds) == (4, 1, 2, 4, 1)
    assert (minute.total_milliseconds, minute.slowest_milliseconds) == (540, 500)
    assert (after.calls, after.adds) == (1, 0)


def test_nothing_said_is_nothing_kept(provider: Provider) -> None:
    call_log.write(provider.pk, [])
    assert (ProviderMinute.objects.count(), LoggedCall.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("outcome", "cause", "unknown"),
    [("Accepted", None, 0), ("NotSent", failure("ConnectError"), 0), ("NoAnswer", failure("ReadTimeout"), 1)]
    + [("Declined", declined(kind, "text: more"), 0) for kind in DeclineKind],
)
def test_which_adds_count_as_unknown(provider: Provider, outcome: str, cause: Cause | None, unknown: int) -> None:
    call_log.write(provider.pk, [LoggedExchange(exchange(outcome, cause=cause))])
    assert ProviderMinute.objects.get().unknown_adds == unknown


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        *((each, 0) for each in ("Accepted", "Taken", "Answered", "Balance", "Catalogue")),
        *((each, 0) for each in ("UpstreamStatus", "UpstreamRefill")),
        *((each, 1) for each in ("Declined", "NoAnswer", "NotSent")),
    ],
)
def test_only_what_went_wrong_is_kept_whole(provider: Provider, outcome: str, kept: int) -> None:
    call_log.write(provider.pk, [LoggedExchange(exchange(outcome, cause=failure("why")), 17)])
    assert LoggedCall.objects.filter(order_id=17, action="add", at=NOW, cause__text="why").count() == kept


def test_what_is_kept_is_bounded_and_any_text_can_be(provider: Provider) -> None:
    nasty = "\0<script>\ud7ff\u202e'\";--" * 500
    bad = exchange(
        "NoAnswer", answer=nasty, cause=failure("x" * 5000), fields={"link": "l" * 5000, "key": "***"}, http_status=None
    )
    call_log.write(provider.pk, [LoggedExchange(bad)])
    call = LoggedCall.objects.get()
    assert (len(call.answer), len(cause_text(call.cause)), len(call.asked["link"])) == (
        2000,
        1000,
        call_log.LONGEST_ASKED,
    )
    assert (call.asked["key"], call.http_status) == ("***", None)
    assert "<script>" in call.answer


def test_old_minutes_and_all_but_the_newest_bad_calls_are_forgotten(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_log, "MOST_LOGGED", 3)
    other = make_provider(name="Other")
    for number in range(5):
        call_log.write(
            provider.pk, [LoggedExchange(exchange("NoAnswer", started_at=NOW - timedelta(days=2 * number)), number)]
        )
    call_log.write(other.pk, [LoggedExchange(exchange("NoAnswer", started_at=NOW - timedelta(days=30)))])
    call_log.trim(provider.pk, NOW)
    assert set(LoggedCall.objects.filter(provider=provider).values_list("order_id", flat=True)) == {2, 3, 4}
    assert ProviderMinute.objects.filter(provider=provider).count() == 4
    assert (
        LoggedCall.objects.filter(provider=other).count() == ProviderMinute.objects.filter(provider=other).count() == 1
    )


class TestAlarms:
    @pytest.mark.parametrize("is_of_a_provider", [True, False])
    def test_one_is_open_for_each_subject_however_often_it_is_raised(
        self, provider: Provider, is_of_a_provider: bool
    ) -> None:
        provider_id = provider.pk if is_of_a_provider else None

        def raised(subject_id: str, text: str, seconds: int) -> bool:
            return alarms.sound(
                provider_id,
                Alarm.Kind.DESK,
                Subject(SubjectType.SERVICE, subject_id),
                failure(text),
                NOW + seconds * SECOND,
            )

        assert [raised("1", "a", 0), raised("1", "b", 1), raised("2", "c", 2)] == [
            True,
            False,
            True,
        ]
        [alarm] = alarms.recent()
        assert (alarm.times, alarm.subject_id, alarm.cause, alarm.subject_count) == (3, "2", failure("c"), 2)  # type: ignore[attr-defined]
        first = alarm.subjects.get(subject_id="1")
        assert (first.times, first.cause, first.raised_at, first.last_at) == (2, failure("b"), NOW, NOW + SECOND)
        assert alarms.close(provider_id, Alarm.Kind.DESK, Subject(SubjectType.SERVICE, 2), "worker", NOW) is True
        assert alarms.close(provider_id, Alarm.Kind.DESK, Subject(SubjectType.SERVICE, 2), "worker", NOW) is False
        alarm.refresh_from_db()
        assert (alarm.subject_id, alarm.cause, alarm.closed_at) == ("1", failure("b"), None)
        assert raised("2", "again", 3) is True
        for each in (1, 2):
            assert alarms.close(provider_id, Alarm.Kind.DESK, Subject(SubjectType.SERVICE, each), "worker", NOW)
        assert alarms.recent() == []
        assert raised("1", "again", 4) is True
        assert Alarm.objects.count() == 2

    def test_of_the_panel_too_one_of_a_kind_is_open(self) -> None:
        """Two processes that raise it at once cannot both open it."""
        alarms.sound(None, Alarm.Kind.DESK, WHOLE, failure("text"), NOW)
        alarm = Alarm.objects.get()
        alarm.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            alarm.save()

    def test_staff_close_one_once(self) -> None:
        alarms.sound(None, Alarm.Kind.DESK, WHOLE, failure("text"), NOW)
        pk = Alarm.objects.get().pk
        assert [alarms.close_by_id(pk, "staff 1", NOW), alarms.close_by_id(pk, "staff 1", NOW)] == [True, False]
        assert Alarm.objects.get().closed_by == "staff 1"

    def test_long_texts_are_cut(self, provider: Provider) -> None:
        for _ in range(2):
            alarms.sound(provider.pk, Alarm.Kind.DESK, Subject(SubjectType.TEXT, "s" * 200), failure("t" * 2000), NOW)
        alarm = Alarm.objects.get()
        assert (len(alarm.subject_id), len(alarm.cause["text"]), alarm.times) == (100, 1000, 2)
