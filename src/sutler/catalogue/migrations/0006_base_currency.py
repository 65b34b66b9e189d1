from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("catalogue", "0005_exact_exchange_rates"),
    ]

    operations = [
        migrations.CreateModel(
            "BaseCurrency",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=5)),
            ],
        ),
    ]
