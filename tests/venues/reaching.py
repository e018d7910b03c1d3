"""Clients of each exchange in each environment, and hand-written tables of which hosts are whose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yarl

from execution.core.account_options import WITHOUT_TEST_NETWORK
from execution.core.addresses import Network
from execution.venues.client import open_client
from execution.venues.exchanges import EXCHANGE_SPECS
from execution.venues.options import is_closed
from tests.venues.stub import addresses_of

EXCHANGES = sorted(EXCHANGE_SPECS)
PAPER = Network("paper", paper_hosts=frozenset({"paper.example.com"}))
TESTNET, LIVE = Network("testnet"), Network("live", proxy_hosts=frozenset({"proxy.example.com"}))
WITH_TEST_NETWORK = sorted(set(EXCHANGES) - WITHOUT_TEST_NETWORK)

#: Written by hand from the exchanges' documentation, so that the test does not ask the code what is right: the ends
#: of the names of live hosts, and of test hosts. Where they share one a header makes the difference.
LIVE_ENDS = {
    "binance": ("binance.com",),
    "bybit": ("bybit.com", "bytick.com", "bybit.nl", "bybit.com.hk"),
    "okx": ("okx.com",),
    "kraken": ("kraken.com", "kraken.zendesk.com"),
    "coinbase": ("coinbase.com",),
    "kucoin": ("kucoin.com",),
    "gate": ("gateio.ws", "gate.io", "gateio.live"),
    "bitget": ("bitget.com",),
}
TEST_WORDS = ("testnet", "demo", "binancefuture", "wspap")
SHARED = {"okx": "https://www.okx.com", "bitget": "https://api.bitget.com"}


def opened(exchange: str, options: Mapping[str, Any], network: Network) -> Any:
    return open_client(
        exchange_id=exchange,
        options=options,
        api_key="the-key",
        secret="dGhlLXNlY3JldDEy",
        passphrase="the-passphrase",
        timeout=1,
        network=network,
    )


def leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, Mapping):
        for inner in tree.values():
            yield from leaves(inner)
    else:
        yield tree


def resolved(client: Any) -> list[str]:
    """Return every address of a client that is not closed."""
    return [client.implode_hostname(leaf) for leaf in leaves(client.urls["api"]) if not is_closed(leaf)]


def everything_at(exchange: str, address: str) -> dict[str, Any]:
    """Return options that put every address of the exchange there."""

    def moved(tree: Any) -> Any:
        return {name: moved(inner) for name, inner in tree.items()} if isinstance(tree, Mapping) else address

    return {"urls": {"api": moved(addresses_of(exchange))}}


def fits(exchange: str, address: str, network: Network) -> bool:
    """Return whether the address is of the environment, by the tables of this file."""
    url = yarl.URL(address)
    host = url.host or ""
    if network.environment == "paper":
        return host in {"127.0.0.1", "::1", "localhost", *network.paper_hosts}
    is_test = any(word in host for word in TEST_WORDS)
    if network.environment == "testnet":
        return is_test or address.startswith(SHARED.get(exchange, "nowhere"))
    ends = LIVE_ENDS[exchange]
    is_own = host in ends or host.endswith(tuple(f".{end}" for end in ends))
    return is_own and not is_test and url.scheme in {"https", "wss"}
