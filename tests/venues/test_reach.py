"""The addresses that a client of ccxt may reach: every exchange of the table, environment and kind of lie."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yarl
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.core.account_options import WITHOUT_TEST_NETWORK
from execution.core.addresses import Network
from execution.venues.ccxt_packages import exchange_class
from execution.venues.client import client_class
from execution.venues.reach import (
    ALLOWED_PROXIES,
    OTHER_PROXIES,
    reach_of,
)
from tests.core.option_trees import SHAPED
from tests.venues.reaching import (
    EXCHANGES,
    LIVE,
    PAPER,
    TEST_WORDS,
    TESTNET,
    WITH_TEST_NETWORK,
    everything_at,
    fits,
    opened,
    resolved,
)
from tests.venues.stub import addresses_of

# --- what each environment may have ---------------------------------------------------------------


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_paper_installation_reaches_this_machine_and_nothing_else(exchange: str) -> None:
    client = opened(exchange, everything_at(exchange, "http://127.0.0.1:1"), PAPER)
    assert set(resolved(client)) == {"http://127.0.0.1:1"}
    assert opened(exchange, everything_at(exchange, "https://paper.example.com/api"), PAPER)
    for options in ({}, {"sandbox": True}, {"hostname": "bybit.com"}, {"httpsProxy": "http://127.0.0.1:1"}):
        with pytest.raises(ValueError, match="refused in this paper installation"):
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
    """Allow every option, so that the second check stands alone."""
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
