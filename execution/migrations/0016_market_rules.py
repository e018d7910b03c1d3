"""Markets have a status, a maximum notional and price bands."""

from __future__ import annotations

from django.db import migrations, models

from execution.models.fields import ExactDecimalField

NUMBERS = ("max_notional", "buy_band_low", "buy_band_high", "sell_band_low", "sell_band_high")


class Migration(migrations.Migration):
    dependencies = [("execution", "0015_balances_and_fees")]

    operations = [
        *(
            migrations.AddField("market", name, ExactDecimalField(null=True, blank=True))
            for name in NUMBERS
        ),
        # A row of before says nothing of it. The session that opens its account writes it within seconds.
        migrations.AddField("market", "status", models.CharField(max_length=16, default="open", help_text="what it takes now")),
        migrations.AddField("market", "status_word", models.CharField(max_length=60, blank=True, default="")),
    ]
