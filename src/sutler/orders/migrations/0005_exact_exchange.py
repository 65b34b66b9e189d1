from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("orders", "0004_refill_of_customer"),
    ]

    operations = [
        # What was kept until now are millionths of the base currency for one unit: exact as a fraction of a million.
        migrations.RenameField("order", "exchange_micros", "exchange_base"),
        migrations.AddField("order", "exchange_units", models.BigIntegerField(db_default=1_000_000)),
    ]
