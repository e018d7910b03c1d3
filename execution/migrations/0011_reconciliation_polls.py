"""An account's looks are polls."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("execution", "0010_submitted")]

    operations = [
        migrations.RenameField("account", "looked_at", "polled_at"),
        migrations.RenameField("account", "look_wanted_at", "poll_requested_at"),
        migrations.AlterField(
            "account",
            "failures",
            models.PositiveIntegerField(default=0, help_text="failed calls since the last successful poll"),
        ),
    ]
