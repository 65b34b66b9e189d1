import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    # The migrations that were made before: a panel that has had them all needs nothing of this.
    replaces = [
        ('catalogue', '0001_initial'),
        ('catalogue', '0002_floor_rates_and_updates'),
        ('catalogue', '0003_pause_reason'),
        ('catalogue', '0004_acceptable_use'),
        ('catalogue', '0005_exact_exchange_rates'),
        ('catalogue', '0006_base_currency'),
        ('catalogue', '0007_held_rate'),
    ]

    dependencies = [
        ('accounts', '0001_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='BaseCurrency',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.CharField(max_length=5)),
            ],
        ),
        migrations.CreateModel(
            name='CatalogueVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='Category',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200, unique=True)),
                ('position', models.IntegerField(default=0)),
            ],
            options={
                'ordering': ['position', 'id'],
            },
        ),
        migrations.CreateModel(
            name='RateFetch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField()),
                ('fetched_at', models.DateTimeField(null=True)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('fault', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='Service',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=500)),
                ('type', models.CharField(choices=[('Default', 'Default'), ('Package', 'Package'), ('Custom Comments', 'Custom Comments'), ('Custom Comments Package', 'Custom Comments Package'), ('Mentions', 'Mentions'), ('Mentions with Hashtags', 'Mentions with Hashtags'), ('Mentions Custom List', 'Mentions Custom List'), ('Mentions Hashtag', 'Mentions Hashtag'), ('Mentions User Followers', 'Mentions User Followers'), ('Mentions Media Likers', 'Mentions Media Likers'), ('Comment Likes', 'Comment Likes'), ('Comment Replies', 'Comment Replies'), ('Poll', 'Poll'), ('Invites from Groups', 'Invites from Groups'), ('SEO', 'SEO'), ('Web Traffic', 'Web Traffic'), ('Subscriptions', 'Subscriptions')], max_length=40)),
                ('rate_micros', models.BigIntegerField()),
                ('min', models.PositiveIntegerField()),
                ('max', models.PositiveIntegerField()),
                ('dripfeed', models.BooleanField(default=False)),
                ('refill', models.BooleanField(default=False)),
                ('cancel', models.BooleanField(default=False)),
                ('refill_days', models.PositiveIntegerField(blank=True, null=True)),
                ('refill_wait_hours', models.PositiveIntegerField(default=24)),
                ('one_active_order_per_link', models.BooleanField(default=False)),
                ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('hidden', 'Hidden')], default='active', max_length=10)),
                ('position', models.IntegerField(default=0)),
                ('description', models.TextField(blank=True)),
                ('delivery', models.TextField(blank=True)),
                ('link_allowed', models.TextField(blank=True)),
                ('link_refused', models.TextField(blank=True)),
                ('needs_approval', models.BooleanField(default=False)),
                ('closed_countries', models.CharField(blank=True, max_length=1000)),
                ('floor_rate_micros', models.BigIntegerField(default=0)),
                ('held_rate_micros', models.BigIntegerField(blank=True, null=True)),
                ('pause_reason', models.CharField(blank=True, max_length=200)),
                ('category', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='services', to='catalogue.category')),
            ],
            options={
                'ordering': ['category__position', 'category_id', 'position', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('rate_micros__gt', 0)), name='service_rate_positive'), models.CheckConstraint(condition=models.Q(('min__gte', 1), ('max__gte', models.F('min'))), name='service_min_max')],
            },
        ),
        migrations.CreateModel(
            name='ExchangeRate',
            fields=[
                ('currency', models.CharField(max_length=5, primary_key=True, serialize=False)),
                ('base', models.BigIntegerField()),
                ('units', models.BigIntegerField(default=1)),
                ('source', models.CharField(blank=True, max_length=100)),
                ('is_followed', models.BooleanField(default=False)),
                ('dated', models.DateTimeField(null=True)),
                ('offered_base', models.BigIntegerField(null=True)),
                ('offered_units', models.BigIntegerField(null=True)),
                ('offered_dated', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('base__gt', 0), ('units__gt', 0)), name='exchange_rate_positive')],
            },
        ),
        migrations.CreateModel(
            name='ServicePace',
            fields=[
                ('service', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='pace', serialize=False, to='catalogue.service')),
                ('mean_seconds', models.BigIntegerField()),
                ('orders', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='PriceOverride',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rate_micros', models.BigIntegerField()),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='price_overrides', to='accounts.customer')),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='price_overrides', to='catalogue.service')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('customer', 'service'), name='one_override_per_customer_and_service'), models.CheckConstraint(condition=models.Q(('rate_micros__gt', 0)), name='override_rate_positive')],
            },
        ),
        migrations.CreateModel(
            name='Favourite',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='favourites', to='accounts.customer')),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalogue.service')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('customer', 'service'), name='one_favourite_per_customer_and_service')],
            },
        ),
        migrations.CreateModel(
            name='ServiceUpdate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('new', 'New'), ('price', 'Price'), ('limits', 'Limits'), ('paused', 'Paused'), ('back', 'Back')], max_length=8)),
                ('before', models.CharField(blank=True, max_length=100)),
                ('after', models.CharField(blank=True, max_length=100)),
                ('at', models.DateTimeField()),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='updates', to='catalogue.service')),
            ],
            options={
                'ordering': ['-id'],
            },
        ),
    ]
