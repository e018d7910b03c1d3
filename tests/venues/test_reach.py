"""What a client of ccxt may reach: every exchange of the table, every environment, every way of lying."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any
from unittest import mock

import pytest
import yarl
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.account_options import WITHOUT_TEST_NETWORK
from execution.core.addresses import Network, Origin
from execution.core.types import CancelFailed, OrderRef, Rejected, Unknown
from execution.venues.client import client_class, open_client
from execution.venues.exchanges import exchange_class
from execution.venues.gateway import CcxtGateway, open_gateway
from execution.venues.options import is_closed
from execution.venues.protocol import LookFailed
from execution.venues.quirks import QUIRKS
from execution.venues.reach import ALLOWED_PROXIES, OTHER_PROXIES, AddressRefused, reach_of
from tests.core.option_trees import SHAPED
from tests.venues.conftest import SYMBOL, VALID, Stub, addresses_of, limit_order, now, options_for, serving

EXCHANGES = sorted(QUIRKS)
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
    """Every address of a client that is not closed."""
    return [client.implode_hostname(leaf) for leaf in leaves(client.urls["api"]) if not is_closed(leaf)]


def everything_at(exchange: str, address: str) -> dict[str, Any]:
    """Options that put every address of the exchange there."""

    def moved(tree: Any) -> Any:
        return {name: moved(inner) for name, inner in tree.items()} if isinstance(tree, Mapping) else address

    return {"urls": {"api": moved(addresses_of(exchange))}}


def fits(exchange: str, address: str, network: Network) -> bool:
    """Whether the address is of the environment, by the tables of this file."""
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


# --- what each environment may have ---------------------------------------------------------------


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_paper_installation_reaches_this_machine_and_nothing_else(exchange: str) -> None:
    client = opened(exchange, everything_at(exchange, "http://127.0.0.1:1"), PAPER)
    assert set(resolved(client)) == {"http://127.0.0.1:1"}
    assert opened(exchange, everything_at(exchange, "https://paper.example.com/api"), PAPER)
    for options in ({}, {"sandbox": True}, {"hostname": "bybit.com"}, {"httpsProxy": "http://127.0.0.1:1"}):
        with pytest.raises(ValueError, match="this is a paper installation"):
            opened(exchange, options, PAPER)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_live_installation_reaches_the_exchange_as_ccxt_ships_it(exchange: str) -> None:
    client = opened(exchange, {}, LIVE)
    assert resolved(client)
    assert [address for address in resolved(client) if not fits(exchange, address, LIVE)] == []


@pytest.mark.parametrize("exchange", WITH_TEST_NETWORK)
def test_a_testnet_installation_reaches_the_test_hosts(exchange: str) -> None:
    client = opened(exchange, {"sandbox": True}, TESTNET)
    assert resolved(client)
    assert [address for address in resolved(client) if not fits(exchange, address, TESTNET)] == []
    streams = [address for address in resolved(client) if address.startswith("wss")]
    assert streams
    assert all(any(word in address for word in TEST_WORDS) for address in streams)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_testnet_installation_refuses_the_live_hosts_and_names_what_to_do(exchange: str) -> None:
    with pytest.raises(ValueError, match="test network"):
        opened(exchange, {}, TESTNET)


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("network", [PAPER, TESTNET, LIVE], ids=lambda network: network.environment)
def test_one_strange_address_among_many_is_refused_by_name(exchange: str, network: Network) -> None:
    for strange in ("https://exchange.example.com/api", "wss://exchange.example.com/ws"):
        for place in places(addresses_of(exchange)):
            with pytest.raises(ValueError, match=r"exchange\.example\.com|test network"):
                opened(exchange, {"urls": {"api": at_place(place, strange)}}, network)


def places(tree: Any) -> Iterator[tuple[str, ...]]:
    if isinstance(tree, Mapping):
        for name, inner in tree.items():
            yield from ((name, *rest) for rest in places(inner))
    else:
        yield ()


def at_place(place: tuple[str, ...], address: str) -> Any:
    return {place[0]: at_place(place[1:], address)} if place else address


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_live_host_without_encryption_or_at_another_port_is_not_the_exchange(exchange: str) -> None:
    own = next(address for address in resolved(opened(exchange, {}, LIVE)) if address.startswith("https"))
    place = next(iter(places(addresses_of(exchange))))
    assert opened(exchange, {"urls": {"api": at_place(place, own)}}, LIVE)
    for lie in (
        own.replace("https", "http"),
        f"https://{yarl.URL(own).host}:8443",
        own.replace("//", "//x"),
    ):
        with pytest.raises(ValueError, match="does not ship it"):
            opened(exchange, {"urls": {"api": at_place(place, lie)}}, LIVE)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_paper_installation_that_names_a_live_host_does_not_reach_it_either(exchange: str) -> None:
    own = next(address for address in resolved(opened(exchange, {}, LIVE)) if address.startswith("https"))
    network = Network("paper", paper_hosts=frozenset({str(yarl.URL(own).host)}))
    with pytest.raises(ValueError, match="a live host of"):
        opened(exchange, everything_at(exchange, own), network)


def test_another_name_of_the_exchange_may_be_set_if_ccxt_knows_it() -> None:
    assert "https://api.bytick.com" in resolved(opened("bybit", {"hostname": "bytick.com"}, LIVE))
    assert "https://aws.okx.com" in resolved(opened("okx", {"hostname": "aws.okx.com"}, LIVE))
    for exchange, name in itertools.product(("bybit", "okx", "bitget"), ("example.com", "127.0.0.1")):
        with pytest.raises(ValueError, match=name):
            opened(exchange, {"hostname": name}, LIVE)


def test_ccxt_knows_no_test_network_of_those_that_are_said_to_have_none() -> None:
    """gate's has no websocket of its spot market, so that a private stream could never begin."""
    for exchange in EXCHANGES:
        shipped = exchange_class(exchange)()
        tests = shipped.urls.get("test") or shipped.urls["api"].get("demo")
        usable = tests is not None and ("ws" in tests or ("private" in tests and exchange != "gate"))
        assert usable is (exchange not in WITHOUT_TEST_NETWORK), exchange
    assert "spot" not in exchange_class("gate")().urls["test"]


