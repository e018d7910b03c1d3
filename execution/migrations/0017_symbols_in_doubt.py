"""An account is in doubt symbol by symbol, and says why its private stream was reconnected."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("execution", "0016_market_rules")]

    operations = [
        migrations.AddField("account", "symbols_read", models.JSONField(default=dict, blank=True)),
        migrations.AddField("account", "symbols_unread", models.JSONField(default=dict, blank=True)),
        migrations.AddField("account", "stream_suspicion", models.TextField(blank=True, default="")),
        migrations.AddField("account", "stream_suspected_at", models.DateTimeField(null=True, blank=True)),
        migrations.AlterField(
            "difference",
            "kind",
            models.CharField(
                max_length=16,
                choices=[
                    ("foreign", "foreign order"),
                    ("orphan", "our mark, no child"),
                    ("open_there", "open there, final here"),
                    ("gone_there", "open here, not known there"),
                    ("lost_trade", "trade without a child"),
                    ("missing_fills", "reported, trades missing"),
                    ("unreadable", "of others, unreadable"),
                ],
            ),
        ),
    ]
