"""Age of the quote at decisions, with 200 orders in 50 symbols of one account.

``uv run pytest -s tests/benchmarks/quote_age.py`` prints it, with the time from an engine's start to its first quotes.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from execution.core.algorithms.decide import decide
from execution.core.orders.view import Decision, OrderView
from execution.engine import order_driver
from execution.models import Account
from tests.desk.running import wait_until
from tests.engine.exchange import BALANCES, Exchange
from tests.engine.running import EngineThread, World

SYMBOLS = 50
ORDERS = 200
SECONDS = 60.0
NAMES = [f"C{number:03}/USDT" for number in range(1, SYMBOLS + 1)]


@pytest.fixture
def exchange(tmp_path: Any) -> Any:
    running = Exchange(tmp_path / "paper", more_symbols=SYMBOLS)
    running.add_accounts(["wide"], BALANCES | {"USDT": "1000000000"})
    running.start()
    try:
        yield running
    finally:
        running.kill()


@pytest.mark.real_process
@pytest.mark.timeout(1800)
def test_age_of_quotes(world: World, engine: EngineThread, monkeypatch: pytest.MonkeyPatch) -> None:
    account = world.account("wide")
    Account.objects.filter(pk=account.pk).update(symbols=NAMES)
    ages: list[float] = []
    started = time.monotonic()

    def measured(view: OrderView) -> Decision:
        ages.extend(
            (view.now - venue.quote.at).total_seconds() for venue in view.accounts if venue.quote is not None
        )
        return decide(view)

    monkeypatch.setattr(order_driver, "decide", measured)
    engine.start()
    wait_until(
        lambda: world.venue.markets.filter(symbol__in=NAMES).count() == SYMBOLS, within=60, what="markets"
    )
    quotes = engine.quotes
    wait_until(
        lambda: all(quotes.quote_age(world.venue.pk, name) is not None for name in NAMES),
        within=60,
        what="quotes",
    )
    first = time.monotonic() - started
    parameters = {"duration": str(int(SECONDS) + 20), "slices": "8", "urgency": "0.5"}
    for number in range(ORDERS):
        world.submit(
            account, key=str(number), symbol=NAMES[number % SYMBOLS], quantity="20", parameters=parameters
        )
    ages.clear()
    time.sleep(SECONDS)
    found = sorted(ages)
    p50, p99 = (1000 * found[int(share * len(found))] for share in (0.5, 0.99))
    print(f"\nfirst quotes of {SYMBOLS} symbols after {first:.1f} s;", end=" ")
    print(f"age of the quote at {len(found)} decisions: p50 {p50:.0f} ms, p99 {p99:.0f} ms")
