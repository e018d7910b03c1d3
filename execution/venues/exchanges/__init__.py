"""The specs of the exchanges that the desk knows, by ccxt id.

For any other exchange cautious defaults and ccxt's own declarations are used. With these the desk may refuse to trade
on it.
"""

from __future__ import annotations

from collections.abc import Mapping

from execution.venues.exchanges import binance, bitget, bybit, coinbase, gate, kraken, kucoin, okx
from execution.venues.spec import ExchangeSpec

EXCHANGE_SPECS: Mapping[str, ExchangeSpec] = {
    "binance": binance.SPEC,
    "bybit": bybit.SPEC,
    "okx": okx.SPEC,
    "kraken": kraken.SPEC,
    "coinbase": coinbase.SPEC,
    "kucoin": kucoin.SPEC,
    "gate": gate.SPEC,
    "bitget": bitget.SPEC,
}


def spec_of(exchange_id: str) -> ExchangeSpec:
    """Return the exchange's spec, or the cautious defaults for an unknown exchange."""
    return EXCHANGE_SPECS.get(exchange_id, ExchangeSpec())
