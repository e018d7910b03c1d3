from __future__ import annotations

from django.db import models

from execution.models.orders import Order


class Estimate(models.Model):
    """The simulation's expected cost of an order, requested by a ticket or for an order that was sent.

    ``spec`` holds everything that the cost depends on (core/simulation/asking.py). ``result`` is null until it is
    computed, and holds a ``problem`` where it cannot be.
    """

    key = models.CharField(max_length=64, unique=True)
    spec = models.JSONField()
    #: The order that waits for it; its ``predicted`` is set once.
    order = models.ForeignKey(
        Order, null=True, blank=True, on_delete=models.CASCADE, related_name="estimates"
    )
    asked_at = models.DateTimeField()
    result = models.JSONField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.key
