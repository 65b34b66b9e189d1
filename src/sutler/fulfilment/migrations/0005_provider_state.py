from typing import Any

import django.db.models.deletion
from django.db import migrations, models

_MOVED = (
    "worker",
    "leased_until",
    "balance_micros",
    "balance_at",
    "gap_micros",
    "charge_digits",
    "charges_rounded",
    "suspect_gap_micros",
    "suspect_at",
    "catalogue_at",
    "highest_id",
    "audited_id",
    "audited_at",
    "rests_until",
    "rest_cause",
)


def move_states(apps: Any, _schema_editor: Any) -> None:
    """Gives each provider its live state, with what stood in its own row."""
    providers, states = (apps.get_model("fulfilment", name).objects for name in ("Provider", "ProviderState"))
    for key, *values in providers.order_by("pk").values_list("pk", *_MOVED):
        providers.filter(pk=key).update(live_state=states.create(**dict(zip(_MOVED, values, strict=True))))


class Migration(migrations.Migration):
    """What staff type of a provider, and how it stands, are two rows: what is written all the time is the small one."""

    dependencies = [("fulfilment", "0004_alarm_facts")]

    operations = [
        migrations.CreateModel(
            "ProviderState",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("worker", models.CharField(blank=True, max_length=64)),
                ("leased_until", models.DateTimeField(null=True)),
                ("balance_micros", models.BigIntegerField(null=True)),
                ("balance_at", models.DateTimeField(null=True)),
                ("gap_micros", models.BigIntegerField(null=True)),
                ("charge_digits", models.PositiveSmallIntegerField(null=True)),
                ("charges_rounded", models.PositiveSmallIntegerField(default=0)),
                ("suspect_gap_micros", models.BigIntegerField(null=True)),
                ("suspect_at", models.DateTimeField(null=True)),
                ("catalogue_at", models.DateTimeField(null=True)),
                ("highest_id", models.BigIntegerField(default=0)),
                ("audited_id", models.BigIntegerField(default=0)),
                ("audited_at", models.DateTimeField(null=True)),
                ("rests_until", models.DateTimeField(null=True)),
                ("rest_cause", models.JSONField(null=True)),
            ],
        ),
        migrations.AddField(
            "provider",
            "live_state",
            models.OneToOneField("fulfilment.providerstate", django.db.models.deletion.PROTECT, null=True),
        ),
        migrations.RunPython(move_states, migrations.RunPython.noop),
        migrations.AlterField(
            "provider",
            "live_state",
            models.OneToOneField("fulfilment.providerstate", django.db.models.deletion.PROTECT),
        ),
        *(migrations.RemoveField("provider", name) for name in _MOVED),
    ]
