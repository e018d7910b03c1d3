"""The addresses of a client of ccxt when it sends: changed addresses, proxies, redirects, test networks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import yarl
from aiohttp import web

from execution.core.addresses import Network, Origin
from execution.core.types import CancelFailed, OrderRef, Rejected, Unknown
from execution.venues.exchanges import EXCHANGE_SPECS
from execution.venues.gateway import CcxtGateway, open_gateway
from execution.venues.protocol import VenueReadFailed
from execution.venues.reach import (
    AddressRefused,
    RedirectRefused,
    reach_of,
)
from tests.venues.reaching import (
    EXCHANGES,
    LIVE,
    PAPER,
    SHARED,
    TESTNET,
    WITH_TEST_NETWORK,
    everything_at,
    opened,
)
from tests.venues.stub import SYMBOL, VALID, Stub, limit_order, now, options_for, serving


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
    with pytest.raises(VenueReadFailed, match="redirect"):
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


@pytest.mark.parametrize("exchange", EXCHANGES)
async def test_no_exchanges_class_follows_a_redirect(stub: Stub, elsewhere: Stub, exchange: str) -> None:
    async def moved(request: web.Request, params: dict[str, str]) -> web.StreamResponse:
        raise web.HTTPFound(f"{elsewhere.base}/there")

    stub.prefix = "/"
    stub.answers |= {"GET here": moved, "POST here": moved}
    client = opened(exchange, everything_at(exchange, stub.base), PAPER)
    try:
        for method in ("GET", "POST"):
            with pytest.raises(RedirectRefused, match=f"a redirect to '{elsewhere.base}/there'"):
                await client.fetch(f"{stub.base}/here", method, {}, None)
        with pytest.raises(Exception, match="a redirect to"):
            await client.watch(f"{stub.base.replace('http', 'ws')}/here", "news", {}, "news")
    finally:
        await client.close()
    assert [seen.path for seen in stub.seen] == ["here"] * 3
    assert elsewhere.seen == []


CHANGED = [(exchange, network) for exchange in EXCHANGES for network in (PAPER, TESTNET, LIVE)]


@pytest.mark.parametrize(
    ("exchange", "network"),
    [one for one in CHANGED if one[1] is not TESTNET or one[0] in WITH_TEST_NETWORK],
    ids=lambda one: getattr(one, "environment", one),
)
async def test_an_address_that_changes_after_all_checks_is_refused_when_it_is_used(
    stub: Stub, elsewhere: Stub, exchange: str, network: Network
) -> None:
    options = {"paper": everything_at(exchange, stub.base), "testnet": {"sandbox": True}, "live": {}}
    # Nothing is resolved and nothing connects: of a paper installation loopback is no stranger.
    there = "http://exchange.example.com" if network is PAPER else elsewhere.base
    client = opened(exchange, options[network.environment], network)
    try:
        with pytest.raises(AddressRefused, match=rf"'{there}' is refused in this {network.environment}"):
            await client.fetch(f"{there}/api", "GET", {})
        with pytest.raises(Exception, match=f"is refused in this {network.environment}"):
            await client.watch(there.replace("http", "ws"), "news", {}, "news")
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
    with pytest.raises(VenueReadFailed, match="does not name it as a proxy"):
        await gateway.open_orders(SYMBOL)
    assert elsewhere.seen == []


@pytest.mark.parametrize("name", ["wsProxy", "ws_proxy", "wssProxy", "wss_proxy"])
async def test_a_proxy_of_websockets_that_is_set_later_is_not_used(
    stub: Stub, gateway: CcxtGateway, elsewhere: Stub, name: str
) -> None:
    setattr(gateway._client, name, elsewhere.base)
    with pytest.raises(Exception, match="does not name it as a proxy"):
        await gateway._client.watch(f"{stub.base.replace('http', 'ws')}/other", "news", {}, "news")
    assert elsewhere.seen == []


@pytest.mark.parametrize("name", ["proxyUrl", "proxy_url", "proxy", "socksProxy", "socks_proxy"])
async def test_another_kind_of_proxy_that_is_set_later_is_not_used(
    stub: Stub, gateway: CcxtGateway, name: str
) -> None:
    setattr(gateway._client, name, "http://evil.example.com/")
    with pytest.raises(
        VenueReadFailed, match=r"refused|socks proxy cannot be used|conflicting proxy settings"
    ):
        await gateway.open_orders(SYMBOL)


async def test_a_proxy_of_the_processs_own_environment_is_not_used(
    stub: Stub, elsewhere: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, elsewhere.base)
    gateway = open_gateway(
        exchange_id="binance", options=options_for(stub.base), api_key="k", secret="s", clock=now
    )
    gateway._client.aiohttp_trust_env = True
    await gateway.open()
    await gateway.close()
    assert stub.seen
    assert elsewhere.seen == []


class _Request:
    """The parts of aiohttp's request that the guard reads."""

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
    test.refuse_request(_Request(host, marked))  # type: ignore[arg-type]
    live.refuse_request(_Request(host, signed))  # type: ignore[arg-type]
    for headers in (signed, {header: "0", key: "k"}):
        with pytest.raises(AddressRefused, match=f"lacks the header {header}"):
            test.refuse_request(_Request(host, headers))  # type: ignore[arg-type]
    with pytest.raises(AddressRefused, match=f"has the header {header} of the test network"):
        live.refuse_request(_Request(host, marked))  # type: ignore[arg-type]


@pytest.mark.parametrize("exchange", ["okx", "bitget"])
def test_the_real_class_signs_with_the_header_of_the_test_network(exchange: str) -> None:
    client = opened(exchange, {"sandbox": True}, TESTNET)
    name, value = EXCHANGE_SPECS[exchange].test_header or ("", "")
    path = {"okx": "trade/order", "bitget": "v2/spot/trade/place-order"}[exchange]
    api: Any = {"okx": "private", "bitget": ["private", "spot"]}[exchange]
    signed = client.sign(path, api, "POST", {"instId": "BTC-USDT"})
    headers = client.prepare_request_headers(signed["headers"])
    assert {header.lower(): text for header, text in headers.items()}[name.lower()] == value


def test_where_kucoins_websockets_are_stands_in_its_answer_and_must_be_in_its_domain() -> None:
    named = _Request("wss://ws-api-spot.kucoin.com/?token=t", {})
    reach_of("kucoin", LIVE).refuse_request(named)  # type: ignore[arg-type]
    with pytest.raises(AddressRefused):
        reach_of("kucoin", PAPER).refuse_request(named)  # type: ignore[arg-type]
    lies = ("wss://kucoin.com.example.com", "wss://xkucoin.com", "ws://ws-api-spot.kucoin.com")
    for lie in (*lies, "https://ws-api-spot.kucoin.com"):
        with pytest.raises(AddressRefused):
            reach_of("kucoin", LIVE).refuse_request(_Request(lie, {}))  # type: ignore[arg-type]


def test_an_environment_that_nobody_knows_reaches_nothing() -> None:
    reach = reach_of("binance", Network("moon"))
    assert reach.refusal(Origin(True, "api.binance.com", 443))
    assert reach.refusal(Origin(False, "127.0.0.1", 80))
