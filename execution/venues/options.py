"""The translation of a venue's options into ccxt's configuration.

If the options give addresses, ccxt can reach no other addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from execution.venues.spec import ExchangeSpec

#: Closed addresses. Nothing listens on the discard port, so this machine itself refuses a stray request.
CLOSED_HTTP = "http://127.0.0.1:9/closed"
CLOSED_WEBSOCKET = "ws://127.0.0.1:9/closed"


def configuration(
    *,
    spec: ExchangeSpec,
    options: Mapping[str, Any],
    api_key: str,
    secret: str,
    passphrase: str | None,
    timeout: float,
) -> dict[str, Any]:
    """Return the argument for ccxt's constructor, from allowed options. ``timeout`` is in seconds."""
    forced: dict[str, Any] = {
        "apiKey": api_key,
        "secret": secret,
        "timeout": int(timeout * 1000),
        "enableRateLimit": False,  # ours stands before the last check, ccxt's would stand behind it
        "newUpdates": True,
        "enableLastHttpResponse": False,  # kraken's cancel would read another request's answer there
        "options": {"maxRetriesOnFailure": 0},  # a create that failed is never sent again by a library
    }
    if passphrase is not None:
        forced["password"] = passphrase
    return merged(merged(spec.config, options), forced)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return a new nested mapping with the values of both. Where both have a value, ``above`` wins."""
    tree = dict(below)
    for key, value in above.items():
        under = tree.get(key)
        both_trees = isinstance(value, Mapping) and isinstance(under, Mapping)
        tree[key] = merged(under or {}, value) if both_trees else value
    return tree


def closed_except(addresses: Any, given: Any) -> Any:
    """Return ``addresses`` (ccxt's ``urls["api"]``) with every address closed that ``given`` does not override.

    So if the options name one host, the desk never contacts another host, even if a new ccxt release adds one.
    """
    if isinstance(addresses, Mapping):
        inner = given if isinstance(given, Mapping) else {}
        return {key: closed_except(value, inner.get(key)) for key, value in addresses.items()}
    if isinstance(given, str):
        return given
    is_websocket = isinstance(addresses, str) and addresses.startswith("ws")
    return CLOSED_WEBSOCKET if is_websocket else CLOSED_HTTP


def is_closed(address: object) -> bool:
    return address in (CLOSED_HTTP, CLOSED_WEBSOCKET)
