from __future__ import annotations

from django.db import models

from execution.models.fields import ExactDecimalField
from execution.models.venues import Venue


class MarketSample(models.Model):
    """One second of a market, recorded while an order is live in it and five minutes after.

    The quote is that of the second's end. Volume and notional are known when every trade of the second is; None is
    unknown, for both.
    """

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="samples")
    symbol = models.CharField(max_length=40)
    second = models.DateTimeField()
    bid = ExactDecimalField(null=True, blank=True)
    ask = ExactDecimalField(null=True, blank=True)
    volume = ExactDecimalField(null=True, blank=True, help_text="base units traded; null: unknown")
    notional = ExactDecimalField(null=True, blank=True, help_text="quote units traded; null: unknown")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["venue", "symbol", "second"], name="sample_once_per_second")
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.second:%H:%M:%S}"


class CandleDay(models.Model):
    """The candles of one UTC day of a market. One row holds a day, because a plan reads weeks of them.

    ``bars``: ``[seconds after midnight, open, high, low, close, volume in base units]``, numbers as text, oldest
    first. A stretch without a trade, or that was not recorded, has none. ``unknown``: seconds after midnight of
    candles that the venue lists in an unreadable form, or no longer listed. Their volume is not zero.
    """

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="candle_days")
    symbol = models.CharField(max_length=40)
    seconds = models.PositiveIntegerField(help_text="length of a bar")
    day = models.DateField()
    bars = models.JSONField()
    unknown = models.JSONField(default=list)
    #: When the last bar that came had ended: of one after it nothing is known, one before it that is missing, and
    #: not unknown, had no trade.
    known_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["venue", "symbol", "seconds", "day"], name="candles_once_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.seconds}s {self.day}"
