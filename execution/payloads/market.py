"""The market while an order lives, for its page."""

from __future__ import annotations

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr
from execution.payloads.reports import CostSplit

#: Time, bid, ask, volume, notional of a second (or of a longer bucket in the past); null where it is not known.
Sample = tuple[int, DecimalStr | None, DecimalStr | None, DecimalStr | None, DecimalStr | None]


class MarketUpdate(TypedDict):
    """Samples since the last update, and what they say of the order."""

    samples: list[Sample]
    volume: DecimalStr | None
    vwap: DecimalStr | None
    vwap_bp: DecimalStr | None
    participation: DecimalStr | None
    split_bp: CostSplit
    #: ``OrderRow.waits`` of now.
    waits: str
