"""The parts of a running paper exchange that only the kraken dialect uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from execution.paper.connections import Connections
from execution.paper.exchange import Exchange, LevelChanges
from execution.paper.faults import Faults
from execution.paper.kraken.counters import Counters
from execution.paper.kraken.market_feeds import MarketFeeds
from execution.paper.kraken.user_feeds import UserFeeds


@dataclass(slots=True)
class KrakenParts:
    counters: Counters
    market_feeds: MarketFeeds
    user_feeds: UserFeeds

    def tick(self, changed: Mapping[str, LevelChanges]) -> None:
        """Publish the books and heartbeats of one step of the markets."""
        self.market_feeds.tick(changed)
        self.user_feeds.tick()


def kraken_parts(exchange: Exchange, connections: Connections, faults: Faults) -> KrakenParts:
    return KrakenParts(
        Counters(), MarketFeeds(exchange, connections), UserFeeds(exchange, connections, faults)
    )
