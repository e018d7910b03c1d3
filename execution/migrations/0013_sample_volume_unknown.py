"""A second's volume may be unknown, which is not zero."""

from __future__ import annotations

from django.db import migrations

import execution.models.fields


class Migration(migrations.Migration):
    dependencies = [("execution", "0012_market_sessions")]

    operations = [
        migrations.AlterField(
            "marketsample",
            "volume",
            execution.models.fields.ExactDecimalField(
                blank=True, help_text="base units traded; null: unknown", null=True
            ),
        ),
        migrations.AlterField(
            "marketsample",
            "notional",
            execution.models.fields.ExactDecimalField(
                blank=True, help_text="quote units traded; null: unknown", null=True
            ),
        ),
    ]
