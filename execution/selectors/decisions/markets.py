"""The reads of a market session: its venue, and the symbols in which the desk trades at that venue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from execution.core.addresses import Network
from execution.models import Account, Installation, Venue
from execution.selectors.network import network_of


@dataclass(frozen=True, slots=True)
class MarketDetails:
    """The facts that a market session needs to watch a venue. They include no exchange key."""

    pk: int
    label: str
    exchange: str
    options: dict[str, Any]
    symbols: tuple[str, ...]
    #: The hosts that the client may reach.
    network: Network


def market_details(venue_pk: int) -> MarketDetails | None:
    """Return the venue with the symbols of its open accounts; None if there is nothing to watch."""
    venue = Venue.objects.filter(pk=venue_pk).first()
    if venue is None:
        return None
    environment = Installation.objects.get().environment
    accounts = Account.objects.filter(venue=venue, environment=environment, is_active=True)
    symbols = {symbol for listed in accounts.values_list("symbols", flat=True) for symbol in listed}
    if not symbols:
        return None
    return MarketDetails(
        pk=venue.pk,
        label=venue.label,
        exchange=venue.exchange,
        options=venue.options,
        symbols=tuple(sorted(symbols)),
        network=network_of(environment),
    )
