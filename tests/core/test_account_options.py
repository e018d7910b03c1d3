"""The options of an exchange: what may be set, what is refused, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.account_options import (
    MAX_TEXT,
    credential_names,
    holds_credentials,
    option_problems,
    parse_options,
    reached,
)
from execution.core.addresses import Network, origin_of, shown
from execution.core.problems import Refused
from tests.core.option_trees import NAMES, OTHER_NAMES, SECRETS, SHAPED, TREES

PAPER = Network("paper", paper_hosts=frozenset({"paper.example.com"}))
TESTNET, LIVE = Network("testnet"), Network("live", proxy_hosts=frozenset({"proxy.example.com"}))
HERE: dict[str, Any] = {"urls": {"api": {"public": "http://127.0.0.1:9000/api", "ws": "ws://[::1]:9000/ws"}}}


def said(options: dict[str, Any], network: Network = PAPER, exchange: str = "bybit") -> str:
    return "; ".join(problem.message for problem in option_problems(exchange, options, network))


def with_address(address: Any) -> dict[str, Any]:
    return {"urls": {"api": {"public": address}}}


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://api.binance.com/api/v3", (True, "api.binance.com", 443)),
        ("wss://WS.okx.com:8443/ws/v5", (True, "ws.okx.com", 8443)),
        ("http://127.0.0.1", (False, "127.0.0.1", 80)),
        ("ws://[::1]:9/x", (False, "::1", 9)),
    ],
)
def test_an_address_is_read_as_the_machine_that_it_leads_to(
    address: str, origin: tuple[bool, str, int]
) -> None:
    found = origin_of(address)
    assert (found.is_encrypted, found.host, found.port) == origin


@pytest.mark.parametrize(
    "address",
    [
        *(
            "",
            "127.0.0.1",
            "//127.0.0.1",
            "ftp://127.0.0.1",
            "HTTP://127.0.0.1",
            "http:/127.0.0.1",
            "http://",
        ),
        *("http://127.0.0.1@api.binance.com", "http://127.0.0.1\\@api.binance.com", "http://127.0.0.1 "),
        *("http://127.0.0.1\n", "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://127.0.0.1:\u0663"),
        *("http://127.0.0.1/?to=api.binance.com", "http://127.0.0.1/#x", "http://127.0.0.1/%2e"),
        *(
            "https://api.{hostname}",
            "http://\uff11\uff12\uff17.0.0.1",
            "http://127.0.0.1/\x00",
            "http://a_b/",
        ),
        *(None, 1, True, ["http://127.0.0.1"], {}),
    ],
)
def test_a_shape_that_is_not_understood_is_refused(address: Any) -> None:
    with pytest.raises(ValueError, match="address"):
        origin_of(address)


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f000001", "0.0.0.0", "127.0.0.1.nip.io", "localhost.example.com"]
)
def test_only_a_plain_loopback_address_is_this_machine(host: str) -> None:
    assert not origin_of(f"http://{host}").is_loopback
    assert host in said(with_address(f"http://{host}"))


def test_an_address_is_shown_short_and_without_what_may_be_secret() -> None:
    assert shown("https://me:hidden@host/path?token=hidden#hidden") == "'https://host/path'"
    assert "hidden" not in shown("me:hidden@host")
    assert len(shown("http://" + "x" * 10_000)) < 130
    assert shown(7) == "a int"


# --- what may be set ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "network"),
    [
        (HERE, PAPER),
        (with_address("https://paper.example.com:8443/api"), PAPER),
        (HERE | {"timeout_on_exit": 10, "options": {"defaultType": "spot", "unifiedAccount": True}}, PAPER),
        (HERE | {"options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}}, PAPER),
        ({"sandbox": True}, TESTNET),
        (with_address("https://api-demo.bybit.com"), TESTNET),
        ({}, LIVE),
        ({"hostname": "bytick.com"}, LIVE),
        ({"httpsProxy": "http://proxy.example.com:3128", "wssProxy": "http://proxy.example.com:3128"}, LIVE),
    ],
)
def test_what_the_desk_needs_may_be_set(options: dict[str, Any], network: Network) -> None:
    assert said(options, network) == ""


@pytest.mark.parametrize(
    ("options", "network", "words"),
    [
        ({}, PAPER, "The options give no address in urls.api: ccxt would reach the real bybit"),
        ({"urls": {"api": {}}}, PAPER, "it must be an address, or a tree of addresses"),
        ({"sandbox": False}, PAPER, "The option sandbox: it must be true"),
        ({"sandbox": True}, PAPER, "The option sandbox is refused in this paper installation"),
        ({"hostname": "bybit.com"}, PAPER, "The option hostname is refused in this paper installation"),
        ({"httpsProxy": ""}, PAPER, "httpsProxy: '' is not an address"),
        (HERE | {"httpsProxy": "http://127.0.0.1:1"}, PAPER, "a paper installation uses no proxy"),
        (
            with_address("https://api.bybit.com"),
            PAPER,
            "The address 'https://api.bybit.com' is refused in this paper",
        ),
        ({}, TESTNET, 'set {"sandbox": true}'),
        ({"sandbox": True, **with_address("https://api-demo.bybit.com")}, TESTNET, "leave urls out"),
        (HERE, TESTNET, "is not a host of bybit"),
        (HERE, LIVE, "is not a host of bybit"),
        ({"sandbox": True}, LIVE, "it leads to the test network"),
        ({"httpsProxy": "http://127.0.0.1:3128"}, LIVE, "TRANCHE_PROXY_HOSTS"),
        ({"httpsProxy": "socks5://proxy.example.com"}, LIVE, "is not an address"),
        ({"httpsProxy": "ws://proxy.example.com"}, LIVE, "must begin with http:// or https://"),
        ({"hostname": "a/b"}, LIVE, "the name of a host"),
        (HERE | {"timeout_on_exit": True}, PAPER, "timeout_on_exit: it must be a whole number"),
        (HERE | {"timeout_on_exit": 10**400}, PAPER, "0 to 10000"),
        (HERE | {"options": {"defaultType": "swap"}}, PAPER, 'options.defaultType: it must be "spot"'),
        (
            HERE | {"options": {"unifiedAccount": 1}},
            PAPER,
            "options.unifiedAccount: it must be true or false",
        ),
        (HERE | {"options": "spot"}, PAPER, "options: it must be an object"),
        ({"urls": "http://127.0.0.1"}, PAPER, "urls: it must be an object"),
    ],
)
def test_what_lies_is_refused_with_the_reason(options: dict[str, Any], network: Network, words: str) -> None:
    assert words in said(options, network)


@pytest.mark.parametrize("exchange", ["kraken", "coinbase", "kucoin", "gate"])
def test_an_exchange_without_a_test_network_is_refused_in_words(exchange: str) -> None:
    assert f"The exchange {exchange} has no test network in ccxt" in said(
        {"sandbox": True}, TESTNET, exchange
    )


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_name_that_is_not_on_the_list_is_refused_and_the_list_is_shown(name: str) -> None:
    words = said({**HERE, name: "x"})
    assert f"may not set {name}" in words
    assert "keys go in sealed" in words or "they may set urls, hostname, sandbox" in words


@pytest.mark.parametrize("name", ["sandboxMode", "sandbox", "testnet", "enableDemoTrading", "headers", "ws"])
def test_a_name_inside_ccxts_own_options_is_refused_too(name: str) -> None:
    assert f"may not set options.{name}" in said({**HERE, "options": {name: True}})


@pytest.mark.parametrize("name", ["test", "demo", "demotrading", "apiBackup", "www"])
def test_nothing_of_the_urls_but_the_api_may_be_set(name: str) -> None:
    assert f"may not set urls.{name}" in said({"urls": {**HERE["urls"], name: "http://127.0.0.1"}})


# --- credentials ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SECRETS)
def test_a_credential_is_refused_at_any_depth_and_never_shown(name: str) -> None:
    for options in (
        {name: "hidden"},
        {"options": {name: "hidden"}},
        {"headers": {name: "hidden"}},
        {"urls": {"api": {"ws": {name: "http://127.0.0.1"}}}},
        {"options": {"list": [{"deep": [{name: "hidden"}]}]}},
    ):
        words = said({**HERE, **options})
        assert name in words
        assert "keys go in sealed" in words
        assert "hidden" not in words
        assert holds_credentials(json.dumps(options))


def test_an_address_with_a_password_is_refused_without_showing_it() -> None:
    words = said(with_address("http://me:hidden@127.0.0.1:9000/api"))
    assert "has a user or a password in it" in words
    assert "hidden" not in words


def test_what_is_no_json_may_hold_a_credential_as_well() -> None:
    assert holds_credentials('{"apiKey": "hidden"')
    assert not holds_credentials('{"urls": ')


# --- the text -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{", "not JSON"),
        ("[]", "must be a JSON object"),
        ('{"urls": {}, "urls": {}}', "the key .urls. is there more than once"),
        ('{"options": {"a": 1, "a": 2}}', "the key .a. is there more than once"),
        ("[" * 9_999, "nested too deeply"),
        ('{"timeout_on_exit": ' + "9" * 5_000 + "}", "not JSON"),
        ('{"a": "' + "x" * MAX_TEXT + '"}', f"at most {MAX_TEXT:,}"),
    ],
)
def test_a_text_that_is_no_object_or_says_a_thing_twice_is_refused(written: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        parse_options(written)


# --- anything -------------------------------------------------------------------------------------


def every_leaf(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for inner in tree.values() for leaf in every_leaf(inner)]
    return [tree]


@given(SHAPED | st.dictionaries(NAMES | st.text(max_size=9), TREES, max_size=4))
def test_whatever_is_accepted_in_a_paper_installation_has_only_addresses_of_this_machine(
    options: dict[str, Any],
) -> None:
    problems = option_problems("bybit", options, PAPER)
    assert sum(len(problem.message) for problem in problems) < 8_000
    if problems:
        return
    assert not credential_names(options)
    assert set(options) <= {"urls", "timeout_on_exit", "options"}
    leaves = every_leaf(options["urls"])
    assert leaves
    for leaf in leaves:
        origin = origin_of(leaf)
        assert origin.is_loopback or origin.host == "paper.example.com"


@given(SHAPED, st.sampled_from(SECRETS), st.lists(NAMES, max_size=5))
def test_a_credential_is_found_wherever_it_is_put(
    options: dict[str, Any], secret: str, path: list[str]
) -> None:
    hidden: Any = {secret: "hidden-value"}
    for name in path:
        hidden = {name: hidden}
    words = said({**options, **hidden})
    assert "keys go in sealed" in words
    assert "hidden-value" not in words


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ({}, ["okx as ccxt ships it"]),
        ({"sandbox": True}, ["the test network of okx as ccxt ships it"]),
        ({"hostname": "okx.example"}, ["okx as ccxt ships it, under the name okx.example"]),
        (
            {"urls": {"api": {"rest": "http://127.0.0.1:9001/api", "ws": "ws://127.0.0.1:9001"}}},
            ["127.0.0.1:9001, not encrypted"],
        ),
        (
            {"urls": {"api": "https://[::1]/x"}, "httpsProxy": "http://proxy.example:3128"},
            ["[::1]:443", "through the proxy proxy.example:3128, not encrypted"],
        ),
        ({"urls": {"api": "https://me:secret@host"}}, ["'https://host', which is refused"]),
    ],
)
def test_an_admin_reads_where_an_accounts_requests_go(options: dict[str, Any], places: list[str]) -> None:
    assert reached("okx", options) == places
