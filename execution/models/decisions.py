from __future__ import annotations

from django.db import models

from execution.models.orders import Order


class DecisionContext(models.Model):
    """The inputs that many decisions of an order share: parameters, plan, forecast and market rules.

    There is one row for each version of these inputs. ``body`` is compressed JSON (core/orders/view_record.py).
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="decision_contexts")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the JSON")
    body = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "digest"], name="context_once")]

    def __str__(self) -> str:
        return f"{self.order.public_id} {self.digest[:8]}"


class DecisionRecord(models.Model):
    """The inputs of one decision that placed children. Append-only until retention deletes it.

    Each child's journal entry has the SHA-256 of ``body``, so the journal's hash chain also protects this row.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="decision_records")
    #: The decision placed ``children`` children. Their sequence numbers begin with this one.
    first_child = models.PositiveIntegerField()
    children = models.PositiveSmallIntegerField()
    context = models.ForeignKey(DecisionContext, on_delete=models.CASCADE, related_name="records")
    body = models.BinaryField()
    decided_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "first_child"], name="decision_record_once")]

    def __str__(self) -> str:
        return f"{self.order.public_id} child {self.first_child}"
