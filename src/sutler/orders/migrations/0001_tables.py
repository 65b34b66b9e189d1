import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    # The migrations that were made before: a panel that has had them all needs nothing of this.
    replaces = [
        ('orders', '0001_initial'),
        ('orders', '0002_approval'),
        ('orders', '0003_who_runs_a_schedule'),
        ('orders', '0004_refill_of_customer'),
        ('orders', '0005_exact_exchange'),
        ('orders', '0006_old_posts_only'),
    ]

    dependencies = [
        ('accounts', '0001_tables'),
        ('catalogue', '0001_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='Order',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('single', 'Single'), ('drip-feed', 'Drip Feed'), ('subscription', 'Subscription')], default='single', max_length=12)),
                ('type', models.CharField(max_length=40)),
                ('link', models.CharField(max_length=2048)),
                ('quantity', models.BigIntegerField()),
                ('details', models.JSONField(null=True)),
                ('currency', models.CharField(max_length=5)),
                ('rate_micros', models.BigIntegerField()),
                ('exchange_base', models.BigIntegerField()),
                ('exchange_units', models.BigIntegerField(db_default=1000000)),
                ('charge_micros', models.BigIntegerField()),
                ('returned_micros', models.BigIntegerField(default=0)),
                ('status', models.CharField(choices=[('Pending', 'Pending'), ('Processing', 'Processing'), ('In progress', 'In progress'), ('Completed', 'Completed'), ('Partial', 'Partial'), ('Canceled', 'Canceled')], default='Pending', max_length=12)),
                ('start_count', models.BigIntegerField(null=True)),
                ('remains', models.BigIntegerField()),
                ('request_id', models.CharField(max_length=128, null=True)),
                ('fingerprint', models.CharField(max_length=64, null=True)),
                ('capped_key_id', models.BigIntegerField(null=True)),
                ('created_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('customer', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='accounts.customer')),
                ('parent', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='orders.order')),
                ('service', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='catalogue.service')),
            ],
            options={
                'indexes': [models.Index(fields=['customer', 'id'], name='order_of_customer'), models.Index(condition=models.Q(('kind', 'single'), ('status', 'Pending')), fields=['id'], name='order_to_hand_out'), models.Index(condition=models.Q(('status__in', ['Processing', 'In progress'])), fields=['status', 'id'], name='order_under_way'), models.Index(condition=models.Q(('parent__isnull', False)), fields=['parent', 'id'], name='order_of_parent'), models.Index(condition=models.Q(('fingerprint__isnull', False)), fields=['customer', 'fingerprint', 'created_at'], name='order_fingerprint'), models.Index(condition=models.Q(('capped_key_id__isnull', False)), fields=['capped_key_id', 'created_at'], name='order_of_key')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('request_id__isnull', False)), fields=('customer', 'request_id'), name='request_id_once'), models.CheckConstraint(condition=models.Q(('charge_micros__gte', 0), ('returned_micros__gte', 0), ('returned_micros__lte', models.F('charge_micros'))), name='order_returns_at_most_its_charge'), models.CheckConstraint(condition=models.Q(('status__in', ['Pending', 'Processing', 'In progress', 'Completed', 'Partial', 'Canceled'])), name='order_status_known'), models.CheckConstraint(condition=models.Q(('remains__lte', models.F('quantity'))), name='order_remains_at_most_quantity')],
            },
        ),
        migrations.CreateModel(
            name='PaceMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('last_event_id', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='CancelRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('Open', 'Open'), ('Taken', 'Taken'), ('Done', 'Done'), ('Rejected', 'Rejected')], default='Open', max_length=10)),
                ('requested_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='cancel_requests', to='orders.order')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'Open')), fields=['id'], name='cancel_to_hand_out')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['Open', 'Taken'])), fields=('order',), name='one_open_cancel_per_order')],
            },
        ),
        migrations.CreateModel(
            name='OrderEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('actor', models.CharField(max_length=60)),
                ('from_status', models.CharField(max_length=12, null=True)),
                ('to_status', models.CharField(max_length=12, null=True)),
                ('note', models.CharField(blank=True, max_length=1000)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='orders.order')),
            ],
        ),
        migrations.CreateModel(
            name='Refill',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('customer_id', models.BigIntegerField()),
                ('status', models.CharField(choices=[('Pending', 'Pending'), ('In progress', 'In progress'), ('Completed', 'Completed'), ('Rejected', 'Rejected')], default='Pending', max_length=12)),
                ('requested_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refills', to='orders.order')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'Pending')), fields=['id'], name='refill_to_hand_out'), models.Index(fields=['customer_id', 'id'], name='refill_of_customer')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['Pending', 'In progress'])), fields=('order',), name='one_open_refill_per_order')],
            },
        ),
        migrations.CreateModel(
            name='Approval',
            fields=[
                ('order', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='approval', serialize=False, to='orders.order')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('dropped', 'Dropped')], default='waiting', max_length=8)),
                ('asked_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.CharField(blank=True, max_length=60)),
                ('reason', models.CharField(blank=True, max_length=500)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['order'], name='approval_waiting')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('state', 'waiting')), models.Q(models.Q(('state', 'waiting'), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='approval_decided_when_not_waiting')],
            },
        ),
        migrations.CreateModel(
            name='Drip',
            fields=[
                ('order', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='drip', serialize=False, to='orders.order')),
                ('quantity_per_run', models.BigIntegerField()),
                ('runs', models.PositiveIntegerField()),
                ('interval_minutes', models.PositiveIntegerField()),
                ('runs_placed', models.PositiveIntegerField(default=0)),
                ('next_run_at', models.DateTimeField(null=True)),
                ('is_there', models.BooleanField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('next_run_at__isnull', False)), fields=['next_run_at'], name='drip_due'), models.Index(condition=models.Q(('is_there__isnull', True)), fields=['order'], name='drip_undecided')],
                'constraints': [models.CheckConstraint(condition=models.Q(('runs_placed__lte', models.F('runs'))), name='drip_runs_in_range')],
            },
        ),
        migrations.CreateModel(
            name='LinkInUse',
            fields=[
                ('order', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='orders.order')),
                ('customer_id', models.BigIntegerField()),
                ('service_id', models.BigIntegerField()),
                ('link_digest', models.CharField(max_length=64)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('customer_id', 'service_id', 'link_digest'), name='one_active_order_per_link')],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('order', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='subscription', serialize=False, to='orders.order')),
                ('username', models.CharField(max_length=2048)),
                ('minimum', models.BigIntegerField()),
                ('maximum', models.BigIntegerField()),
                ('posts', models.PositiveIntegerField(null=True)),
                ('old_posts', models.PositiveIntegerField(default=0)),
                ('delay_minutes', models.PositiveIntegerField()),
                ('expiry', models.DateField(null=True)),
                ('paused_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('is_there', models.BooleanField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('ended_at', None), ('expiry__isnull', False)), fields=['expiry'], name='sub_expiry'), models.Index(condition=models.Q(('is_there__isnull', True)), fields=['order'], name='sub_undecided')],
            },
        ),
        migrations.CreateModel(
            name='Post',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('link', models.CharField(max_length=2048)),
                ('link_digest', models.CharField(max_length=64)),
                ('quantity', models.BigIntegerField()),
                ('reported_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(null=True)),
                ('child', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.order')),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reported_posts', to='orders.subscription')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='post_due')],
                'constraints': [models.UniqueConstraint(fields=('subscription', 'link_digest'), name='post_once_per_subscription')],
            },
        ),
    ]
