import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    # The migrations that were made before: a panel that has had them all needs nothing of this.
    replaces = [
        ('books', '0001_initial'),
        ('books', '0002_provider_accounts'),
        ('books', '0003_snapshot'),
        ('books', '0004_adjustments_figures'),
        ('books', '0005_verification'),
        ('books', '0006_transfers_of_account'),
        ('books', '0007_what_staff_make_spendable'),
    ]

    dependencies = [
        ('accounts', '0001_tables'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='FiguresMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('last_transfer_id', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='LedgerAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('wallet', 'Wallet'), ('in hand', 'In Hand'), ('scheduled', 'Scheduled'), ('revenue', 'Revenue'), ('deposits', 'Deposits'), ('adjustments', 'Adjustments'), ('provider', 'Provider'), ('cost', 'Cost')], max_length=12)),
                ('currency', models.CharField(max_length=5)),
                ('provider_id', models.BigIntegerField(null=True)),
                ('balance_micros', models.BigIntegerField(null=True)),
                ('credit_limit_micros', models.BigIntegerField(default=0)),
                ('largest_credit_limit_micros', models.BigIntegerField(default=0)),
                ('customer', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='wallet', to='accounts.customer')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('customer', None), ('provider_id', None)), fields=('kind', 'currency'), name='one_house_account'), models.UniqueConstraint(condition=models.Q(('provider_id__isnull', False)), fields=('provider_id',), name='one_account_per_provider'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'provider'), ('provider_id__isnull', False)), models.Q(models.Q(('kind', 'provider'), _negated=True), ('provider_id', None)), _connector='OR'), name='only_provider_accounts_have_provider'), models.CheckConstraint(condition=models.Q(models.Q(('balance_micros__isnull', False), ('customer__isnull', False), ('kind', 'wallet')), models.Q(models.Q(('kind', 'wallet'), _negated=True), ('balance_micros__isnull', True), ('customer__isnull', True)), _connector='OR'), name='only_wallets_have_customer_and_balance'), models.CheckConstraint(condition=models.Q(('balance_micros', None), ('balance_micros__gte', django.db.models.expressions.CombinedExpression(models.F('credit_limit_micros'), '*', models.Value(-1))), _connector='OR'), name='wallet_within_credit_limit'), models.CheckConstraint(condition=models.Q(('credit_limit_micros__gte', 0), ('largest_credit_limit_micros__gte', models.F('credit_limit_micros'))), name='credit_limit_in_range')],
            },
        ),
        migrations.CreateModel(
            name='DayFigure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('customer_id', models.BigIntegerField()),
                ('currency', models.CharField(max_length=5)),
                ('kind', models.CharField(choices=[('orders', 'Orders'), ('returns', 'Returns'), ('deposits', 'Deposits'), ('adjustments', 'Adjustments'), ('revenue', 'Revenue'), ('cost', 'Cost')], max_length=12)),
                ('amount_micros', models.BigIntegerField()),
                ('transfers', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('customer_id', 'day', 'currency', 'kind'), name='one_figure_a_day')],
            },
        ),
        migrations.CreateModel(
            name='Snapshot',
            fields=[
                ('account', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='books.ledgeraccount')),
                ('through_id', models.BigIntegerField(default=0)),
                ('sum_micros', models.BigIntegerField(default=0)),
                ('transfers', models.BigIntegerField(default=0)),
                ('next_id', models.BigIntegerField()),
                ('next_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Transfer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cause', models.CharField(max_length=60, unique=True)),
                ('amount_micros', models.BigIntegerField()),
                ('order_id', models.BigIntegerField(null=True)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField()),
                ('credit', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='books.ledgeraccount')),
                ('debit', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='books.ledgeraccount')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('order_id__isnull', False)), fields=['order_id'], name='transfer_of_order'), models.Index(fields=['debit', 'id'], name='transfer_by_debit'), models.Index(fields=['credit', 'id'], name='transfer_by_credit')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_micros__gt', 0)), name='transfer_amount_positive'), models.CheckConstraint(condition=models.Q(('debit', models.F('credit')), _negated=True), name='transfer_two_different_ends')],
            },
        ),
        migrations.CreateModel(
            name='Verification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('asked_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(null=True)),
                ('heard_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('checks', models.PositiveIntegerField(default=0)),
                ('findings', models.JSONField(default=list)),
                ('fault', models.CharField(blank=True, max_length=300)),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(models.Value(1), condition=models.Q(('state__in', ['waiting', 'running'])), name='one_open_verification')],
            },
        ),
        migrations.CreateModel(
            name='Adjustment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('balance', 'Balance'), ('credit limit', 'Credit Limit'), ('payment', 'Payment')], default='balance', max_length=12)),
                ('amount_micros', models.BigIntegerField()),
                ('reason', models.CharField(max_length=500)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('rejected', 'Rejected')], max_length=8)),
                ('asked_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(null=True)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='adjustments', to='accounts.customer')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['id'], name='adjustment_waiting'), models.Index(fields=['customer', 'asked_by', 'asked_at'], name='adjustment_lately')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_micros', 0), _negated=True), name='adjustment_of_something'), models.CheckConstraint(condition=models.Q(('decided_by', None), models.Q(('decided_by', models.F('asked_by')), _negated=True), _connector='OR'), name='adjustment_decided_by_another')],
            },
        ),
    ]
