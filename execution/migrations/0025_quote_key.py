"""The key that signs the market data in Redis, drawn for the installation that is there."""

from __future__ import annotations

from django.db import migrations, models

from execution.models.installation import random_quote_key


class Migration(migrations.Migration):
    dependencies = [("execution", "0024_over_at")]

    operations = [
        migrations.AddField(
            "installation",
            "quote_key",
            models.CharField(max_length=64, default=random_quote_key, editable=False),
        ),
    ]
