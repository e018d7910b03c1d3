"""POV and IS in rows: launched with what they need to know, refused before anything exists without it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from execution.core.problems import Refused
from execution.models import MarketSample, Order
from execution.services.engine.apply_decision import Applied
from tests.factories import NOW, D, Rows

POV: dict[str, Any] = {"algorithm": "pov", "parameters": {"duration": "1h", "participation_rate": "0.1"}}
IS: dict[str, Any] = {
    "algorithm": "is",
    "parameters": {"duration": "1h", "volatility": "0.03", "impact_bp": "20", "risk_aversion": "0.001"},
}
HOLE = "; the market's volume is not known for 20 s since the start, which are left out"


def test_a_pov_order_waits_while_the_markets_volume_is_unknown(rows: Rows) -> None:
    order = rows.working(**POV)
    assert rows.step(order, now=NOW + timedelta(minutes=1)) is Applied.DONE
    order.refresh_from_db()
    assert "the market's volume since the start is not known" in order.why
    assert not order.children.exists()
    assert order.forecast["participation_rate"] == "0.1"


def test_a_pov_order_goes_on_with_the_volume_that_is_known_until_that_is_too_old(rows: Rows) -> None:
    order = rows.working(**POV)
    MarketSample.objects.bulk_create(
        MarketSample(
            venue=rows.venue,
            symbol=order.symbol,
            second=NOW + timedelta(seconds=second),
            volume=None if 10 <= second < 30 or second >= 50 else D("0.01"),
        )
        for second in range(60)
    )
    assert rows.step(order, now=NOW + timedelta(seconds=81)) is Applied.DONE
    order.refresh_from_db()
    assert order.why == "waits: the market's volume since 12:00:50 UTC is not known" + HOLE
    assert not order.children.exists()
    assert rows.step(order, now=NOW + timedelta(seconds=60)) is Applied.DONE
    order.refresh_from_db()
    assert order.why.endswith(HOLE)
    # Others are known to have traded 0.3 in 30 of 50 s: a tenth of all is a ninth of that.
    assert order.children.get().quantity == D("0.03333")


@pytest.mark.parametrize("rate", ["0", "1.1"])
def test_a_participation_of_nothing_or_above_everything_is_refused(rows: Rows, rate: str) -> None:
    with pytest.raises(Refused) as caught:
        rows.submit(algorithm="pov", parameters={"duration": "1h", "participation_rate": rate})
    assert [problem.field for problem in caught.value.problems] == ["participation_rate"]
    assert not Order.objects.exists()


def test_an_is_order_keeps_its_forecast_and_rests_its_first_slice(rows: Rows) -> None:
    order = rows.working(**IS)
    assert order.forecast["expected_cost"] > 0
    quantities = list(order.slices.order_by("number").values_list("quantity", flat=True))
    assert sum(quantities) == D("0.3")
    assert quantities[0] > quantities[-1]
    rows.step(order, now=NOW)
    assert order.children.get().quantity <= quantities[0]


def test_an_is_order_in_a_market_without_history_is_refused(rows: Rows) -> None:
    with pytest.raises(Refused, match=r"too few to estimate the volatility\. Give the volatility yourself"):
        rows.submit(algorithm="is", parameters={"duration": "1h"})
    assert not Order.objects.exists()
