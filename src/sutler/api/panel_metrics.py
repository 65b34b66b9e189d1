"""Figures that stand in the database, read as the metrics are: the same whichever web process is asked.

Bounded whatever the panel grows to: nothing is counted for each customer, and of providers only the first ten.
"""

import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.db import connection
from django.db.models import Count
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from sutler import build
from sutler.accounts import mail
from sutler.backups import runs
from sutler.books.models import Transfer, Verification
from sutler.core.attempts import AttemptState
from sutler.fulfilment.models import Alarm, AlarmSubject, Attempt, Provider
from sutler.fulfilment.providers import health, heartbeat
from sutler.notices import send
from sutler.orders import restoration
from sutler.orders.models import ACTIVE, Order, Refill
from sutler.payments import look_ups
from sutler.payments.models import Alert
from sutler.storage.statements import is_postgres, last_id

MOST_PROVIDERS = 10
_LATELY_MINUTES = 5


class PanelMetrics:
    """A collector of `prometheus_client`; reads the database each time it is asked."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yields every figure as it is now."""
        for name, about, value in self._single():
            yield GaugeMetricFamily(f"sutler_{name}", about, value=value)
        info = GaugeMetricFamily(
            "sutler_build_info", "1; the labels say which program this is", labels=["version", "commit"]
        )
        info.add_metric([build.VERSION, build.commit()], 1)
        yield info
        yield _by_label("sutler_orders_open", "Orders under way", "status", _open_orders())
        yield _by_label("sutler_alarms_open", "Open alarms", "kind", _open_alarms())
        yield from self._providers()

    def _single(self) -> Iterator[tuple[str, str, float]]:
        backup = runs.status(self._now)
        size, log = _database_bytes()
        verify_age, mismatches = self._verify()
        yield "worker_silent_seconds", "Since a worker was heard of; +Inf: never", _age(heartbeat.last_at(), self._now)
        yield "restoring", "1 from a restore until `sutler recover` has ended it, else 0", restoration.is_open()
        yield "orders_oldest_pending_seconds", "Age of the oldest order that nobody has taken", self._oldest_pending()
        yield "refills_pending", "Refills that nobody has taken", Refill.objects.filter(status="Pending").count()
        yield "transfers", "Transfers in the books, ever", last_id(Transfer._meta.db_table)
        yield "letters_waiting", "Emails in the queue", mail.count_waiting()
        yield "letters_given_up", "Emails that could not be sent, ever", mail.count_given_up()
        yield "notices_waiting", "Deliveries of notices that are not sent yet", send.count_waiting()
        yield "payments_open", "Payments at gateways that are waited for", look_ups.count_open()
        yield "payment_alerts", "Payments that staff must look at", Alert.objects.filter(closed_at=None).count()
        yield "alarm_rows", "Things that alarms are or were about", AlarmSubject.objects.count()
        yield "backup_age_seconds", "Age of the newest backup that is done; +Inf: there is none", backup.age_seconds
        yield "backup_ok", "1 while the newest backup is done and no older than 26 hours, else 0", backup.is_ok
        yield "backup_bytes", "Size of the newest backup that is done", (backup.done and backup.done.size_bytes) or 0
        yield "database_bytes", "Size of the database", size
        yield "database_log_bytes", "Size of SQLite's write-ahead log", log
        yield "verify_age_seconds", "Since the last whole audit of the books; +Inf: none", verify_age
        yield "verify_mismatches", "Mismatches that it found", mismatches

    def _verify(self) -> tuple[float, int]:
        done = Verification.objects.filter(state=Verification.State.DONE).order_by("-pk").first()
        if done is None:
            return math.inf, 0
        return _age(done.finished_at, self._now), sum(each["breaches"] for each in done.findings)

    def _oldest_pending(self) -> float:
        waiting = Order.objects.filter(status="Pending", kind=Order.Kind.SINGLE)
        oldest = waiting.order_by("pk").values_list("created_at", flat=True).first()
        return 0.0 if oldest is None else _age(oldest, self._now)

    def _providers(self) -> Iterator[Metric]:
        """Yields what is known of each provider, by its id and name."""
        found = sorted(health.of_all(self._now, _LATELY_MINUTES), key=lambda each: each[0].pk)[:MOST_PROVIDERS]
        ids = [provider.pk for provider, _ in found]
        attempts = _attempts(ids)
        about = {
            "up": "1 while orders are sent to it, 0 while it is stopped, off or rests",
            "balance": "What it says the account holds, in its currency",
            "planned": "Orders that wait to be sent to it",
            "unconfirmed": "Orders sent to it whose outcome is unknown",
            "calls": "Calls of the last five minutes",
            "errors": "Those that were refused or not answered",
            "answer_seconds": "How long they took on average",
        }
        families = {
            name: GaugeMetricFamily(f"sutler_provider_{name}", text, labels=["id", "name"])
            for name, text in about.items()
        }
        for provider, lately in found:
            balance_micros = provider.live_state.balance_micros
            planned, unconfirmed = attempts.get(provider.pk, (0, 0))
            values = {
                "up": _is_up(provider, self._now),
                "balance": math.nan if balance_micros is None else balance_micros / 1_000_000,
                "planned": planned,
                "unconfirmed": unconfirmed,
                "calls": lately.calls,
                "errors": lately.declined + lately.unanswered,
                "answer_seconds": lately.mean_milliseconds / 1000,
            }
            for name, value in values.items():
                families[name].add_metric([str(provider.pk), provider.name], float(value))
        yield from families.values()


def _age(at: datetime | None, now: datetime) -> float:
    return math.inf if at is None else max(0.0, (now - at).total_seconds())


def _is_up(provider: Provider, now: datetime) -> bool:
    rests_until = provider.live_state.rests_until
    return provider.state == Provider.State.ON and not (rests_until and rests_until > now)


def _by_label(name: str, about: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _open_orders() -> dict[str, int]:
    counts = dict(Order.objects.filter(status__in=ACTIVE).values_list("status").annotate(Count("pk")))
    return {str(status): counts.get(status, 0) for status in ACTIVE}


def _open_alarms() -> dict[str, int]:
    return dict(Alarm.objects.filter(closed_at=None).values_list("kind").annotate(Count("pk")))


def _attempts(provider_ids: list[int]) -> dict[int, tuple[int, int]]:
    """Returns for each provider how many orders wait to be sent, and how many are unconfirmed."""
    adds = Attempt.objects.filter(provider__in=provider_ids, action=Attempt.Action.ADD)
    planned = adds.filter(state=AttemptState.PLANNED).values_list("provider").annotate(Count("pk"))
    unconfirmed = adds.unconfirmed_adds().values_list("provider").annotate(Count("pk"))
    first, second = dict(planned), dict(unconfirmed)
    return {pk: (first.get(pk, 0), second.get(pk, 0)) for pk in provider_ids}


def _database_bytes() -> tuple[int, int]:
    """Returns the size of the database and, on SQLite, of its write-ahead log."""
    if is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0]), 0
    file = Path(str(connection.settings_dict["NAME"]))
    log = file.with_name(f"{file.name}-wal")
    return tuple(each.stat().st_size if each.is_file() else 0 for each in (file, log))  # type: ignore[return-value]
