"""The dialects that one paper exchange speaks, and where they differ for an owner of orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from execution.paper.coinbase.signing import private_pem
from execution.paper.kraken.names import trade_txid
from tests.venues.stub import options_for

PASSPHRASE = "the-passphrase"
#: One that every dialect takes: kraken's are base64.
SECRET = "dGhlLXNlY3JldA=="


def okx_options(base: str) -> dict[str, Any]:
    """Return a venue's options for the okx dialect at ``base``."""
    websocket = base.replace("http://", "ws://")
    return {"timeout_on_exit": 10, "urls": {"api": {"rest": base, "ws": f"{websocket}/ws/v5"}}}


def kraken_options(base: str) -> dict[str, Any]:
    """Return a venue's options for the kraken dialect at ``base``."""
    websocket = base.replace("http://", "ws://")
    streams = {name: f"{websocket}/kraken/{name}/v2" for name in ("public", "private")}
    ws = {"publicV2": streams["public"], "privateV2": streams["private"]}
    return {"timeout_on_exit": 10, "urls": {"api": {"public": base, "private": base, "ws": ws}}}


def kraken_trade_id(trade: Mapping[str, Any]) -> str:
    return trade_txid(trade["order_id"], trade["id"])


def coinbase_options(base: str) -> dict[str, Any]:
    """Return a venue's options for the coinbase dialect at ``base``."""
    websocket = base.replace("http://", "ws://")
    return {"timeout_on_exit": 10, "urls": {"api": {"rest": base, "ws": f"{websocket}/advanced-trade-ws"}}}


@dataclass(frozen=True)
class Dialect:
    """``tells_state``: answers to creates and cancels carry the order's state, the former its fills too.

    ``refuses_taking``: a post-only order that would take is refused, where okx takes it and ends it at once.
    ``tells_permissions``: what a key may do. ``tells_maximums``: the largest quantity and value of an order.
    ``charges_base``: a buy's fee is in base, where kraken's and coinbase's come on top, in quote.
    ``bounds_creates``: a create that arrives late is refused, because it can be given a time until when it counts.
    ``tells_partial_fills``: its stream tells the order's state with a fill that leaves some of it open.
    ``trade_id``: its name of a trade in the exchange's own books.
    ``secret``: what signs for a secret of ``accounts.json``.
    ``streams_trades``: its stream tells trades of ours. ``cancels_by_client_id``: our id does for a cancel.
    ``tells_expired``: a request that is too old is told apart from one with a wrong key.
    ``refuses_duplicates``: of a second create with an id, where coinbase returns the order that is there.
    ``sizes_market_buys_in_base``: it takes a market buy as the desk sizes it.
    """

    exchange: str
    options: Callable[[str], dict[str, Any]]
    passphrase: str | None
    tells_state: bool
    refuses_taking: bool
    tells_permissions: bool = True
    tells_maximums: bool = True
    charges_base: bool = True
    bounds_creates: bool = True
    tells_partial_fills: bool = True
    trade_id: Callable[[Mapping[str, Any]], str] = lambda trade: str(trade["id"])
    secret: Callable[[str], str] = str
    streams_trades: bool = True
    tells_expired: bool = True
    refuses_duplicates: bool = True
    cancels_by_client_id: bool = True
    sizes_market_buys_in_base: bool = True


BINANCE = Dialect("binance", options_for, None, True, True)
OKX = Dialect("okx", okx_options, PASSPHRASE, False, False)
KRAKEN = Dialect(
    "kraken", kraken_options, None, False, True, tells_permissions=False, tells_maximums=False,
    charges_base=False, tells_partial_fills=False, trade_id=kraken_trade_id,
)  # fmt: skip
COINBASE = Dialect(
    "coinbase", coinbase_options, None, False, True, secret=private_pem, charges_base=False,
    streams_trades=False, bounds_creates=False, tells_expired=False, refuses_duplicates=False,
    cancels_by_client_id=False, sizes_market_buys_in_base=False,
)  # fmt: skip
DIALECTS = {dialect.exchange: dialect for dialect in (BINANCE, OKX, KRAKEN, COINBASE)}
