from __future__ import annotations

from django.db import models

from execution.models.fields import ExactDecimalField
from execution.models.venues import Venue


class MarketSample(models.Model):
    """One second of a market. It is recorded while the market has a live order, and for five minutes after that.

    The quote is the one at the end of the second. Volume and notional are both None until every trade of the second is
    known.
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


class VenueListing(models.Model):
    """The spot symbols that a venue's last list of markets had. It has a table of its own, because rows of venues are
    read with every order and the list of a large exchange is long.
    """

    venue = models.OneToOneField(Venue, on_delete=models.CASCADE, related_name="listing")
    symbols = models.JSONField(default=list)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{len(self.symbols)} symbols at {self.venue}"


class CandleDay(models.Model):
    """The candles of one UTC day of a market. They are in one row because a plan reads weeks of them.

    ``bars`` has ``[seconds after midnight, open, high, low, close, volume in base units]``, numbers as text, oldest
    first. Five minutes without a trade, or that were not recorded, have no bar. ``unknown`` has the seconds after
    midnight of candles that the venue lists in an unreadable form, or lists no longer. Their volume is not zero.
    """

    venue = models.ForeignKey(Venue, on_delete=models.CASCADE, related_name="candle_days")
    symbol = models.CharField(max_length=40)
    seconds = models.PositiveIntegerField(help_text="length of a bar")
    day = models.DateField()
    bars = models.JSONField()
    unknown = models.JSONField(default=list)
    #: The end of the last bar that was received. After it nothing is known. Before it, a bar that is missing and not
    #: in ``unknown`` had no trade.
    known_until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["venue", "symbol", "seconds", "day"], name="candles_once_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.seconds}s {self.day}"
