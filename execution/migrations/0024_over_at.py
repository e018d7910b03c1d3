"""Keep when the exchange reported a child's end, which may be before its trades are recorded."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("execution", "0023_alerts")]

    operations = [
        migrations.AddField("childorder", "over_at", models.DateTimeField(blank=True, null=True)),
    ]
