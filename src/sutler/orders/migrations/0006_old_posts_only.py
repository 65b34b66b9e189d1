"""A subscription without a limit has no number of posts; 0 means no new ones."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_exact_exchange")]

    operations = [
        migrations.AlterField("subscription", "posts", models.PositiveIntegerField(null=True)),
        migrations.RunSQL(
            "UPDATE orders_subscription SET posts = NULL WHERE posts = 0",
            "UPDATE orders_subscription SET posts = 0 WHERE posts IS NULL",
        ),
    ]
