"""Requests for access that wait for a second person (docs/how-to/people.md)."""

from __future__ import annotations

import django.db.models.deletion
import execution.models.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('execution', '0026_journal_evidence'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='counts_until',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name='AccessRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', execution.models.fields.PublicIdField(default=execution.models.fields.draw_public_id, editable=False, max_length=8, unique=True)),
                ('kind', models.CharField(max_length=32)),
                ('subject', models.CharField(help_text='label or user name, as people read it', max_length=150)),
                ('target', models.CharField(help_text='what it would change; one waits for it at a time', max_length=200)),
                ('content', models.JSONField()),
                ('secret', models.BinaryField(blank=True, null=True)),
                ('changes', models.JSONField(help_text='names with what is and what would be, as people read them')),
                ('content_hash', models.CharField(help_text='SHA-256 of everything that is frozen, hex', max_length=64)),
                ('requested_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('reason', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('confirmed', 'Confirmed'), ('refused', 'Refused'), ('withdrawn', 'Withdrawn'), ('expired', 'Expired')], default='waiting', max_length=12)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('decision_reason', models.TextField(blank=True)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['requested_at'], name='access_request_waiting')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'waiting')), fields=('target',), name='access_request_one_waits_per_target'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'confirmed'), _negated=True), models.Q(('decided_by__isnull', False), models.Q(('decided_by', models.F('requested_by')), _negated=True)), _connector='OR'), name='access_request_has_two_people')],
            },
        ),
    ]