@pytest.mark.parametrize("exchange", sorted(WITHOUT_TEST_NETWORK - {"gate"}))
def test_what_ccxt_itself_raises_is_a_refusal_in_words(
    exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the first check: ccxt's constructor fails with a TypeError."""
    monkeypatch.setattr("execution.venues.client.option_problems", lambda *_: [])
    with pytest.raises(ValueError, match="ccxt does not take the options: TypeError"):
        opened(exchange, {"sandbox": True}, TESTNET)


# --- what the first check would have let pass -----------------------------------------------------


@pytest.fixture
def unlisted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every option might be set: the second check stands alone."""
    monkeypatch.setattr("execution.venues.client.option_problems", lambda *_: [])


@pytest.mark.usefixtures("unlisted")
@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("name", [*ALLOWED_PROXIES, *OTHER_PROXIES])
@pytest.mark.parametrize("network", [PAPER, LIVE], ids=lambda network: network.environment)
def test_a_proxy_in_any_spelling_is_seen_on_the_client(exchange: str, name: str, network: Network) -> None:
    here = everything_at(exchange, "http://127.0.0.1:1") if network is PAPER else {}
    with pytest.raises(ValueError, match=rf"{name}|https?_?Proxy|wss_?Proxy|ccxt does not take"):
        opened(exchange, {**here, name: "http://evil.example.com:1"}, network)


@pytest.mark.usefixtures("unlisted")
@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize(
    "lie",
    [
        *(
            {"sandbox": True},
            {"testnet": True},
            {"options": {"sandbox": True}},
            {"options": {"testnet": True}},
        ),
        *({"options": {"sandboxMode": True}}, {"options": {"enableDemoTrading": True}}),
    ],
    ids=str,
)
def test_the_test_mode_in_any_spelling_is_no_live_trading(exchange: str, lie: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"test mode|ccxt does not take the options|refused in this live"):
        opened(exchange, lie, LIVE)


@pytest.mark.usefixtures("unlisted")
@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize(
    "shape", [7, None, True, ["https://api.binance.com"], "", "api", "{hostname}"], ids=str
)
def test_an_address_of_an_unknown_shape_is_refused(exchange: str, shape: Any) -> None:
    place = next(iter(places(addresses_of(exchange))))
    made = client_class(exchange)({"urls": {"api": at_place(place, shape)}})
    with pytest.raises(ValueError, match=r"urls\.api.*address"):
        reach_of(exchange, LIVE).refuse_client(made)


@settings(max_examples=150, deadline=None)
@given(SHAPED, st.sampled_from(EXCHANGES), st.sampled_from([PAPER, TESTNET, LIVE]))
def test_whatever_the_options_a_client_that_is_made_fits_its_environment(
    options: dict[str, Any], exchange: str, network: Network
) -> None:
    try:
        client = opened(exchange, options, network)
    except ValueError:
        return
    assert [address for address in resolved(client) if not fits(exchange, address, network)] == []
    assert all(getattr(client, name, None) in (None, False) for name in OTHER_PROXIES)


# --- when a request is sent -----------------------------------------------------------------------


@pytest.fixture
async def elsewhere() -> AsyncIterator[Stub]:
    async with serving() as stub:
        yield stub


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 300, 304])
async def test_a_redirect_is_not_followed_and_says_nothing_of_the_order(
    stub: Stub, gateway: CcxtGateway, elsewhere: Stub, status: int
) -> None:
    there = {"Location": f"{elsewhere.base}/api/v3/order?signature=hidden"}
    for what in ("POST order", "DELETE order", "GET openOrders"):
        stub.answer(what, "", status, there)
    outcome = await gateway.create(limit_order(), valid_for=VALID)
    assert isinstance(outcome, Unknown), outcome
    assert "a redirect to" in outcome.message
    assert "hidden" not in outcome.message
    cancelled = await gateway.cancel(OrderRef("qtestparent010001", SYMBOL, exchange_id="28"))
    assert isinstance(cancelled, CancelFailed), cancelled
    with pytest.raises(LookFailed, match="redirect"):
        await gateway.open_orders(SYMBOL)
    assert elsewhere.seen == []


async def test_a_websocket_that_is_redirected_is_not_followed(
    stub: Stub, gateway: CcxtGateway, elsewhere: Stub
) -> None:
    async def moved(request: web.Request, params: dict[str, str]) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect(f"{elsewhere.base}/stream/ws")

    stub.prefix = "/"
    stub.answers["GET stream/ws"] = moved
    with pytest.raises(Exception, match="a redirect to"):
        await gateway._client.watch(f"{stub.base.replace('http', 'ws')}/stream/ws", "news", {}, "news")
    assert elsewhere.seen == []


@pytest.mark.parametrize("exchange", ["binance", "okx", "bitget"])
@pytest.mark.parametrize("network", [TESTNET, LIVE], ids=lambda network: network.environment)
async def test_an_address_that_changes_after_all_checks_is_refused_when_it_is_used(
    elsewhere: Stub, exchange: str, network: Network
) -> None:
    client = opened(exchange, {"sandbox": True} if network is TESTNET else {}, network)
    try:
        with pytest.raises(
            AddressRefused, match=rf"'{elsewhere.base}' is refused in this {network.environment}"
        ):
            await client.fetch(f"{elsewhere.base}/api", "GET", {})
        with pytest.raises(Exception, match=f"is refused in this {network.environment}"):
            await client.watch(elsewhere.base.replace("http", "ws"), "news", {}, "news")
    finally:
        await client.close()
    assert elsewhere.seen == []


async def test_a_create_that_may_not_leave_is_a_refusal_because_nothing_was_sent(
    stub: Stub, gateway: CcxtGateway
) -> None:
    gateway._client.urls["api"]["private"] = "https://api.binance.com/api/v3"
    outcome = await gateway.create(limit_order(), valid_for=VALID)
    assert isinstance(outcome, Rejected), outcome
    assert outcome.kind == "AddressRefused"
    assert "'https://api.binance.com' is refused in this paper installation" in outcome.message


@pytest.mark.parametrize("name", ["httpProxy", "http_proxy", "httpsProxy", "https_proxy", "aiohttp_proxy"])
async def test_a_proxy_that_is_set_later_is_not_used(
    stub: Stub, gateway: CcxtGateway, elsewhere: Stub, name: str
) -> None:
    setattr(gateway._client, name, elsewhere.base)
    with pytest.raises(LookFailed, match="do not allow it as a proxy"):
        await gateway.open_orders(SYMBOL)
    assert elsewhere.seen == []


@pytest.mark.parametrize("name", ["wsProxy", "ws_proxy", "wssProxy", "wss_proxy"])
async def test_a_proxy_of_websockets_that_is_set_later_is_not_used(
    stub: Stub, gateway: CcxtGateway, elsewhere: Stub, name: str
) -> None:
    setattr(gateway._client, name, elsewhere.base)
    with pytest.raises(Exception, match="do not allow it as a proxy"):
        await gateway._client.watch(f"{stub.base.replace('http', 'ws')}/other", "news", {}, "news")
    assert elsewhere.seen == []


@pytest.mark.parametrize("name", ["proxyUrl", "proxy_url", "proxy", "socksProxy", "socks_proxy"])
async def test_another_kind_of_proxy_that_is_set_later_is_not_used(
    stub: Stub, gateway: CcxtGateway, name: str
) -> None:
    setattr(gateway._client, name, "http://evil.example.com/")
    with pytest.raises(LookFailed, match=r"refused|socks proxy cannot be used|conflicting proxy settings"):
        await gateway.open_orders(SYMBOL)


async def test_a_proxy_of_the_processs_own_environment_is_not_used(stub: Stub, elsewhere: Stub) -> None:
    variables = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), elsewhere.base)
    with mock.patch.dict(os.environ, variables):
        gateway = open_gateway(
            exchange_id="binance", options=options_for(stub.base), api_key="k", secret="s", clock=now
        )
        gateway._client.aiohttp_trust_env = True
        await gateway.open()
        await gateway.close()
    assert stub.seen
    assert elsewhere.seen == []


class _Request:
    """What the guard reads of aiohttp's request."""

    proxy = None

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url, self.headers = yarl.URL(url), headers


@pytest.mark.parametrize(
    ("exchange", "header", "key"),
    [("okx", "x-simulated-trading", "OK-ACCESS-KEY"), ("bitget", "PAPTRADING", "ACCESS-KEY")],
)
def test_at_a_shared_host_the_header_makes_a_test_and_nothing_else(
    exchange: str, header: str, key: str
) -> None:
    host = SHARED[exchange]
    test, live = reach_of(exchange, TESTNET), reach_of(exchange, LIVE)
    marked, signed = {header: "1", key: "k"}, {key: "k"}
    test._refuse_request(_Request(host, marked))  # type: ignore[arg-type]
    live._refuse_request(_Request(host, signed))  # type: ignore[arg-type]
    for headers in (signed, {header: "0", key: "k"}):
        with pytest.raises(AddressRefused, match=f"lacks the header {header}"):
            test._refuse_request(_Request(host, headers))  # type: ignore[arg-type]
    with pytest.raises(AddressRefused, match=f"has the header {header} of the test network"):
        live._refuse_request(_Request(host, marked))  # type: ignore[arg-type]


@pytest.mark.parametrize("exchange", ["okx", "bitget"])
def test_the_real_class_signs_with_the_header_of_the_test_network(exchange: str) -> None:
    client = opened(exchange, {"sandbox": True}, TESTNET)
    name, value = QUIRKS[exchange].test_header or ("", "")
    path = {"okx": "trade/order", "bitget": "v2/spot/trade/place-order"}[exchange]
    api: Any = {"okx": "private", "bitget": ["private", "spot"]}[exchange]
    signed = client.sign(path, api, "POST", {"instId": "BTC-USDT"})
    headers = client.prepare_request_headers(signed["headers"])
    assert {header.lower(): text for header, text in headers.items()}[name.lower()] == value


def test_where_kucoins_websockets_are_stands_in_its_answer_and_must_be_in_its_domain() -> None:
    named = _Request("wss://ws-api-spot.kucoin.com/?token=t", {})
    reach_of("kucoin", LIVE)._refuse_request(named)  # type: ignore[arg-type]
    with pytest.raises(AddressRefused):
        reach_of("kucoin", PAPER)._refuse_request(named)  # type: ignore[arg-type]
    lies = ("wss://kucoin.com.example.com", "wss://xkucoin.com", "ws://ws-api-spot.kucoin.com")
    for lie in (*lies, "https://ws-api-spot.kucoin.com"):
        with pytest.raises(AddressRefused):
            reach_of("kucoin", LIVE)._refuse_request(_Request(lie, {}))  # type: ignore[arg-type]


def test_an_environment_that_nobody_knows_reaches_nothing() -> None:
    reach = reach_of("binance", Network("moon"))
    assert reach.refusal(Origin(True, "api.binance.com", 443))
    assert reach.refusal(Origin(False, "127.0.0.1", 80))
