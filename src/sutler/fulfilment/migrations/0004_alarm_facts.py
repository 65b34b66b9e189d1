from collections.abc import Callable
from typing import Any

from django.db import migrations, models

from sutler.fulfilment.migrations._alarm_texts import alarm_of

_BATCH = 2000


def read_texts(apps: Any, _schema_editor: Any) -> None:
    """Gives alarms, what they are about, providers that rest and tasks that failed the cause that their text was."""

    def alarm(row: Any) -> None:
        row.cause = alarm_of(row.text) or {"kind": "text", "text": ""}

    def provider(row: Any) -> None:
        row.rest_cause = alarm_of(row.rest_reason)

    def task(row: Any) -> None:
        if isinstance(row.report.get("fault"), str):
            row.report["fault"] = alarm_of(row.report["fault"])

    for name in ("Alarm", "AlarmSubject"):
        _change(apps, name, "cause", alarm)
    _change(apps, "Provider", "rest_cause", provider)
    _change(apps, "ProviderTask", "report", task)


def _change(apps: Any, name: str, field: str, change: Callable[[Any], None]) -> None:
    rows, last = apps.get_model("fulfilment", name).objects.order_by("pk"), 0
    while batch := list(rows.filter(pk__gt=last)[:_BATCH]):
        for row in batch:
            change(row)
        rows.model.objects.bulk_update(batch, [field], batch_size=200)
        last = batch[-1].pk


class Migration(migrations.Migration):
    """What an alarm says is a kind and data instead of a text in English."""

    dependencies = [("fulfilment", "0003_backup_alarms"), ("orders", "0002_events")]

    operations = [
        migrations.AddField("alarm", "cause", models.JSONField(default=dict), preserve_default=False),
        migrations.AddField("alarmsubject", "cause", models.JSONField(default=dict), preserve_default=False),
        migrations.AddField("provider", "rest_cause", models.JSONField(null=True)),
        migrations.RunPython(read_texts, migrations.RunPython.noop),
        migrations.RemoveField("alarm", "text"),
        migrations.RemoveField("alarmsubject", "text"),
        migrations.RemoveField("provider", "rest_reason"),
        # It was the same for all.
        migrations.RemoveField("deskorder", "reason"),
    ]
