from typing import Any

from django.db import migrations, models

from sutler.orders.migrations._notes import event_of

_BATCH = 2000


def read_notes(apps: Any, _schema_editor: Any) -> None:
    """Gives each event with a note its kind and data."""
    noted = apps.get_model("orders", "OrderEvent").objects.exclude(note="").order_by("pk")
    last = 0
    while rows := list(noted.filter(pk__gt=last)[:_BATCH]):
        for row in rows:
            row.kind, row.data = event_of(row.actor, row.note)
        noted.model.objects.bulk_update(rows, ["kind", "data"], batch_size=200)
        last = rows[-1].pk


class Migration(migrations.Migration):
    """Events are a kind and data instead of a note in English."""

    dependencies = [("orders", "0001_tables")]

    operations = [
        migrations.AddField("orderevent", "kind", models.CharField(db_default="moved", default="moved", max_length=30)),
        migrations.AddField("orderevent", "data", models.JSONField(db_default={}, default=dict)),
        migrations.RunPython(read_notes, migrations.RunPython.noop),
        migrations.RemoveField("orderevent", "note"),
    ]
