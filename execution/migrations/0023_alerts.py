"""Alerts with their subjects, the signals that raise some, the channels out of the desk and the queue of deliveries."""

import django.db.models.deletion
import execution.models.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('execution', '0022_halt_scopes'),
    ]

    operations = [
        migrations.CreateModel(
            name='AlertChannel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', execution.models.fields.PublicIdField(default=execution.models.fields.draw_public_id, editable=False, max_length=8, unique=True)),
                ('label', models.CharField(max_length=40, unique=True)),
                ('type', models.CharField(choices=[('signed', 'Signed webhook'), ('webhook', 'Webhook'), ('mail', 'Mail'), ('slack', 'Slack'), ('telegram', 'Telegram')], max_length=8)),
                ('takes', models.CharField(choices=[('everything', 'everything'), ('alerts', 'alerts'), ('escalations', 'escalations')], max_length=12)),
                ('least', models.CharField(choices=[('warning', 'Warning'), ('critical', 'Critical')], help_text='the lowest severity that it takes', max_length=8)),
                ('shown', models.CharField(max_length=120)),
                ('sealed', models.BinaryField()),
                ('is_active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField()),
                ('delivered_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.TextField(blank=True)),
                ('error_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='AlertWatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('singleton', models.BooleanField(default=True, editable=False, unique=True)),
                ('holder', models.CharField(blank=True, max_length=32)),
                ('held_until', models.DateTimeField(blank=True, null=True)),
                ('watched_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name='installation',
            name='alert_sealing_key',
            field=models.TextField(blank=True, default=''),
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', execution.models.fields.PublicIdField(default=execution.models.fields.draw_public_id, editable=False, max_length=8, unique=True)),
                ('kind', models.CharField(choices=[('behind_schedule', 'Behind schedule'), ('child_unknown', 'Child unknown for too long'), ('refusals', 'Refusals in a row'), ('market_data_stale', 'Market data stale'), ('account_down', 'Exchange or account down'), ('overfill', 'Overfill'), ('late_fill', 'Late fill'), ('engine_lost', 'Engine lost'), ('engine_failing', 'Part of an engine fails'), ('difference', 'Difference from a venue'), ('order_paused', 'Order waits for a person'), ('disk_low', 'Disk nearly full'), ('limit_near', 'Limit nearly reached'), ('limit_broken', 'Limit broken'), ('approval_waiting', 'Order waits for approval'), ('journal_broken', 'Journal broken')], max_length=20)),
                ('severity', models.CharField(choices=[('warning', 'Warning'), ('critical', 'Critical')], max_length=8)),
                ('group_key', models.CharField(max_length=120)),
                ('text', models.TextField(help_text='what the newest of its subjects says')),
                ('count', models.PositiveIntegerField(default=0, help_text='subjects that it has had')),
                ('raised_at', models.DateTimeField()),
                ('waits_since', models.DateTimeField()),
                ('last_at', models.DateTimeField(help_text='when its newest subject came')),
                ('acknowledged_at', models.DateTimeField(blank=True, null=True)),
                ('note', models.TextField(blank=True)),
                ('escalated_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('events', models.PositiveIntegerField(default=0)),
                ('told_at', models.DateTimeField()),
                ('told_count', models.PositiveIntegerField(default=0)),
                ('acknowledged_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('trader', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alerts', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='AlertDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.CharField(help_text='the same at each attempt, and on every channel', max_length=40)),
                ('event', models.CharField(choices=[('raised', 'raised'), ('grew', 'grew'), ('escalated', 'escalated'), ('acknowledged', 'acknowledged'), ('owned', 'owned'), ('ended', 'ended'), ('test', 'test')], max_length=12)),
                ('body', models.JSONField()),
                ('created_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('given_up_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.TextField(blank=True)),
                ('alert', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='execution.alert')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='execution.alertchannel')),
            ],
        ),
        migrations.CreateModel(
            name='AlertSignal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('behind_schedule', 'Behind schedule'), ('child_unknown', 'Child unknown for too long'), ('refusals', 'Refusals in a row'), ('market_data_stale', 'Market data stale'), ('account_down', 'Exchange or account down'), ('overfill', 'Overfill'), ('late_fill', 'Late fill'), ('engine_lost', 'Engine lost'), ('engine_failing', 'Part of an engine fails'), ('difference', 'Difference from a venue'), ('order_paused', 'Order waits for a person'), ('disk_low', 'Disk nearly full'), ('limit_near', 'Limit nearly reached'), ('limit_broken', 'Limit broken'), ('approval_waiting', 'Order waits for approval'), ('journal_broken', 'Journal broken')], max_length=20)),
                ('subject', models.CharField(blank=True, max_length=120)),
                ('text', models.TextField()),
                ('scope', models.CharField(blank=True, max_length=80)),
                ('at', models.DateTimeField()),
                ('order', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='execution.order')),
            ],
        ),
        migrations.CreateModel(
            name='AlertSubject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=120)),
                ('text', models.TextField()),
                ('at', models.DateTimeField()),
                ('gone_at', models.DateTimeField(blank=True, null=True)),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subjects', to='execution.alert')),
                ('order', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='execution.order')),
            ],
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['-raised_at'], name='alert_by_time'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('group_key',), name='alert_open_once_per_group'),
        ),
        migrations.AddIndex(
            model_name='alertdelivery',
            index=models.Index(condition=models.Q(('given_up_at', None), ('sent_at', None)), fields=['due_at'], name='alert_delivery_waiting'),
        ),
        migrations.AddConstraint(
            model_name='alertdelivery',
            constraint=models.UniqueConstraint(fields=('channel', 'event_id'), name='alert_delivery_once_per_event'),
        ),
        migrations.AddConstraint(
            model_name='alertsubject',
            constraint=models.UniqueConstraint(fields=('alert', 'key'), name='alert_subject_once'),
        ),
    ]
