"""A market whose streams are mute and whose trades nobody lists (T7): the real engine on a real paper exchange."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from execution.core.types import PublicTrade
from execution.models import MarketSample, Order
from execution.selectors.decisions.markets import MarketDetails
from execution.selectors.tca.reports import report_read
from execution.venues.market_gateway import CcxtMarketGateway
from execution.venues.protocol import MarketGateway, VenueReadFailed
from tests.desk.running import wait_until
from tests.engine.running import EngineThread, World, check_against_ledger, now, open_market
from tests.engine.test_volume import Ledger, watched

pytestmark = pytest.mark.real_process

DURATION = 75
HEARD_FOR = 15.0
#: Seconds around the cut: those that the last trade before it has not proven, and the one in which it was made.
EDGE = 4


@dataclass
class WithoutLists:
    """Opens real gateways without a list of public trades, as of an exchange that has none that reaches back."""

    opened: list[CcxtMarketGateway] = field(default_factory=list)

    def market(self, details: MarketDetails) -> MarketGateway:
        gateway = cast(CcxtMarketGateway, open_market(details))

        async def missed_trades(symbol: str, after: PublicTrade | None) -> list[PublicTrade]:
            raise VenueReadFailed("502 Bad Gateway")

        gateway.missed_trades = missed_trades  # type: ignore[method-assign]
        self.opened.append(gateway)
        return gateway


@pytest.fixture
def engine(world: World) -> Iterator[EngineThread]:
    running = EngineThread(world.gateway, open_market_of=WithoutLists().market)
    try:
        yield running
    finally:
        running.stop()
    assert not running.lost


def wait_why(order: Order, words: str) -> None:
    def says() -> bool:
        order.refresh_from_db()
        return words in order.why

    wait_until(says, within=50, what=f"the order to say {words!r}")


def test_a_silent_stretch_is_unknown_holds_a_pov_back_and_is_not_in_what_was_watched(
    world: World, engine: EngineThread
) -> None:
    world.exchange.add_accounts(["alpha"])
    account = world.account("alpha")
    engine.start()
    world.wait_open([account])
    time.sleep(3)
    ledger = Ledger(world.exchange)
    order = world.submit(
        account,
        algorithm="pov",
        quantity="50",
        parameters={"participation_rate": "0.1", "duration": str(DURATION), "urgency": "0.75"},
    )
    time.sleep(HEARD_FOR)
    world.exchange.control("POST", "streams/cut", {"silent_seconds": 600})
    cut = now()
    wait_why(order, "waits: the market's volume since")
    assert "is not known" in order.why
    counts = [order.children.count()]

    def holds_back() -> bool:  # trades that came before the cut may still be counted on a busy machine
        time.sleep(5)
        counts.append(order.children.count())
        return counts[-1] == counts[-2]

    wait_until(holds_back, within=20, what="the order to hold back")
    world.wait_final([order], within=DURATION)
    order.refresh_from_db()
    ledger.collect()
    assert order.started_at is not None
    start = order.started_at.replace(microsecond=0)
    before = watched(account.venue, ledger, start + timedelta(seconds=1), cut - timedelta(seconds=EDGE))
    assert before.known == 1
    assert before.difference < 0.1, "a trade at either edge"
    after = MarketSample.objects.filter(
        venue=account.venue, second__gt=cut + timedelta(seconds=1), volume__isnull=False
    )
    assert not after.exists(), "unknown is not zero"
    report = report_read(order.pk, now())
    assert report["watched"] is not None
    assert float(report["watched"]) * DURATION == pytest.approx((cut - start).total_seconds(), abs=EDGE)
    check_against_ledger(order, world.exchange.ledger())
