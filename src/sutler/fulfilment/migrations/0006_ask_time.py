import django.db.models.deletion
from django.db import migrations, models


def leave_room(apps, schema_editor):
    """Lets PostgreSQL write what only counts on into the same page, past all indexes, again and again."""
    if schema_editor.connection.vendor == "postgresql":
        for table in ("fulfilment_upstreamorder", "orders_order"):
            schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = 80)")


class Migration(migrations.Migration):

    dependencies = [
        ('fulfilment', '0005_named_orders'),
        ('orders', '0004_refill_of_customer'),
    ]

    operations = [
        migrations.CreateModel(
            name='AskTime',
            fields=[
                ('upstream_order', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='ask_time', serialize=False, to='fulfilment.upstreamorder')),
                ('provider', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='fulfilment.provider')),
                ('asked_at', models.DateTimeField(null=True)),
                ('ask_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['provider', 'ask_at', 'upstream_order'], name='ask_time_in_turn')],
            },
        ),
        migrations.RunSQL(
            "INSERT INTO fulfilment_asktime (upstream_order_id, provider_id, asked_at, ask_at)"
            " SELECT id, provider_id, asked_at, ask_at FROM fulfilment_upstreamorder WHERE ask_at IS NOT NULL",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveIndex(model_name='upstreamorder', name='upstream_order_to_ask'),
        migrations.RemoveField(model_name='upstreamorder', name='ask_at'),
        migrations.RemoveField(model_name='upstreamorder', name='asked_at'),
        migrations.RunPython(leave_room, migrations.RunPython.noop),
    ]
