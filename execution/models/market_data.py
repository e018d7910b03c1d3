from __future__ import annotations

from django.db import models

from execution.models.fields import ExactDecimalField
from execution.models.venues import Venue


class MarketSample(models.Model):
    """A second of a market, while an order lives in it and five minutes after."""

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="samples")
    symbol = models.CharField(max_length=40)
    second = models.DateTimeField()
    bid = ExactDecimalField(null=True, blank=True)
    ask = ExactDecimalField(null=True, blank=True)
    volume = ExactDecimalField(default=0, help_text="base units traded in this second")
    notional = ExactDecimalField(default=0, help_text="quote units traded in this second")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["venue", "symbol", "second"], name="sample_once_per_second")
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.second:%H:%M:%S}"


class Candle(models.Model):
    """A bar of a market's history; ``opened_at`` is its start."""

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="candles")
    symbol = models.CharField(max_length=40)
    seconds = models.PositiveIntegerField(help_text="length of the bar")
    opened_at = models.DateTimeField()
    open = ExactDecimalField()
    high = ExactDecimalField()
    low = ExactDecimalField()
    close = ExactDecimalField()
    volume = ExactDecimalField(help_text="base units")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["venue", "symbol", "seconds", "opened_at"], name="candle_once_per_bar"
            )
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.seconds}s {self.opened_at:%Y-%m-%d %H:%M}"
