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


class CandleDay(models.Model):
    """The bars of one UTC day of a market. A row a day: a plan reads weeks of them.

    ``bars``: ``[seconds after midnight, open, high, low, close, volume in base units]``, numbers as text, oldest
    first; a stretch without a trade, or that nobody recorded, has none.
    """

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="candle_days")
    symbol = models.CharField(max_length=40)
    seconds = models.PositiveIntegerField(help_text="length of a bar")
    day = models.DateField()
    bars = models.JSONField()
    #: Up to when the day was asked for: a bar after it is not known, one before it that is missing had no trade.
    known_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["venue", "symbol", "seconds", "day"], name="candles_once_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.seconds}s {self.day}"
