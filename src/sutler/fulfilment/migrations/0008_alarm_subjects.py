import re
from typing import Any

from django.db import migrations, models
from django.db.models import F, Max, Q

_BATCH = 2000
# How subjects were written, and what they become.
_NUMBERED = re.compile(r"(order|refill|service) ([0-9]{1,18})")
_PROVIDER_ORDER = re.compile(r"id (\S+)")
_RATE = re.compile(r"([A-Z]{3,5}) (jumped|out of date|not quoted)")
_RATES = {"jumped": "rate jump", "out of date": "rate age", "not quoted": "rate quote"}
_SIDES = {
    "": "whole",
    "address": "address",
    "balance": "balance",
    "currency": "balance currency",
    "not good": "service list",
    "unreadable": "unreadable rows",
    "prices": "prices",
    "held prices": "held prices",
    "promises": "promises",
    "paused": "paused services",
    "source": "rate source",
    "restored": "forgotten orders",
}


def subject_of(text: str) -> tuple[str, str]:
    """Returns the type and the id that the subject of an alarm was; the text itself where that is not certain."""
    if text in _SIDES:
        return _SIDES[text], ""
    if match := _NUMBERED.fullmatch(text):
        return match.group(1), match.group(2)
    if match := _PROVIDER_ORDER.fullmatch(text):
        return "provider order", match.group(1)
    if match := _RATE.fullmatch(text):
        return _RATES[match.group(2)], match.group(1)
    return "text", text


def read_subjects(apps: Any, _schema_editor: Any) -> None:
    """Gives alarms, and what they are about, the type and the id that their subject was."""
    for name in ("Alarm", "AlarmSubject"):
        rows, last = apps.get_model("fulfilment", name).objects.order_by("pk"), 0
        while batch := list(rows.filter(pk__gt=last)[:_BATCH]):
            for row in batch:
                row.subject_type, row.subject_id = subject_of(row.subject)
            rows.model.objects.bulk_update(batch, ["subject_type", "subject_id"], batch_size=200)
            last = batch[-1].pk


_OBJECTIONS = {
    "it is gone upstream": "gone",
    "it is of another type upstream": "type",
    "its price has jumped": "rate",
    "what its currency is worth is not known": "currency",
    "the exchange rate of its currency is out of date": "old rate",
    "it costs more than can be reckoned with": "too dear",
    "its limits do not meet the service's": "limits",
    "with it the price would rise by more than 30 %": "rise",
}


def read_objections(apps: Any, _schema_editor: Any) -> None:
    """Gives routes that are off, and services that are paused for them, the kind that the reason was."""
    routes, services = apps.get_model("fulfilment", "Route").objects, apps.get_model("catalogue", "Service").objects
    for text, kind in _OBJECTIONS.items():
        routes.filter(off_reason=text).update(off_reason=kind)
        services.filter(pause_reason=f"no route is left: {text}").update(pause_reason=kind)


def close_doubles(apps: Any, _schema_editor: Any) -> None:
    """Closes open alarms of the panel but the newest of a kind: two processes could open two. What lasts is raised."""
    is_open = apps.get_model("fulfilment", "Alarm").objects.filter(closed_at=None, provider=None)
    newest = set(is_open.order_by().values("kind").annotate(newest=Max("pk")).values_list("newest", flat=True))
    is_open.exclude(pk__in=newest).update(closed_at=F("last_at"), closed_by="worker")


class Migration(migrations.Migration):
    """What an alarm is about is a type and an id instead of a text; of the panel's, too, one of a kind is open."""

    dependencies = [("fulfilment", "0007_restored_alarm"), ("catalogue", "0001_tables")]

    operations = [
        *(
            migrations.AddField(model, name, field, preserve_default=False)
            for model in ("alarm", "alarmsubject")
            for name, field in (
                ("subject_type", models.CharField(max_length=20, default="text")),
                ("subject_id", models.CharField(max_length=100, blank=True, default="")),
            )
        ),
        migrations.RunPython(read_subjects, migrations.RunPython.noop),
        migrations.RunPython(read_objections, migrations.RunPython.noop),
        migrations.RunPython(close_doubles, migrations.RunPython.noop),
        migrations.RemoveConstraint("alarmsubject", "one_row_per_alarm_and_subject"),
        migrations.RemoveField("alarm", "subject"),
        migrations.RemoveField("alarmsubject", "subject"),
        migrations.AddConstraint(
            "alarmsubject",
            models.UniqueConstraint(
                fields=["alarm", "subject_type", "subject_id"], name="one_row_per_alarm_and_subject"
            ),
        ),
        migrations.AddConstraint(
            "alarm",
            models.UniqueConstraint(
                fields=["kind"], condition=Q(closed_at=None, provider=None), name="one_open_alarm_of_the_panel"
            ),
        ),
    ]
