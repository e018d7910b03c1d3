"""A child that may have been sent has a status of its own. Until now that was a column beside the status."""

from django.db import migrations, models

STATUSES = [
    "pending_submit",
    "submitted",
    "open",
    "partly_filled",
    "cancelling",
    "unknown",
    "filled",
    "cancelled",
    "rejected",
    "expired",
    "absent",
]


def name_the_states(apps, schema_editor):
    children = apps.get_model("execution", "ChildOrder").objects.filter(status="intended")
    children.exclude(submitted_at=None).update(status="submitted")
    children.filter(submitted_at=None).update(status="pending_submit")


def name_the_former_state(apps, schema_editor):
    children = apps.get_model("execution", "ChildOrder").objects
    children.filter(status__in=["pending_submit", "submitted"]).update(status="intended")


class Migration(migrations.Migration):
    dependencies = [("execution", "0009_faults")]

    operations = [
        migrations.RenameField("childorder", "taken_at", "submitted_at"),
        migrations.RenameField("childorder", "taken_fence", "submitted_fence"),
        migrations.RunPython(name_the_states, name_the_former_state),
        migrations.AlterField(
            model_name="childorder",
            name="status",
            field=models.CharField(choices=[(status, status.replace("_", " ")) for status in STATUSES], max_length=16),
        ),
        migrations.AddConstraint(
            model_name="childorder",
            constraint=models.CheckConstraint(
                condition=~models.Q(status="pending_submit", submitted_at__isnull=False)
                & ~models.Q(status="submitted", submitted_at=None),
                name="child_submitted_with_its_time",
            ),
        ),
    ]
