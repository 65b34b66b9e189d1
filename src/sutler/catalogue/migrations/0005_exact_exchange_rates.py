from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("catalogue", "0004_acceptable_use"),
    ]

    operations = [
        migrations.RemoveConstraint("exchangerate", "exchange_rate_positive"),
        migrations.RenameField("exchangerate", "worth_micros", "base"),
        # What was kept until now are millionths of the base currency for one unit.
        migrations.AddField(
            "exchangerate", "units", models.BigIntegerField(default=1_000_000), preserve_default=False
        ),
        migrations.AlterField("exchangerate", "units", models.BigIntegerField(default=1)),
        migrations.AddField("exchangerate", "source", models.CharField(blank=True, max_length=100, default=""), preserve_default=False),
        migrations.AlterField("exchangerate", "source", models.CharField(blank=True, max_length=100)),
        migrations.AddField("exchangerate", "is_followed", models.BooleanField(default=False)),
        migrations.AddField("exchangerate", "dated", models.DateTimeField(null=True)),
        migrations.AddField("exchangerate", "offered_base", models.BigIntegerField(null=True)),
        migrations.AddField("exchangerate", "offered_units", models.BigIntegerField(null=True)),
        migrations.AddField("exchangerate", "offered_dated", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "exchangerate",
            models.CheckConstraint(condition=models.Q(base__gt=0, units__gt=0), name="exchange_rate_positive"),
        ),
        migrations.CreateModel(
            "RateFetch",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField()),
                ("fetched_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("fault", models.CharField(blank=True, max_length=300)),
            ],
        ),
    ]
