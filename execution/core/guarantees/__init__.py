"""The guarantees of each exchange about orders. The engine, the simulation and the paper exchange all read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from execution.core.guarantees import binance, bitget, bybit, coinbase, gate, kraken, kucoin, okx
from execution.core.guarantees.promise import (
    CancelBy,
    CreateAnswer,
    Guarantees,
    assumed,
)

GUARANTEES: Mapping[str, Guarantees] = MappingProxyType(
    {
        "binance": binance.GUARANTEES,
        "bitget": bitget.GUARANTEES,
        "bybit": bybit.GUARANTEES,
        "coinbase": coinbase.GUARANTEES,
        "gate": gate.GUARANTEES,
        "kraken": kraken.GUARANTEES,
        "kucoin": kucoin.GUARANTEES,
        "okx": okx.GUARANTEES,
    }
)

_NOBODY = "nobody has looked at this exchange"
#: For an unknown exchange: a create may arrive at any time, and nothing proves that an order does not exist.
UNKNOWN = Guarantees(
    shortest_window=assumed(None, _NOBODY),
    latest_arrival=assumed(None, _NOBODY),
    listing_delay=assumed(timedelta(seconds=60), _NOBODY),
    ended_kept=assumed(None, _NOBODY),
    cancelled_kept=assumed(None, _NOBODY),
    trades_kept=assumed(timedelta(days=1), _NOBODY),
    post_only=assumed(None, _NOBODY),
    create_answer=assumed(CreateAnswer.IDS, _NOBODY),
    cancel_by=assumed(CancelBy.EXCHANGE_ID, _NOBODY),
    open_orders=assumed(None, _NOBODY),
    streams_trades=assumed(False, _NOBODY),
    dead_mans_switch=assumed(None, _NOBODY),
)


def guarantees_of(exchange_id: str) -> Guarantees:
    """Return the guarantees of the exchange with this ccxt id. An unknown exchange gets the most cautious ones."""
    return GUARANTEES.get(exchange_id, UNKNOWN)
