"""The address that a request came from."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the address of the client; "" if there is none, such as over a Unix socket.

    ``X-Forwarded-For`` is read only if a proxy of ``TRUSTED_PROXIES`` sent the request. Its addresses are read from
    the right. The first one that is not a trusted proxy is the client. The client may have invented all addresses
    further left.
    """
    address = str(request.META.get("REMOTE_ADDR") or "")
    if not _is_trusted(address):
        return address
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if not (hop := hop.strip()):
            continue
        if not _is_address(hop):
            break
        address = hop
        if not _is_trusted(hop):
            break
    return address


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted(text: str) -> bool:
    return _is_address(text) and any(ip_address(text) in network for network in settings.TRUSTED_PROXIES)
