"""The options by which an account reaches a paper exchange, in each of its dialects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from execution.launcher.bootstrap import paper_options
from execution.paper.kraken.names import trade_txid


def okx_options(port: int) -> dict[str, Any]:
    return {"urls": {"api": {"rest": f"http://127.0.0.1:{port}", "ws": f"ws://127.0.0.1:{port}/ws/v5"}}}


def coinbase_options(port: int) -> dict[str, Any]:
    http, ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/advanced-trade-ws"
    return {"urls": {"api": {"rest": http, "ws": ws}}}


def kraken_options(port: int) -> dict[str, Any]:
    """Return the options of an account of kraken's highest tier, which paper accounts have."""
    http, ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/kraken"
    streams = {"publicV2": f"{ws}/public/v2", "privateV2": f"{ws}/private/v2"}
    return {"urls": {"api": {"public": http, "private": http, "ws": streams}}, "options": {"tier": "pro"}}


OPTIONS: dict[str, Callable[[int], dict[str, Any]]] = {
    "binance": paper_options,
    "coinbase": coinbase_options,
    "kraken": kraken_options,
    "okx": okx_options,
}


def str_id(trade: Mapping[str, Any]) -> str:
    return str(trade["id"])


#: The id of a trade of the paper exchange's ledger, for dialects with trade ids of their own.
TRADE_IDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "kraken": lambda trade: trade_txid(trade["order_id"], trade["id"]),
}
