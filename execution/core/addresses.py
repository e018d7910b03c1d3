"""Addresses of exchanges: their parsing, and the check that this installation may reach them. No name is resolved."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from execution.core.numbers import shortened

#: The only accepted form of an address. Any other text is refused, even if a library could read it as an address.
ADDRESS = re.compile(
    r"(?P<scheme>https|http|wss|ws)://"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~/-]*)?"
)
HOST_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
LAST_PORT = 65535
MAX_ADDRESS_SHOWN = 120

#: The environments of ``execution.models.Environment``.
PAPER, TESTNET, LIVE = "paper", "testnet", "live"
NOT_A_PAPER_HOST = "it is not on this machine, and TRANCHE_PAPER_HOSTS does not name it"
NOT_A_PROXY = "TRANCHE_PROXY_HOSTS does not name it as a proxy"


@dataclass(frozen=True, slots=True)
class Origin:
    """The machine that an address leads to: encrypted or not, the host in lower case, and the port."""

    is_encrypted: bool
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Network:
    """The hosts that an installation may reach, by its environment and its settings.

    ``paper_hosts`` are exchanges of a paper installation that are not on this machine. ``proxy_hosts`` are proxies on
    the way to an exchange; a paper installation uses none. ``alert_hosts`` receive alerts.
    """

    environment: str
    paper_hosts: frozenset[str] = frozenset()
    proxy_hosts: frozenset[str] = frozenset()
    alert_hosts: frozenset[str] = frozenset()

    def allows_paper(self, origin: Origin) -> bool:
        return origin.is_loopback or origin.host in self.paper_hosts

    def allows_proxy(self, origin: Origin) -> bool:
        return self.environment != PAPER and origin.host in self.proxy_hosts

    def allows_alert(self, origin: Origin) -> bool:
        """Return True if an alert may be sent to ``origin``. A paper installation may also send to this machine."""
        return origin.host in self.alert_hosts or (self.environment == PAPER and origin.is_loopback)


#: The network of a paper installation that allows no host by name.
ONLY_LOOPBACK = Network(PAPER)


def origin_of(address: object) -> Origin:
    """Parse ``address``; raises ``ValueError``, with the address, if its shape is not understood."""
    found = ADDRESS.fullmatch(address) if isinstance(address, str) else None
    if found is None and isinstance(address, str) and "@" in address:
        raise ValueError(f"the address {shown(address)} has a user or a password in it: keys go in sealed")
    if found is None:
        raise ValueError(f"{shown(address)} is not an address such as https://host:port/path")
    is_encrypted = found["scheme"] in {"https", "wss"}
    port = int(found["port"] or (443 if is_encrypted else 80))
    if not 1 <= port <= LAST_PORT:
        raise ValueError(f"the address {shown(address)}: a port is 1 to {LAST_PORT}")
    return Origin(is_encrypted, found["host"].strip("[]").lower(), port)


def shown(address: object) -> str:
    """Return the address for display: shortened, without user, password and query."""
    if not isinstance(address, str):
        return f"a {type(address).__name__}"
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "", address
    rest = re.split(r"[?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    return repr(shortened(scheme + separator + rest, MAX_ADDRESS_SHOWN))


def refused_address(address: object, environment: str, why: str) -> str:
    """Return the sentence with which every check of addresses refuses ``address`` for the reason ``why``."""
    return f"the address {shown(address)} is refused in this {environment} installation: {why}"
