"""Rises of the credit limit and payments beyond what was asked stand beside corrections of the balance."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("books", "0006_transfers_of_account"),
    ]

    operations = [
        migrations.AddField(
            "adjustment",
            "kind",
            models.CharField(
                choices=[("balance", "Balance"), ("credit limit", "Credit Limit"), ("payment", "Payment")],
                default="balance",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            "adjustment",
            "asked_by",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
