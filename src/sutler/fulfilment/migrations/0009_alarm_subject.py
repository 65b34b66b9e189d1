from collections import defaultdict

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def gather(apps: Apps, _: BaseDatabaseSchemaEditor) -> None:
    """Makes one of the open alarms of each kind and provider, about all that they were about."""
    alarms, subjects = (apps.get_model("fulfilment", name) for name in ("Alarm", "AlarmSubject"))
    first = {}
    spare = []
    rows = defaultdict(list)
    for each in alarms.objects.order_by("pk").iterator():
        key = each.pk if each.closed_at else (each.provider_id, each.kind)
        kept = first.setdefault(key, each)
        rows[kept.pk].append(each)
        if kept is not each:
            spare.append(each.pk)
    for pk, group in rows.items():
        for each in group:
            moments = {"raised_at": each.raised_at, "last_at": each.last_at, "times": each.times}
            subjects.objects.create(alarm_id=pk, subject=each.subject, text=each.text, **moments)
        if len(group) > 1:
            newest = max(group, key=lambda each: each.last_at)
            told = {"subject": newest.subject, "text": newest.text, "last_at": newest.last_at}
            alarms.objects.filter(pk=pk).update(times=sum(each.times for each in group), **told)
    for start in range(0, len(spare), 500):
        alarms.objects.filter(pk__in=spare[start : start + 500]).delete()


class Migration(migrations.Migration):
    dependencies = [("fulfilment", "0008_refusal")]

    operations = [
        migrations.RemoveConstraint(model_name="alarm", name="one_open_alarm"),
        migrations.CreateModel(
            name="AlarmSubject",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(blank=True, max_length=100)),
                ("text", models.CharField(max_length=1000)),
                ("times", models.PositiveIntegerField(default=1)),
                ("raised_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                (
                    "alarm",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="subjects", to="fulfilment.alarm"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="alarmsubject",
            constraint=models.UniqueConstraint(fields=("alarm", "subject"), name="one_row_per_alarm_and_subject"),
        ),
        migrations.RunPython(gather, migrations.RunPython.noop),
    ]
