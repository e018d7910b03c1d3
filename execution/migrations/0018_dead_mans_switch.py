"""Accounts that are the desk's alone, and how the dead-man's switch of their exchange stands."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("execution", "0017_symbols_in_doubt")]

    operations = [
        migrations.AddField(
            "account",
            "is_exclusive",
            models.BooleanField(
                default=False,
                help_text="Nobody but the desk has orders here: a dead-man's switch may cancel them all",
            ),
        ),
        migrations.AddField("account", "switch_until", models.DateTimeField(null=True, blank=True)),
        migrations.AddField(
            "account",
            "switch_error",
            models.TextField(blank=True, default="", help_text="why the switch could not be armed, renewed or taken back"),
            preserve_default=False,
        ),
    ]
