import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('books', '0002_provider_accounts'),
    ]

    operations = [
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
    ]
