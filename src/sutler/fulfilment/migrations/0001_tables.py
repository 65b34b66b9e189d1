import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def leave_room(apps, schema_editor):
    """Lets PostgreSQL write what only counts on into the same page, past all indexes, again and again."""
    if schema_editor.connection.vendor == "postgresql":
        for table in ("fulfilment_upstreamorder", "orders_order"):
            schema_editor.execute(f"ALTER TABLE {table} SET (fillfactor = 80)")


class Migration(migrations.Migration):

    initial = True

    # The migrations that were made before: a panel that has had them all needs nothing of this.
    replaces = [
        ('fulfilment', '0001_initial'),
        ('fulfilment', '0002_heartbeat'),
        ('fulfilment', '0003_provider_task'),
        ('fulfilment', '0004_orphan_remains'),
        ('fulfilment', '0005_named_orders'),
        ('fulfilment', '0006_ask_time'),
        ('fulfilment', '0007_exchange_alarm'),
        ('fulfilment', '0008_refusal'),
        ('fulfilment', '0009_alarm_subject'),
        ('fulfilment', '0010_one_alarm_a_kind'),
        ('fulfilment', '0011_account'),
        ('fulfilment', '0012_taught'),
        ('fulfilment', '0013_key_alarm'),
    ]

    dependencies = [
        ('catalogue', '0001_tables'),
        ('orders', '0001_tables'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DeskOrder',
            fields=[
                ('order', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='at_desk', serialize=False, to='orders.order')),
                ('reason', models.CharField(max_length=500)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Provider',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('url', models.CharField(max_length=500)),
                ('sealed_key', models.TextField()),
                ('sealed_fields', models.TextField(blank=True)),
                ('currency', models.CharField(max_length=5)),
                ('state', models.CharField(choices=[('on', 'On'), ('sending stopped', 'Stopped'), ('off', 'Off')], default='on', max_length=16)),
                ('method', models.CharField(choices=[('POST', 'POST'), ('GET', 'GET')], default='POST', max_length=4)),
                ('key_field', models.CharField(default='key', max_length=40)),
                ('cancel_field', models.CharField(choices=[('orders', 'orders'), ('order', 'order')], default='orders', max_length=6)),
                ('trailing_slash', models.BooleanField(null=True)),
                ('call_interval_milliseconds', models.PositiveIntegerField(default=1000)),
                ('most_at_once', models.PositiveIntegerField(default=8)),
                ('drip_feed_there', models.BooleanField(default=False)),
                ('subscriptions_there', models.BooleanField(default=False)),
                ('settle_minutes', models.PositiveIntegerField(default=15)),
                ('may_scan', models.BooleanField(default=False)),
                ('is_shared', models.BooleanField(default=False)),
                ('brake_percent', models.PositiveIntegerField(default=2)),
                ('brake_open', models.PositiveIntegerField(default=20)),
                ('low_balance_micros', models.BigIntegerField(null=True)),
                ('balance_micros', models.BigIntegerField(null=True)),
                ('balance_at', models.DateTimeField(null=True)),
                ('gap_micros', models.BigIntegerField(null=True)),
                ('charge_digits', models.PositiveSmallIntegerField(null=True)),
                ('charges_rounded', models.PositiveSmallIntegerField(default=0)),
                ('suspect_gap_micros', models.BigIntegerField(null=True)),
                ('suspect_at', models.DateTimeField(null=True)),
                ('catalogue_at', models.DateTimeField(null=True)),
                ('highest_id', models.BigIntegerField(default=0)),
                ('audited_id', models.BigIntegerField(default=0)),
                ('audited_at', models.DateTimeField(null=True)),
                ('rests_until', models.DateTimeField(null=True)),
                ('rest_reason', models.CharField(blank=True, max_length=200)),
                ('worker', models.CharField(blank=True, max_length=64)),
                ('leased_until', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField()),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='rows', to='fulfilment.provider')),
            ],
        ),
        migrations.CreateModel(
            name='PriceRule',
            fields=[
                ('service', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='price_rule', serialize=False, to='catalogue.service')),
                ('markup_basis_points', models.PositiveIntegerField(default=0)),
                ('fixed_micros', models.BigIntegerField(default=0)),
                ('step_micros', models.BigIntegerField(default=1)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('fixed_micros__gte', 0), ('step_micros__gt', 0)), name='price_rule_in_range')],
            },
        ),
        migrations.CreateModel(
            name='Alarm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('low balance', 'Low Balance'), ('brake', 'Brake'), ('key or funds refused', 'Key Or Funds'), ('overcharge', 'Overcharge'), ('undercharge', 'Undercharge'), ('silent refund', 'Refund'), ('balance differs', 'Balance'), ('orphan', 'Orphan'), ('changed after its end', 'Late Change'), ('answer after the verdict', 'Late Answer'), ('order not found upstream', 'Not Found'), ('failed upstream', 'Failed'), ('unknown status', 'Unknown Status'), ('verdict wanted', 'Verdict'), ('catalogue', 'Catalogue'), ('margin', 'Margin'), ('no route', 'Desk'), ('post not paid', 'Unpaid'), ('exchange rate', 'Exchange'), ('refused in unknown words', 'Refused'), ('unread answers', 'Unread'), ('key unreadable', 'Key Unreadable')], max_length=30)),
                ('subject', models.CharField(blank=True, max_length=100)),
                ('text', models.CharField(max_length=1000)),
                ('times', models.PositiveIntegerField(default=1)),
                ('raised_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_by', models.CharField(blank=True, max_length=60)),
                ('provider', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='alarms', to='fulfilment.provider')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('closed_at', None)), fields=['raised_at'], name='alarm_open')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('closed_at', None)), fields=('provider', 'kind'), name='one_open_alarm')],
            },
        ),
        migrations.CreateModel(
            name='ProviderMinute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('minute', models.DateTimeField()),
                ('calls', models.PositiveIntegerField(default=0)),
                ('declined', models.PositiveIntegerField(default=0)),
                ('unanswered', models.PositiveIntegerField(default=0)),
                ('adds', models.PositiveIntegerField(default=0)),
                ('unknown_adds', models.PositiveIntegerField(default=0)),
                ('total_milliseconds', models.BigIntegerField(default=0)),
                ('slowest_milliseconds', models.PositiveIntegerField(default=0)),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='minutes', to='fulfilment.provider')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'minute'), name='one_row_per_provider_and_minute')],
            },
        ),
        migrations.CreateModel(
            name='ProviderTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('test', 'Test'), ('balance', 'Balance'), ('sync', 'Sync')], max_length=8)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('trust', models.BooleanField(default=False)),
                ('asked_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('report', models.JSONField(default=dict)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='fulfilment.provider')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['waiting', 'running'])), fields=('provider', 'kind'), name='one_open_task_of_a_kind')],
            },
        ),
        migrations.CreateModel(
            name='UpstreamService',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('upstream_id', models.CharField(max_length=64)),
                ('name', models.CharField(max_length=500)),
                ('category', models.CharField(max_length=200)),
                ('type', models.CharField(choices=[('Default', 'Default'), ('Package', 'Package'), ('Custom Comments', 'Custom Comments'), ('Custom Comments Package', 'Custom Comments Package'), ('Mentions', 'Mentions'), ('Mentions with Hashtags', 'Mentions with Hashtags'), ('Mentions Custom List', 'Mentions Custom List'), ('Mentions Hashtag', 'Mentions Hashtag'), ('Mentions User Followers', 'Mentions User Followers'), ('Mentions Media Likers', 'Mentions Media Likers'), ('Comment Likes', 'Comment Likes'), ('Comment Replies', 'Comment Replies'), ('Poll', 'Poll'), ('Invites from Groups', 'Invites from Groups'), ('SEO', 'SEO'), ('Web Traffic', 'Web Traffic'), ('Subscriptions', 'Subscriptions')], max_length=40, null=True)),
                ('raw_type', models.CharField(max_length=60)),
                ('rate_micros', models.BigIntegerField()),
                ('offered_micros', models.BigIntegerField(null=True)),
                ('min', models.PositiveIntegerField()),
                ('max', models.PositiveIntegerField()),
                ('dripfeed', models.BooleanField()),
                ('refill', models.BooleanField()),
                ('cancel', models.BooleanField()),
                ('seen_at', models.DateTimeField()),
                ('gone_at', models.DateTimeField(null=True)),
                ('usual_seconds', models.PositiveIntegerField(null=True)),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='services', to='fulfilment.provider')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'upstream_id'), name='one_row_per_upstream_service'), models.CheckConstraint(condition=models.Q(('rate_micros__gt', 0)), name='upstream_rate_positive')],
            },
        ),
        migrations.CreateModel(
            name='Route',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('preference', models.PositiveIntegerField(default=1)),
                ('weight', models.PositiveIntegerField(default=1)),
                ('most_open', models.PositiveIntegerField(null=True)),
                ('is_on', models.BooleanField(default=True)),
                ('off_reason', models.CharField(blank=True, max_length=200)),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='routes', to='catalogue.service')),
                ('upstream_service', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='routes', to='fulfilment.upstreamservice')),
            ],
            options={
                'ordering': ['preference', 'id'],
                'constraints': [models.UniqueConstraint(fields=('service', 'upstream_service'), name='one_route_per_service_and_upstream'), models.CheckConstraint(condition=models.Q(('weight__gt', 0)), name='route_weight_positive')],
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(choices=[('add', 'Add'), ('refill', 'Refill'), ('cancel', 'Cancel')], max_length=6)),
                ('state', models.CharField(choices=[('planned', 'planned'), ('sending', 'sending'), ('accepted', 'accepted'), ('not sent', 'not sent'), ('declined', 'declined'), ('absent', 'absent'), ('unknown', 'unknown'), ('staff', 'staff')], max_length=10)),
                ('service_id', models.BigIntegerField()),
                ('link_digest', models.CharField(max_length=64)),
                ('expected_micros', models.BigIntegerField()),
                ('due_at', models.DateTimeField(null=True)),
                ('worker', models.CharField(blank=True, max_length=64)),
                ('sent_at', models.DateTimeField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('floor_id', models.BigIntegerField(default=0)),
                ('gap_micros', models.BigIntegerField(null=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('upstream_id', models.CharField(max_length=64, null=True)),
                ('why', models.CharField(blank=True, max_length=1000)),
                ('refusal', models.CharField(blank=True, db_default='', default='', max_length=500)),
                ('clean_scans', models.PositiveIntegerField(default=0)),
                ('evidence', models.JSONField(null=True)),
                ('decided_by', models.CharField(blank=True, max_length=60)),
                ('cancel_request', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='orders.cancelrequest')),
                ('order', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='orders.order')),
                ('refill', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='orders.refill')),
                ('provider', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='fulfilment.provider')),
                ('route', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='fulfilment.route')),
                ('upstream_service', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='fulfilment.upstreamservice')),
            ],
            options={
                'indexes': [models.Index(fields=['order'], name='attempt_of_order'), models.Index(condition=models.Q(('refusal__gt', '')), fields=['provider', 'id'], name='attempt_refused'), models.Index(condition=models.Q(('state', 'planned')), fields=['provider', 'id'], name='attempt_planned'), models.Index(condition=models.Q(('state', 'sending')), fields=['lease_until'], name='attempt_sending'), models.Index(condition=models.Q(('state__in', ('unknown', 'staff'))), fields=['provider', 'expected_micros'], name='attempt_unsettled'), models.Index(condition=models.Q(('state__in', ('unknown', 'staff'))), fields=['service_id', 'link_digest'], name='attempt_unsettled_link'), models.Index(condition=models.Q(('action', 'refill'), ('due_at__isnull', False), ('state', 'accepted')), fields=['provider', 'due_at'], name='attempt_refill_to_ask')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('action', 'add'), ('state__in', ('planned', 'sending', 'accepted', 'unknown', 'staff'))), fields=('order',), name='one_live_attempt_per_order'), models.UniqueConstraint(condition=models.Q(('action', 'refill'), ('state__in', ('planned', 'sending', 'accepted', 'unknown', 'staff'))), fields=('refill',), name='one_live_attempt_per_refill'), models.UniqueConstraint(condition=models.Q(('action', 'cancel'), ('state__in', ('planned', 'sending', 'unknown', 'staff'))), fields=('cancel_request',), name='one_open_attempt_per_cancel_request'), models.UniqueConstraint(condition=models.Q(('upstream_id__isnull', False)), fields=('provider', 'action', 'upstream_id'), name='upstream_id_claimed_once'), models.CheckConstraint(condition=models.Q(('state__in', ['planned', 'sending', 'accepted', 'not sent', 'declined', 'absent', 'unknown', 'staff'])), name='attempt_state_known')],
            },
        ),
        migrations.CreateModel(
            name='Taught',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=500)),
                ('is_pattern', models.BooleanField(default=False)),
                ('kind', models.CharField(max_length=20)),
                ('taught_at', models.DateTimeField()),
                ('taught_by', models.CharField(max_length=60)),
                ('provider', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='taught', to='fulfilment.provider')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'text', 'is_pattern'), name='taught_once'), models.UniqueConstraint(condition=models.Q(('provider', None)), fields=('text', 'is_pattern'), name='taught_once_for_all')],
            },
        ),
        migrations.CreateModel(
            name='UpstreamOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('upstream_id', models.CharField(max_length=64)),
                ('expected_micros', models.BigIntegerField()),
                ('cost_micros', models.BigIntegerField()),
                ('reported_micros', models.BigIntegerField(null=True)),
                ('word', models.CharField(blank=True, max_length=60)),
                ('start_count', models.BigIntegerField(null=True)),
                ('remains', models.BigIntegerField(null=True)),
                ('placed_at', models.DateTimeField()),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('misses', models.PositiveIntegerField(default=0)),
                ('finished_at', models.DateTimeField(null=True)),
                ('order', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='upstream_orders', to='orders.order')),
                ('attempt', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='upstream_order', to='fulfilment.attempt')),
                ('provider', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='upstream_orders', to='fulfilment.provider')),
                ('upstream_service', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='upstream_orders', to='fulfilment.upstreamservice')),
            ],
            options={
                'indexes': [models.Index(fields=['order'], name='upstream_order_of_order'), models.Index(fields=['provider', 'placed_at'], name='upstream_order_by_age')],
                'constraints': [models.UniqueConstraint(fields=('provider', 'upstream_id'), name='one_order_per_upstream_id'), models.CheckConstraint(condition=models.Q(('cost_micros__gte', 0), ('expected_micros__gte', 0)), name='upstream_amounts_in_range')],
            },
        ),
        migrations.CreateModel(
            name='CatalogueChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('new', 'New'), ('gone', 'Gone'), ('back', 'Back'), ('price', 'Price'), ('limits', 'Limits'), ('flags', 'Flags'), ('type', 'Type'), ('name', 'Name')], max_length=8)),
                ('before', models.CharField(blank=True, max_length=500)),
                ('after', models.CharField(blank=True, max_length=500)),
                ('at', models.DateTimeField()),
                ('state', models.CharField(choices=[('noted', 'Noted'), ('waiting', 'Waiting'), ('accepted', 'Accepted'), ('dismissed', 'Dismissed')], default='noted', max_length=10)),
                ('decided_by', models.CharField(blank=True, max_length=60)),
                ('upstream_service', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='fulfilment.upstreamservice')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['id'], name='change_waiting')],
            },
        ),
        migrations.CreateModel(
            name='AlarmSubject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(blank=True, max_length=100)),
                ('text', models.CharField(max_length=1000)),
                ('times', models.PositiveIntegerField(default=1)),
                ('raised_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('alarm', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subjects', to='fulfilment.alarm')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('alarm', 'subject'), name='one_row_per_alarm_and_subject')],
            },
        ),
        migrations.CreateModel(
            name='AskTime',
            fields=[
                ('upstream_order', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='ask_time', serialize=False, to='fulfilment.upstreamorder')),
                ('asked_at', models.DateTimeField(null=True)),
                ('ask_at', models.DateTimeField()),
                ('unread', models.PositiveIntegerField(db_default=0, default=0)),
                ('provider', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='fulfilment.provider')),
            ],
            options={
                'indexes': [models.Index(fields=['provider', 'ask_at', 'upstream_order'], name='ask_time_in_turn')],
            },
        ),
        migrations.CreateModel(
            name='Orphan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('upstream_id', models.BigIntegerField()),
                ('charge_micros', models.BigIntegerField(null=True)),
                ('word', models.CharField(max_length=60)),
                ('remains', models.BigIntegerField(null=True)),
                ('seen_at', models.DateTimeField()),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='orphans', to='fulfilment.provider')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'upstream_id'), name='one_row_per_orphan')],
            },
        ),
        migrations.CreateModel(
            name='NamedOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('upstream_id', models.CharField(max_length=64)),
                ('named_at', models.DateTimeField()),
                ('ask_at', models.DateTimeField(null=True)),
                ('misses', models.PositiveIntegerField(default=0)),
                ('child', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='named', to='orders.order')),
                ('parent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='named_orders', to='fulfilment.upstreamorder')),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='named_orders', to='fulfilment.provider')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('ask_at__isnull', False)), fields=['provider', 'ask_at'], name='named_to_ask')],
                'constraints': [models.UniqueConstraint(fields=('provider', 'upstream_id'), name='named_once')],
            },
        ),
        migrations.CreateModel(
            name='LoggedCall',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('action', models.CharField(max_length=20)),
                ('asked', models.JSONField()),
                ('answer', models.CharField(blank=True, max_length=2000)),
                ('http_status', models.PositiveIntegerField(null=True)),
                ('milliseconds', models.PositiveIntegerField()),
                ('outcome', models.CharField(max_length=20)),
                ('why', models.CharField(blank=True, max_length=1000)),
                ('order_id', models.BigIntegerField(null=True)),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='logged_calls', to='fulfilment.provider')),
            ],
            options={
                'indexes': [models.Index(fields=['provider', 'id'], name='logged_call_of_provider')],
            },
        ),
        migrations.RunPython(leave_room, migrations.RunPython.noop),
    ]
