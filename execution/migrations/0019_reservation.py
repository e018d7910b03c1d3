"""An index for what has ended on an account since its balance was told."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("execution", "0018_dead_mans_switch")]

    operations = [
        migrations.AddIndex(
            model_name="childorder",
            index=models.Index(fields=["account", "ended_at"], name="child_by_end"),
        ),
    ]
