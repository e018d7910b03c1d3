from __future__ import annotations

from django.db import models

from execution.models.orders import Order


class Estimate(models.Model):
    """The cost that the simulation expects for an order that a ticket plans, or that was sent.

    ``spec`` holds everything that the cost depends on (core/simulation/asking.py). ``result`` is null until it is
    computed. It holds a ``problem`` if it cannot be computed.
    """

    key = models.CharField(max_length=64, unique=True)
    spec = models.JSONField()
    #: The order that waits for the result. Its ``predicted`` is set once from it.
    order = models.ForeignKey(
        Order, null=True, blank=True, on_delete=models.CASCADE, related_name="estimates"
    )
    asked_at = models.DateTimeField()
    result = models.JSONField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.key
