"""Trading limits and approvals by another person, and an index for the rate at which children are sent."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import execution.models.fields

PERSON = {
    "blank": True,
    "null": True,
    "on_delete": django.db.models.deletion.PROTECT,
    "to": settings.AUTH_USER_MODEL,
}
PUBLIC_ID = {
    "default": execution.models.fields.draw_public_id,
    "editable": False,
    "max_length": 8,
    "unique": True,
}
KINDS = (
    *("order_quantity", "order_notional", "open_notional", "daily_notional", "volume_share", "collar"),
    *("hour_move", "arrival_move", "message_rate", "refusals"),
)


def _key() -> models.Field:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


def _choices(*names: str) -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in names]


class Migration(migrations.Migration):
    dependencies = [("execution", "0020_accepted_assumptions")]

    operations = [
        migrations.CreateModel(
            name="OrderApproval",
            fields=[
                ("id", _key()),
                ("public_id", execution.models.fields.PublicIdField(**PUBLIC_ID)),
                ("changes", models.JSONField(blank=True, null=True)),
                ("change_words", models.TextField(blank=True)),
                ("change_reason", models.TextField(blank=True)),
                ("terms_version", models.PositiveIntegerField(help_text="the version that it is about")),
                ("kinds", models.JSONField(default=list)),
                (
                    "state",
                    models.CharField(
                        choices=_choices("waiting", "approved", "refused", "expired", "withdrawn"),
                        db_index=True,
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.TextField(blank=True, help_text="of whoever decided")),
                ("decided_by", models.ForeignKey(**PERSON, related_name="+")),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
                        to="execution.order",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")),
                        fields=("order",),
                        name="approval_waits_once_per_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(decided_by=None)
                        | ~models.Q(state="approved")
                        | ~models.Q(decided_by=models.F("requested_by")),
                        name="approval_by_another_person",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="TradingLimit",
            fields=[
                ("id", _key()),
                ("public_id", execution.models.fields.PublicIdField(**PUBLIC_ID)),
                ("key", models.CharField(editable=False, max_length=160)),
                ("kind", models.CharField(choices=_choices(*KINDS), max_length=20)),
                (
                    "scope",
                    models.CharField(choices=_choices("desk", "trader", "account", "symbol"), max_length=8),
                ),
                ("symbol", models.CharField(blank=True, max_length=40)),
                (
                    "subject",
                    models.CharField(
                        blank=True, help_text="name of what it bounds; empty: the desk", max_length=150
                    ),
                ),
                ("level", models.CharField(choices=_choices("hard", "approval", "soft"), max_length=8)),
                ("value", execution.models.fields.ExactDecimalField()),
                (
                    "currency",
                    models.CharField(
                        blank=True, help_text="of a notional or a quantity", max_length=20
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("set_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="limits",
                        to="execution.account",
                    ),
                ),
                ("ended_by", models.ForeignKey(**PERSON, related_name="+")),
                ("set_by", models.ForeignKey(**PERSON, related_name="+")),
                ("trader", models.ForeignKey(**PERSON, related_name="limits")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)), fields=("key",), name="limit_in_force_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(scope="desk", account=None, trader=None, symbol="")
                        | models.Q(scope="account", account__isnull=False, trader=None, symbol="")
                        | models.Q(scope="trader", account=None, trader__isnull=False, symbol="")
                        | (models.Q(scope="symbol", account=None, trader=None) & ~models.Q(symbol="")),
                        name="limit_names_its_scope",
                    ),
                ]
            },
        ),
        migrations.AddIndex(
            "childorder", models.Index(fields=["submitted_at"], name="child_by_submit")
        ),
    ]
