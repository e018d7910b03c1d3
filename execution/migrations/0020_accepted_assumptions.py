"""Keep what an admin has accepted of the assumptions about a live account's exchange."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("execution", "0019_reservation")]

    operations = [
        migrations.AddField(
            "account",
            "accepted_assumptions",
            models.JSONField(blank=True, default=list, help_text="names of guarantees that are only assumed"),
        ),
    ]
