import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    # The migrations that were made before: a panel that has had them all needs nothing of this.
    replaces = [
        ('payments', '0001_initial'),
        ('payments', '0002_second_person'),
    ]

    dependencies = [
        ('accounts', '0001_tables'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Method',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('instructions', models.TextField()),
                ('currency', models.CharField(max_length=5)),
                ('min_micros', models.BigIntegerField()),
                ('max_micros', models.BigIntegerField()),
                ('fee_basis_points', models.PositiveIntegerField(default=0)),
                ('bonus_basis_points', models.PositiveIntegerField(default=0)),
                ('is_offered', models.BooleanField(default=True)),
                ('position', models.IntegerField(default=0)),
            ],
            options={
                'ordering': ['position', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('max_micros__gte', models.F('min_micros')), ('min_micros__gt', 0)), name='method_min_max'), models.CheckConstraint(condition=models.Q(('fee_basis_points__lt', 10000)), name='method_fee_in_range')],
            },
        ),
        migrations.CreateModel(
            name='FundsRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.CharField(max_length=5)),
                ('amount_micros', models.BigIntegerField()),
                ('credit_micros', models.BigIntegerField()),
                ('note', models.CharField(blank=True, max_length=500)),
                ('received_micros', models.BigIntegerField(null=True)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('confirmed', 'Confirmed'), ('rejected', 'Rejected'), ('withdrawn', 'Withdrawn')], default='waiting', max_length=10)),
                ('asked_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(null=True)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='funds_requests', to='accounts.customer')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('received_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('method', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='payments.method')),
            ],
            options={
                'indexes': [models.Index(fields=['customer', 'id'], name='funds_of_customer'), models.Index(condition=models.Q(('state', 'waiting')), fields=['id'], name='funds_waiting')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_micros__gt', 0), ('credit_micros__gt', 0)), name='funds_positive')],
            },
        ),
    ]
