"""Bars of which the venue told nothing that can be read."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("execution", "0013_sample_volume_unknown")]

    operations = [
        migrations.AddField("candleday", "unknown", models.JSONField(default=list)),
    ]
