"""An account whose stored options are refused now: it says so, is not tried for ever, and nobody else suffers."""

from __future__ import annotations

from collections import Counter

import pytest

from execution.core.states import OrderStatus
from execution.models import Account, Credential, Venue
from execution.selectors.decisions.sessions import AccountDetails
from execution.venues.protocol import Gateway
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.engine.running import EngineThread, World, check_against_ledger


@pytest.fixture
def opened() -> Counter[str]:
    return Counter()


@pytest.fixture
def engine(world: World, opened: Counter[str]) -> EngineThread:
    def counted(details: AccountDetails) -> Gateway:
        opened[details.label] += 1
        return world.gateway(details)

    return EngineThread(counted)


def test_accounts_that_lie_are_refused_once_while_the_one_beside_them_trades(
    exchange: Exchange, world: World, engine: EngineThread, opened: Counter[str]
) -> None:
    exchange.add_accounts(["good"])
    lies = {
        "live": {"hostname": "binance.com"},
        "proxy": {"httpsProxy": ""},
        "sandbox": {"sandbox": True},
        "elsewhere": {"urls": {"api": {"public": "https://api.binance.com/api/v3"}}},
        "secret": {**exchange.options, "options": {"headers": {"X-MBX-APIKEY": "open"}}},
    }
    good = world.account("good")
    for label, options in lies.items():
        venue = Venue.objects.create(label=label, exchange="kraken", options=options)
        world.account(label, venue)
    engine.start()
    try:
        world.wait_open([good])
        order = world.submit(good)
        wait_until(
            lambda: Credential.objects.filter(state="refused").count() == len(lies),
            within=20,
            what="the refusals",
        )
        world.wait_final([order], within=40)
        order.refresh_from_db()
        assert order.status == OrderStatus.COMPLETED
        check_against_ledger(order, exchange.ledger())
    finally:
        engine.stop()
    assert opened == {"good": 1, **dict.fromkeys(lies, 1)}
    for account in Account.objects.exclude(label="good"):
        assert account.error.startswith("the account cannot be opened: "), account.label
        assert account.error in account.credentials.get().error
