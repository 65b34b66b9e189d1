from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('fulfilment', '0003_provider_task'),
    ]

    operations = [
        migrations.AddField(
            model_name='orphan',
            name='remains',
            field=models.BigIntegerField(null=True),
        ),
    ]
