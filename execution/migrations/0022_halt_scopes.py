"""Halts of an algorithm and of one order."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


def _names_its_scope() -> models.Q:
    named = {
        "account": models.Q(account__isnull=False),
        "trader": models.Q(trader__isnull=False),
        "symbol": ~models.Q(symbol=""),
        "algorithm": ~models.Q(algorithm=""),
        "order": models.Q(order__isnull=False),
    }
    condition = models.Q()
    for scope in ("desk", *named):
        only = models.Q(scope=scope)
        for name, is_named in named.items():
            only &= is_named if name == scope else ~is_named
        condition |= only
    return condition


class Migration(migrations.Migration):
    dependencies = [("execution", "0021_limits")]

    operations = [
        migrations.RemoveConstraint("halt", "halt_names_its_scope"),
        migrations.AddField("halt", "algorithm", models.CharField(blank=True, max_length=16)),
        migrations.AddField(
            "halt",
            "order",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="own_halts",
                to="execution.order",
            ),
        ),
        migrations.AlterField(
            "halt",
            "scope",
            models.CharField(
                choices=[
                    ("desk", "The desk"),
                    ("account", "An account"),
                    ("trader", "A trader"),
                    ("symbol", "A symbol"),
                    ("algorithm", "An algorithm"),
                    ("order", "An order"),
                ],
                max_length=9,
            ),
        ),
        migrations.AddConstraint(
            "halt",
            models.CheckConstraint(name="halt_names_its_scope", condition=_names_its_scope()),
        ),
    ]
