"""The sentence that is asked before sending: who, what, where, until when, and at what limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.present.sentences import order_sentence
from execution.core.orders.plans import Plan, SlicePlan
from execution.core.orders.terms import parse_order_request, parse_parameters
from execution.core.types import Market, Side
from execution.models import Account
from execution.selectors.decisions.spending import Spending
from execution.services.orders.order_market import OrderMarket
from execution.services.orders.stages import PlannedOrder, Preview, RequestedTerms

NOW = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
MARKET = Market(
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.1"),
    lot=Decimal("0.0001"),
    min_quantity=Decimal("0.0001"),
    min_notional=Decimal(5),
    max_quantity=None,
    maker_fee=None,
    taker_fee=None,
)


def preview(
    start: datetime = NOW,
    hours: int = 1,
    limit: str = "",
    labels: tuple[str, ...] = ("alpha",),
    algorithm: str = "twap",
    **parameters: Any,
) -> Preview:
    parameters = parameters or {"duration": "01:00:00"}
    raw = {
        "symbol": "BTC/USDT",
        "side": "sell",
        "quantity": "2.5",
        "unit": "base",
        "algorithm": algorithm,
        "accounts": ["abcd1234"],
        "limit_price": limit,
        "parameters": parameters,
    }
    end = start + timedelta(hours=hours)
    quantity = Decimal("2.5")
    market = OrderMarket(
        side=Side.SELL,
        now=NOW,
        accounts=tuple(Account(label=label) for label in labels),
        markets={},
        limits=MARKET,
        quotes={},
        quote=None,
        spending=Spending("BTC", {}, {}),
        candles=(),
    )
    return Preview(
        request=parse_order_request(raw),
        now=NOW,
        market=market,
        terms=RequestedTerms(parse_parameters(algorithm, parameters), start, end, quantity),
        planned=PlannedOrder(plan=Plan((SlicePlan(1, start, end, quantity),))),
    )


def test_it_names_account_end_and_limit() -> None:
    assert order_sentence(preview(limit="65200")) == (
        "SELL 2.5 BTC for USDT on alpha, by TWAP in 1 slice over 1 h, "
        "starting at once, ending at 23:30:00 UTC if sent now, limit: never below 65,200 USDT."
    )


def test_it_names_every_account() -> None:
    sentence = order_sentence(preview(labels=("alpha", "beta", "gamma")))
    assert "on alpha, beta or gamma (each slice where the price is best after fees), by TWAP" in sentence


def test_no_limit_is_said() -> None:
    assert order_sentence(preview()).endswith(", no limit price.")


def test_an_end_on_another_day_has_its_day_and_a_fixed_one_does_not_move() -> None:
    sentence = order_sentence(preview(hours=2, end_at="2026-04-01T00:30:00+00:00"))
    assert "starting at once, ending at 1 April 00:30:00 UTC, no" in sentence


def test_a_later_start_is_said() -> None:
    sentence = order_sentence(preview(start=NOW + timedelta(minutes=15)))
    assert "starting at 22:45:00 UTC, ending at 23:45:00 UTC," in sentence


@pytest.mark.parametrize("missing", ["start_at", "end_at", "quantity"])
def test_without_all_terms_nothing_is_said(missing: str) -> None:
    known = preview()
    assert order_sentence(replace(known, terms=replace(known.terms, **{missing: None}))) == ""


def test_without_a_market_nothing_is_said() -> None:
    assert order_sentence(replace(preview(), market=None)) == ""


@pytest.mark.parametrize(
    ("algorithm", "parameters", "words"),
    [
        ("twap", {"urgency": "0.8"}, "by TWAP in 1 slice over 1 h, urgency 0.8, starting"),
        ("twap", {"participation_cap": "0.1"}, "at most 10 % of the market's volume"),
        ("twap", {"i_would_price": "66000"}, "all at once at 66,000 USDT or better"),
        ("twap", {"at_end": "stop"}, "leaving the remainder at the end"),
        (
            "vwap",
            {"lookback_days": "3"},
            "by VWAP in 1 slice over 1 h, by the market's volume of the last 3 days, starting",
        ),
        (
            "iceberg",
            {"visible_quantity": "0.5"},
            "by Iceberg showing at most 0.5 BTC within 1 h, following the book within 25 bp of arrival, starting",
        ),
        ("sor", {"shortfall": "refuse"}, "by SOR within 1 h, all or nothing, starting"),
        ("pov", {"participation_rate": "0.15"}, "at 15 % of the market's volume, starting"),
        ("is", {"risk_aversion": "0.01"}, "risk aversion 0.01, starting"),
    ],
)
def test_it_names_what_makes_the_order_its_own(
    algorithm: str, parameters: dict[str, Any], words: str
) -> None:
    assert words in order_sentence(preview(algorithm=algorithm, duration="01:00:00", **parameters))


def test_what_is_usual_is_not_said() -> None:
    assert "urgency" not in order_sentence(preview(duration="01:00:00", urgency="0.5", at_end="cross"))


def test_a_router_takes_from_all_accounts_at_once() -> None:
    sentence = order_sentence(preview(algorithm="sor", labels=("alpha", "beta"), duration="00:01:00"))
    assert "on alpha and beta, by SOR" in sentence
