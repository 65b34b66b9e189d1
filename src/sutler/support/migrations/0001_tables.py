import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    # The migrations that were made before: a panel that has had them all needs nothing of this.
    replaces = [
        ('support', '0001_initial'),
    ]

    dependencies = [
        ('accounts', '0001_tables'),
        ('orders', '0001_tables'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Announcement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200)),
                ('text', models.TextField(blank=True)),
                ('level', models.CharField(choices=[('info', 'Info'), ('success', 'Success'), ('warning', 'Warning'), ('danger', 'Danger')], default='info', max_length=10)),
                ('shown_from', models.DateTimeField()),
                ('shown_until', models.DateTimeField(null=True)),
                ('written_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Ticket',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reporter_email', models.EmailField(blank=True, max_length=254)),
                ('reporter_address', models.CharField(blank=True, max_length=45)),
                ('subject', models.CharField(max_length=200)),
                ('category', models.CharField(choices=[('order', 'Order'), ('payment', 'Payment'), ('api', 'Api'), ('report', 'Report'), ('other', 'Other')], default='other', max_length=10)),
                ('state', models.CharField(choices=[('open', 'Open'), ('answered', 'Answered'), ('closed', 'Closed')], default='open', max_length=10)),
                ('priority', models.PositiveSmallIntegerField(choices=[(1, 'Low'), (2, 'Normal'), (3, 'High')], default=2)),
                ('opened_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('last_message_id', models.BigIntegerField(default=0)),
                ('unread_by_customer', models.BooleanField(default=False)),
                ('unread_by_staff', models.BooleanField(default=True)),
                ('assignee', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('customer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='accounts.customer')),
            ],
            options={
                'indexes': [models.Index(fields=['customer', 'last_message_id'], name='ticket_of_customer'), models.Index(fields=['last_message_id'], name='ticket_by_last_message'), models.Index(fields=['state', 'last_message_id'], name='ticket_by_state'), models.Index(condition=models.Q(('customer', None)), fields=['reporter_address', 'opened_at'], name='ticket_reports')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('customer__isnull', False), ('reporter_email', '')), models.Q(('customer', None), models.Q(('reporter_email', ''), _negated=True)), _connector='OR'), name='ticket_of_customer_or_reporter')],
            },
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('customer', 'Customer'), ('reporter', 'Reporter'), ('staff', 'Staff'), ('note', 'Note')], max_length=10)),
                ('text', models.TextField()),
                ('at', models.DateTimeField()),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='support.ticket')),
            ],
        ),
        migrations.CreateModel(
            name='TicketOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='orders.order')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='orders', to='support.ticket')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('ticket', 'order'), name='order_tied_once')],
            },
        ),
    ]
