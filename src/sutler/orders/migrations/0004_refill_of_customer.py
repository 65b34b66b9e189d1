from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("orders", "0003_who_runs_a_schedule"),
    ]

    operations = [
        migrations.AddField("refill", "customer_id", models.BigIntegerField(null=True)),
        migrations.RunSQL(
            "UPDATE orders_refill SET customer_id ="
            " (SELECT customer_id FROM orders_order WHERE orders_order.id = orders_refill.order_id)",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField("refill", "customer_id", models.BigIntegerField()),
        migrations.AddIndex("refill", models.Index(fields=["customer_id", "id"], name="refill_of_customer")),
    ]
