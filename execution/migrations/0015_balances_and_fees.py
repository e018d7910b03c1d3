"""Balances that an exchange does not tell, and trades that are charged in several currencies."""

from __future__ import annotations

from django.db import migrations, models

import execution.models.fields


class Migration(migrations.Migration):
    dependencies = [("execution", "0014_unknown_bars")]

    operations = [
        migrations.AlterField(
            "balance", "free", execution.models.fields.ExactDecimalField(blank=True, null=True)
        ),
        migrations.AlterField(
            "balance", "locked", execution.models.fields.ExactDecimalField(blank=True, null=True)
        ),
        migrations.AddField(
            "fill",
            "more_fees",
            models.JSONField(
                blank=True,
                default=list,
                help_text="what was charged in other currencies beside: currency and amount as text, each",
            ),
        ),
        migrations.AlterField(
            "fill",
            "fee_in_quote",
            execution.models.fields.ExactDecimalField(
                blank=True, help_text="all of it; null: a rate is not known", null=True
            ),
        ),
    ]
