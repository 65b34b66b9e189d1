"""Rows of one account at a provider: each is an account of its own until a worker or staff join them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fulfilment", "0010_one_alarm_a_kind")]

    operations = [
        migrations.AddField(
            "provider",
            "account",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="rows",
                to="fulfilment.provider",
            ),
        ),
        migrations.RunSQL("UPDATE fulfilment_provider SET account_id = id", migrations.RunSQL.noop),
    ]
