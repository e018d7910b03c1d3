"""The audit as a chain, the checks of all chains, and what each child was decided on."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from execution.core.journal import GENESIS, audit_entry, entry_hash


def chain_the_audit(apps, schema_editor):
    """Give the entries that are there their numbers and hashes, in the order in which they were written."""
    # There when this migration was undone before: the triggers are made at the end of every migration.
    on = " ON execution_auditentry" if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f"DROP TRIGGER IF EXISTS execution_auditentry_append_only{on}")
    entries = apps.get_model("execution", "AuditEntry").objects
    sequence, previous, after = 0, GENESIS, 0
    while rows := list(entries.filter(pk__gt=after).order_by("pk")[:500]):
        for row in rows:
            sequence += 1
            entry = audit_entry(sequence, row.kind, row.actor, row.subject, row.reason, row.data, row.at)
            previous = entry_hash(previous, entry)
            row.sequence, row.hash = sequence, previous
        entries.bulk_update(rows, ["sequence", "hash"])
        after = rows[-1].pk
    apps.get_model("execution", "ChainHead").objects.update_or_create(
        name="audit", defaults={"sequence": sequence, "hash": previous}
    )


class Migration(migrations.Migration):
    dependencies = [("execution", "0025_quote_key")]

    operations = [
        migrations.CreateModel(
            name="ChainHead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=16, unique=True)),
                ("sequence", models.PositiveBigIntegerField(default=0)),
                ("hash", models.CharField(default=GENESIS, max_length=64)),
            ],
        ),
        migrations.AddField("auditentry", "sequence", models.PositiveBigIntegerField(null=True)),
        migrations.AddField(
            "auditentry", "hash", models.CharField(default="", max_length=64), preserve_default=False
        ),
        migrations.RunPython(chain_the_audit, migrations.RunPython.noop),
        migrations.AlterField("auditentry", "sequence", models.PositiveBigIntegerField(unique=True)),
        migrations.CreateModel(
            name="JournalCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(db_index=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("held_until", models.DateTimeField(blank=True, null=True)),
                ("after_order", models.PositiveBigIntegerField(blank=True, null=True)),
                ("orders", models.PositiveBigIntegerField(default=0)),
                ("entries", models.PositiveBigIntegerField(default=0)),
                ("breaks", models.JSONField(blank=True, default=list)),
                ("broken", models.PositiveBigIntegerField(default=0, help_text="how many breaks there are")),
            ],
        ),
        migrations.CreateModel(
            name="DecisionContext",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(help_text="SHA-256 of the JSON", max_length=64)),
                ("body", models.BinaryField()),
                ("created_at", models.DateTimeField(db_index=True)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decision_contexts",
                        to="execution.order",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("order", "digest"), name="context_once")],
            },
        ),
        migrations.CreateModel(
            name="DecisionRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first_child", models.PositiveIntegerField()),
                ("children", models.PositiveSmallIntegerField()),
                ("body", models.BinaryField()),
                ("decided_at", models.DateTimeField(db_index=True)),
                (
                    "context",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="records",
                        to="execution.decisioncontext",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decision_records",
                        to="execution.order",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("order", "first_child"), name="decision_record_once")
                ],
            },
        ),
        migrations.AddIndex("journalentry", models.Index(fields=["at"], name="journal_by_time")),
        migrations.AddIndex("journalentry", models.Index(fields=["kind", "at"], name="journal_by_kind")),
        migrations.AddIndex(
            "journalentry",
            models.Index(
                condition=models.Q(("actor", "desk"), _negated=True) & models.Q(("actor", "venue"), _negated=True),
                fields=["actor", "at"],
                name="journal_by_person",
            ),
        ),
    ]
