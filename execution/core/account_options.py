"""The ccxt options that a person may set for an account: a list of allowed names, each with its reason.

ccxt turns every key of its configuration into an attribute, in two spellings. So a list of forbidden names could not
be complete, and there is a list of allowed ones. This module does not use ccxt and resolves no addresses. The worker
checks addresses against the installation when it opens the account (``execution.venues.reach``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from execution.core.addresses import (
    HOST_NAME,
    LIVE,
    NOT_A_PAPER_HOST,
    NOT_A_PROXY,
    PAPER,
    TESTNET,
    Network,
    origin_of,
    refused_address,
    shown,
)
from execution.core.numbers import shortened
from execution.core.problem_codes import Code
from execution.core.problems import Problem, Refused, as_sentence, length_problem, refuse
from execution.core.strict_json import read_json

MAX_TEXT = 20_000  # characters of JSON
MAX_DEPTH = 8
MAX_NAMES_SHOWN = 5
MAX_WAIT_ON_EXIT = 10_000  # milliseconds
MAX_HOST = 60

#: Supported exchanges for which ccxt knows no test network that has a spot market and its streams.
WITHOUT_TEST_NETWORK = frozenset({"kraken", "coinbase", "kucoin", "gate"})

#: Names of credentials, in lower case and without punctuation. Credentials belong in the sealed key, not in options.
CREDENTIALS = re.compile(
    r"(api|access|secret|private|signing)key|secret|pass(word|phrase|wd)|authoriz|credential|signature|sign$"
    r"|walletaddress|twofa|token$|^(key|pass|pwd|pin|otp|uid|login|accountid|bearer|cookies?)$"
)

Check = Callable[[Any], str | None]


def parse_options(text: str) -> dict[str, Any]:
    """Read the options of a JSON text.

    Raises ``Refused`` for a text that is not a JSON object, is too long, or names a key twice.
    """
    if len(text) > MAX_TEXT:
        raise Refused([length_problem("options", "The text of the options", text, MAX_TEXT)])
    try:
        options = read_json(text)
    except ValueError as error:
        refuse("options", f"The options are not JSON: {error}.", code=Code.VALUE_MALFORMED)
    if not isinstance(options, dict):
        refuse("options", "The options must be a JSON object, such as {}.", code=Code.VALUE_WRONG_TYPE)
    return options


def option_problems(exchange: str, options: Mapping[str, Any], network: Network) -> list[Problem]:
    """Return the problems with these options at ``exchange``, as far as the options alone show them.

    There are three checks. Each runs only if the ones before it found nothing. The first finds credentials, at any
    depth and in any spelling. The second finds names that are not on the list, and values that are not allowed. The
    third finds a tier that ``exchange`` does not have, and addresses that the environment does not allow.
    """
    if secrets := credential_names(options):
        words = [f"the options may not set {_listed(secrets)}: keys go in sealed"]
    else:
        words = list(_unlisted(options, OPTIONS, ""))
        words = words or [*_wrong_tier(exchange, options), *_wrong_network(exchange, options, network)]
    return [
        Problem("options", as_sentence(reason), code=Code.OPTIONS_UNUSABLE) for reason in dict.fromkeys(words)
    ]


def reached(exchange: str, options: Mapping[str, Any]) -> list[str]:
    """Return texts for an admin that name where an account's requests go.

    First come the machines of the exchange, then the proxies. If ``options`` have no addresses, one text says that
    ccxt's own addresses are used.
    """
    urls = options.get("urls", {})
    machines = sorted({_machine(address) for address in _leaves(urls)})
    if not machines:
        network = "the test network of " if "sandbox" in options else ""
        name = f", under the name {options['hostname']}" if "hostname" in options else ""
        machines = [f"{network}{exchange} as ccxt ships it{name}"]
    proxies = sorted({_machine(options[name]) for name in ("httpsProxy", "wssProxy") if name in options})
    return machines + [f"through the proxy {proxy}" for proxy in proxies]


def _machine(address: str) -> str:
    try:
        origin = origin_of(address)
    except ValueError:
        return f"{shown(address)}, which is refused"
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return f"{host}:{origin.port}{'' if origin.is_encrypted else ', not encrypted'}"


def credential_names(tree: object, path: str = "", depth: int = 0) -> list[str]:
    """Return the path of every key in ``tree`` whose name is that of a credential. Values are not read."""
    if depth > MAX_DEPTH:
        return []  # refused as too deep
    inner: Iterator[tuple[str, object]]
    if isinstance(tree, Mapping):
        inner = iter(tree.items())
    elif isinstance(tree, list):
        inner = ((str(index), value) for index, value in enumerate(tree))
    else:
        return []
    found = []
    for name, value in inner:
        place = f"{path}.{_short(name)}" if path else _short(name)
        if CREDENTIALS.search(re.sub(r"[^a-z0-9]", "", str(name).lower())):
            found.append(place)
        found += credential_names(value, place, depth + 1)
    return found


def holds_credentials(text: str) -> bool:
    """Return True if a text of options may hold a credential.

    For valid options, the names of the keys decide. An invalid text is searched for words such as "secret". An ``@``
    in any text counts as a credential, because in an address a password may stand before it.
    """
    if "@" in text:
        return True  # an address with a password
    try:
        return bool(credential_names(parse_options(text or "{}")))
    except Refused:
        return CREDENTIALS.search(re.sub(r"[^a-z0-9]", "", text.lower())) is not None


# --- values ----------------------------------------------------------------------------------------


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "it must be true or false"


def _only(expected: Any) -> Check:
    def check(value: Any) -> str | None:
        is_it = type(value) is type(expected) and value == expected
        return None if is_it else f"it must be {json.dumps(expected)}"

    return check


def _milliseconds(value: Any) -> str | None:
    is_fit = type(value) is int and 0 <= value <= MAX_WAIT_ON_EXIT
    return None if is_fit else f"it must be a whole number of milliseconds, 0 to {MAX_WAIT_ON_EXIT}"


def _host(value: Any) -> str | None:
    is_name = isinstance(value, str) and len(value) <= MAX_HOST and HOST_NAME.fullmatch(value)
    return None if is_name else "it must be the name of a host in small letters, such as bytick.com"


def _address(value: Any) -> str | None:
    try:
        origin_of(value)
    except ValueError as error:
        return str(error)
    return None


def _proxy(value: Any) -> str | None:
    if why := _address(value):
        return why
    is_http = str(value).startswith(("http://", "https://"))
    return None if is_http else "it must begin with http:// or https://"


def _addresses(value: Any, depth: int = 0) -> str | None:
    if not isinstance(value, Mapping):
        return _address(value)
    if depth > MAX_DEPTH or not value:
        return "it must be an address, or a tree of addresses"
    return next((why for inner in value.values() if (why := _addresses(inner, depth + 1)) is not None), None)


#: Account tiers that have different limits, by exchange. Without an option, the first tier counts.
TIERS = {"kraken": ("starter", "intermediate", "pro")}


def _tier(value: Any) -> str | None:
    names = sorted({name for tiers in TIERS.values() for name in tiers})
    return None if value in names else f"it must be one of {', '.join(names)}"


#: Every option that may be set, and what its value must be.
OPTIONS: Mapping[str, Check | Mapping[str, Check]] = {
    # Where the exchange is. Nothing else of ``urls``: ``test`` and ``demo`` say what ccxt holds for a test network.
    "urls": {"api": _addresses},
    # Another name of the exchange itself, such as bytick.com where bybit.com is out of reach.
    "hostname": _host,
    # The exchange's test network.
    "sandbox": _only(True),
    # The proxy of requests and of websockets: the two that leave the encryption whole.
    "httpsProxy": _proxy,
    "wssProxy": _proxy,
    # How long connections may take to close; tests set it low.
    "timeout_on_exit": _milliseconds,
    "options": {
        # What the desk trades. Other values would change what a symbol means.
        "defaultType": _only("spot"),
        "fetchMarkets": _only({"types": ["spot"]}),
        # Calls that an exchange of the binance dialect may not have.
        "fetchCurrencies": _boolean,
        "fetchMargins": _boolean,
        # gate: the account is a unified one (docs/reference/exchanges.md).
        "unifiedAccount": _boolean,
        # kraken: the account's tier, which its limits depend on.
        "tier": _tier,
    },
}


def _unlisted(
    options: Mapping[str, Any], allowed: Mapping[str, Check | Mapping[str, Check]], path: str
) -> Iterator[str]:
    if unknown := [f"{path}{_short(name)}" for name in options if name not in allowed]:
        known = ", ".join(f"{path}{name}" for name in allowed)
        yield f"the options may not set {_listed(unknown)}; they may set {known}"
    for name in options.keys() & allowed.keys():
        rule, value, place = allowed[name], options[name], f"{path}{name}"
        if not isinstance(rule, Mapping):
            if why := rule(value):
                yield f"the option {place}: {why}"
        elif isinstance(value, Mapping):
            yield from _unlisted(value, rule, f"{place}.")
        else:
            yield f"the option {place}: it must be an object with any of {', '.join(rule)}"


def _wrong_tier(exchange: str, options: Mapping[str, Any]) -> Iterator[str]:
    if "tier" in options.get("options", {}) and exchange not in TIERS:
        yield f"the option options.tier: {exchange} has no tiers; only {', '.join(TIERS)} has"


# --- the environment -------------------------------------------------------------------------------


def _wrong_network(exchange: str, options: Mapping[str, Any], network: Network) -> Iterator[str]:
    refused = f"is refused in this {network.environment} installation"
    given = list(_leaves(options.get("urls", {})))
    yield from _wrong_proxies(options, network)
    if network.environment == PAPER:
        for address in given:
            if not network.allows_paper(origin_of(address)):
                yield refused_address(address, PAPER, NOT_A_PAPER_HOST)
        for name in sorted({"sandbox", "hostname"} & options.keys()):
            yield f"the option {name} {refused}: it leads to a host of {exchange}; give addresses in urls.api"
        if not given:
            yield f"the options give no address in urls.api: ccxt would reach the real {exchange}, which {refused}"
        return
    for address in given:
        if origin_of(address).is_loopback:
            yield refused_address(address, network.environment, f"it is not a host of {exchange}")
    if network.environment == LIVE and "sandbox" in options:
        yield f"the option sandbox {refused}: it leads to the test network"
    if network.environment == TESTNET:
        yield from _wrong_test_network(exchange, options, given)


def _wrong_proxies(options: Mapping[str, Any], network: Network) -> Iterator[str]:
    why = "a paper installation uses no proxy" if network.environment == PAPER else NOT_A_PROXY
    for name in sorted({"httpsProxy", "wssProxy"} & options.keys()):
        if not network.allows_proxy(origin_of(options[name])):
            yield f"the option {name}: {refused_address(options[name], network.environment, why)}"


def _wrong_test_network(exchange: str, options: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    if exchange in WITHOUT_TEST_NETWORK:
        yield f"the exchange {exchange} has no test network in ccxt with a spot market and its streams"
    elif "sandbox" in options and names:
        yield "sandbox and urls.api together: the addresses of the test network come from ccxt; leave urls out"
    elif "sandbox" not in options and not names:
        yield (
            f"the options do not choose the test network: ccxt would reach the real {exchange}; "
            'set {"sandbox": true}'
        )


def _leaves(tree: object) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for inner in tree.values():
            yield from _leaves(inner)
    else:
        yield str(tree)


def _short(name: object) -> str:
    return shortened("".join(character if character.isprintable() else "?" for character in str(name)))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMES_SHOWN:,} more" if len(names) > MAX_NAMES_SHOWN else ""
    return ", ".join(names[:MAX_NAMES_SHOWN]) + more
