"""A venue's markets are watched by one worker's session, apart from its accounts."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("execution", "0011_reconciliation_polls")]

    operations = [
        migrations.AddField("venue", "market_fence", models.PositiveBigIntegerField(default=0)),
        migrations.AddField(
            "venue",
            "market_owner",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="venues",
                to="execution.worker",
            ),
        ),
    ]
