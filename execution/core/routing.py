"""Where a slice goes: the account at which its quantity costs least after fees."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from execution.core.types import ZERO, Quote
from execution.core.view import MAX_QUOTE_AGE


def reference_quote(quotes: Iterable[Quote], now: datetime) -> Quote | None:
    """One bid and ask for several venues: the best of either side among the fresh and sane quotes.

    Best bids and asks of different venues may cross, which is normal. Then they are no quote, and the means
    of the bids and of the asks stand for them: never crossed, and their mid is the mean of the venues' mids.
    """
    usable = [quote for quote in quotes if quote.is_sane and now - quote.at <= MAX_QUOTE_AGE]
    if not usable:
        return None
    bid, ask = max(usable, key=lambda quote: quote.bid), min(usable, key=lambda quote: quote.ask)
    at = min(quote.at for quote in usable)
    if len(usable) == 1 or bid.bid < ask.ask:
        return Quote(bid.bid, ask.ask, bid.bid_size, ask.ask_size, at)
    count = len(usable)
    mean_bid = sum((quote.bid for quote in usable), ZERO) / count
    mean_ask = sum((quote.ask for quote in usable), ZERO) / count
    return Quote(mean_bid, mean_ask, None, None, at)
