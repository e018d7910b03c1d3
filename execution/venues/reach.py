"""The addresses that a ccxt client may reach, by the installation's environment: paper, testnet or live.

There are two checks. When a client is made, all addresses that ccxt has resolved are checked. When the client sends,
the address and the proxy of each request are checked again. The second check also finds an address that has changed
since, or one that comes from an exchange's answer.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import yarl
from ccxt.base import errors as ccxt_errors

from execution.core.addresses import (
    LIVE,
    NOT_A_PAPER_HOST,
    NOT_A_PROXY,
    PAPER,
    TESTNET,
    Network,
    Origin,
    origin_of,
    shown,
)
from execution.venues.ccxt_packages import exchange_class
from execution.venues.exchanges import spec_of
from execution.venues.options import closed_except, is_closed
from execution.venues.spec import ExchangeSpec

#: Proxies that may be set, and ccxt's other ways to set one.
ALLOWED_PROXIES = ("httpsProxy", "wssProxy")
OTHER_PROXIES = (
    *("proxy", "proxyUrl", "proxy_url", "proxyUrlCallback", "proxy_url_callback", "proxies", "aiohttp_proxy"),
    *("httpProxy", "http_proxy", "httpProxyCallback", "http_proxy_callback"),
    *("https_proxy", "httpsProxyCallback", "https_proxy_callback"),
    *("socksProxy", "socks_proxy", "socksProxyCallback", "socks_proxy_callback"),
    *("wsProxy", "ws_proxy", "wss_proxy", "wsSocksProxy", "ws_socks_proxy"),
    *("aiohttp_trust_env", "trust_env", "session"),
)
#: The names under which ccxt keeps addresses of a test network: in ``urls``, and for bitget in ``urls["api"]`` beside
#: the live ones.
TEST_TREES = ("test", "demo", "demotrading")
REDIRECTS = range(300, 400)


class AddressRefused(ccxt_errors.NotSupported):  # type: ignore[misc]  # ccxt is untyped
    """The error for a request to an address that this installation may not reach. Nothing was sent."""


class RedirectRefused(ccxt_errors.BadResponse):  # type: ignore[misc]
    """The error for an answer that is a redirect. The redirect is not followed, and proves nothing about the order."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The addresses of one exchange that one installation may reach."""

    exchange_id: str
    network: Network
    #: The addresses of the live exchange and of its test network, as ccxt ships them.
    live: frozenset[Origin]
    test: frozenset[Origin]
    spec: ExchangeSpec

    def refusal(self, origin: Origin) -> str | None:
        """Return the reason why ``origin`` may not be reached; None if it may.

        A host that the live exchange and the test network share may be reached from a testnet. Each request to such a
        host needs the header of the test network.
        """
        if self.network.environment == PAPER:
            if origin.host in {own.host for own in self.live}:
                return f"it is a live host of {self.exchange_id}"
            if not self.network.allows_paper(origin):
                return NOT_A_PAPER_HOST
        elif self.network.environment == TESTNET:
            if origin not in self.test - self.live and not self.is_shared(origin):
                return f"ccxt does not know it as a test host of {self.exchange_id}"
        elif self.network.environment != LIVE:
            return f"nobody knows what {self.network.environment!r} may reach"
        elif origin not in self.live:
            return f"ccxt does not ship it as a host of {self.exchange_id}"
        return None

    def is_shared(self, origin: Origin) -> bool:
        """Return True if live and test network share this host, so that only a header tells them apart."""
        return self.spec.test_header is not None and origin in self.live

    def _is_named_stream(self, url: yarl.URL) -> bool:
        """Return True for a websocket of the live exchange on a host within the spec's ``own_domain``.

        ccxt does not ship the address of such a host. The address comes in an answer of the exchange.
        """
        if self.network.environment != LIVE or self.spec.own_domain is None or url.scheme != "wss":
            return False
        return (url.raw_host or "").endswith(f".{self.spec.own_domain}")

    async def guard(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Check each request of a session before it is sent. Raise ``RedirectRefused`` if the answer is a redirect."""
        self.refuse_request(request)
        response = await handler(request)
        if response.status in REDIRECTS:
            response.close()
            where = shown(response.headers.get("Location", ""))
            raise RedirectRefused(
                f"{self.exchange_id} answered {response.status}, a redirect to {where}: it is not followed"
            )
        return response

    def refuse_request(self, request: aiohttp.ClientRequest) -> None:
        url = request.url
        origin = _origin_of_url(url)
        why = None if self._is_named_stream(url) else self.refusal(origin)
        if why := why or self._wrong_mark(request, origin):
            raise AddressRefused(self._words(str(url.origin()), why))
        if request.proxy is not None and not self.network.allows_proxy(_origin_of_url(request.proxy)):
            raise AddressRefused(self._words(str(request.proxy.origin()), NOT_A_PROXY))

    def _wrong_mark(self, request: aiohttp.ClientRequest, origin: Origin) -> str | None:
        """Return a problem if the header that marks a test request is missing, or is set on a live request."""
        if self.spec.test_header is None:
            return None
        name, value = self.spec.test_header
        is_marked = request.headers.get(name) == value
        if self.network.environment == LIVE and name in request.headers:
            return f"the request has the header {name} of the test network"
        if self.network.environment != TESTNET or is_marked or not self.is_shared(origin):
            return None
        # bitget's question for the time is not marked; it is not signed either.
        is_signed = any(header.upper().endswith("ACCESS-KEY") for header in request.headers)
        if is_signed or request.url.scheme not in {"http", "https"}:
            return f"the request lacks the header {name} of the test network"
        return None

    def _words(self, address: str, why: str) -> str:
        return (
            f"the address {shown(address)} is refused in this {self.network.environment} installation: {why}"
        )

    def close_unused(self, client: Any) -> None:
        """Make addresses of ``client`` unusable that belong to the other environment and that ccxt does not use in
        this one.
        """
        names = self.spec.closed_in_test if self.network.environment == TESTNET else TEST_TREES
        api = client.urls["api"]
        client.urls["api"] = {
            name: closed_except(tree, None) if name in names else tree for name, tree in api.items()
        }

    def refuse_client(self, client: Any) -> None:
        """Raise ``ValueError``, naming the address, unless every address of ``client`` may be reached."""
        self._refuse_mode(client)
        for place, address in _leaves(client.urls.get("api"), "urls.api"):
            if is_closed(address):
                continue
            resolved = client.implode_hostname(address) if isinstance(address, str) else address
            try:
                origin = origin_of(resolved)
            except ValueError as error:
                raise ValueError(f"{place} of {self.exchange_id}: {error}") from None
            why = self.refusal(origin)
            if self.network.environment == TESTNET and origin in self.live and resolved.startswith("ws"):
                why = f"it is a live stream of {self.exchange_id}"  # only a request can carry the header
            if why:
                raise ValueError(self._words(resolved, why))
        self._refuse_proxies(client)

    def _refuse_mode(self, client: Any) -> None:
        """Raise ``ValueError`` for ccxt's test mode outside a testnet, and on a shared host of a testnet without that
        mode.
        """
        names = ("sandboxMode", "sandbox", "testnet", "enableDemoTrading")
        is_test = client.isSandboxModeEnabled or any(client.options.get(name) for name in names)
        if is_test and self.network.environment != TESTNET:
            raise ValueError(
                f"ccxt is in its test mode, and this is a {self.network.environment} installation"
            )
        if self.network.environment == TESTNET and self.spec.test_header and not is_test:
            raise ValueError(
                f"the test network of {self.exchange_id} is at its live hosts, told apart by a header: "
                'set {"sandbox": true}, or ccxt would trade for real'
            )

    def _refuse_proxies(self, client: Any) -> None:
        for name in ALLOWED_PROXIES:
            proxy = getattr(client, name)
            if proxy is not None and not self.network.allows_proxy(origin_of(proxy)):
                raise ValueError(f"{name}: {self._words(proxy, NOT_A_PROXY)}")
        for name in OTHER_PROXIES:
            if getattr(client, name, None):
                raise ValueError(f"{name} is set: only {' and '.join(ALLOWED_PROXIES)} may be")


@functools.cache
def reach_of(exchange_id: str, network: Network) -> Reach:
    """Return the addresses of an exchange that ``network`` may reach, read from ccxt's unchanged class."""
    spec = spec_of(exchange_id)
    shipped = exchange_class(exchange_id)()
    hostnames = {shipped.hostname, *spec.hostnames}
    api: Mapping[str, Any] = shipped.urls["api"]
    test_inside = {name: tree for name, tree in api.items() if name in TEST_TREES}
    own = {name: tree for name, tree in api.items() if name not in TEST_TREES}
    tests = {"inside": test_inside, **{name: shipped.urls.get(name) for name in TEST_TREES}}
    return Reach(exchange_id, network, _origins(own, hostnames), _origins(tests, hostnames), spec)


def _origins(tree: Any, hostnames: set[str | None]) -> frozenset[Origin]:
    """Return the origins of all addresses in ccxt's nested ``tree``, for each of the exchange's ``hostnames``."""
    return frozenset(
        origin_of(address.replace("{hostname}", name or ""))
        for _, address in _leaves(tree, "")
        if isinstance(address, str)
        for name in hostnames
    )


def _leaves(tree: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield every value in nested mappings, with its path such as ``urls.api.ws``."""
    if isinstance(tree, Mapping):
        for name, inner in tree.items():
            yield from _leaves(inner, f"{place}.{name}")
    else:
        yield place, tree


def _origin_of_url(url: yarl.URL) -> Origin:
    """Return the origin to which aiohttp will connect."""
    return Origin(url.scheme in {"https", "wss"}, (url.raw_host or "").lower(), url.port or 0)
