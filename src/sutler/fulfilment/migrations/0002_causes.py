from typing import Any

from django.db import migrations, models

from sutler.orders.migrations._notes import cause_of

_BATCH = 2000


def read_causes(apps: Any, _schema_editor: Any) -> None:
    """Gives each attempt and each logged call with a reason its cause."""
    for name in ("Attempt", "LoggedCall"):
        explained, last = apps.get_model("fulfilment", name).objects.exclude(why="").order_by("pk"), 0
        while rows := list(explained.filter(pk__gt=last)[:_BATCH]):
            for row in rows:
                row.cause = cause_of(row.why)
            explained.model.objects.bulk_update(rows, ["cause"], batch_size=200)
            last = rows[-1].pk


class Migration(migrations.Migration):
    """Why an attempt stands as it does, or a call failed, is a kind and data instead of a text in English."""

    dependencies = [("fulfilment", "0001_tables"), ("orders", "0002_events")]

    operations = [
        migrations.AddField("attempt", "cause", models.JSONField(null=True)),
        migrations.AddField("loggedcall", "cause", models.JSONField(null=True)),
        migrations.RunPython(read_causes, migrations.RunPython.noop),
        migrations.RemoveField("attempt", "why"),
        migrations.RemoveField("loggedcall", "why"),
    ]
