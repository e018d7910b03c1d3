"""The sentence that is asked before sending: who, what, where, until when, and at what limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard.sentences import order_sentence
from execution.core.plans import Plan, SlicePlan
from execution.core.terms import parse_order_request, parse_parameters
from execution.core.types import Market
from execution.models import Account
from execution.services.orders import Preview

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
    **parameters: Any,
) -> Preview:
    parameters = parameters or {"duration": "01:00:00"}
    raw = {
        "symbol": "BTC/USDT",
        "side": "sell",
        "quantity": "2.5",
        "unit": "base",
        "algorithm": "twap",
        "accounts": ["abcd1234"],
        "limit_price": limit,
        "parameters": parameters,
    }
    end = start + timedelta(hours=hours)
    return Preview(
        request=parse_order_request(raw),
        now=NOW,
        accounts=tuple(Account(label=label) for label in labels),
        market=MARKET,
        parameters=parse_parameters("twap", parameters),
        start_at=start,
        end_at=end,
        quantity=Decimal("2.5"),
        plan=Plan((SlicePlan(1, start, end, Decimal("2.5")),)),
    )


def test_it_names_account_end_and_limit() -> None:
    assert order_sentence(preview(limit="65200")) == (
        "SELL 2.5 BTC for USDT on alpha, by TWAP in 1 slice over 1 h, "
        "starting at once, ending at 23:30:00 UTC if sent now, limit: never below 65,200 USDT."
    )


def test_it_names_every_account() -> None:
    sentence = order_sentence(preview(labels=("alpha", "beta", "gamma")))
    assert "on alpha, beta or gamma (each slice where it is cheapest after fees), by TWAP" in sentence


def test_no_limit_is_said() -> None:
    assert order_sentence(preview()).endswith(", no limit price.")


def test_an_end_on_another_day_has_its_day_and_a_fixed_one_does_not_move() -> None:
    sentence = order_sentence(preview(hours=2, end_at="2026-04-01T00:30:00+00:00"))
    assert "starting at once, ending at 1 April 00:30:00 UTC, no" in sentence


def test_a_later_start_is_said() -> None:
    sentence = order_sentence(preview(start=NOW + timedelta(minutes=15)))
    assert "starting at 22:45:00 UTC, ending at 23:45:00 UTC," in sentence


@pytest.mark.parametrize("missing", ["accounts", "market", "start_at", "end_at", "quantity"])
def test_without_a_plan_nothing_is_said(missing: str) -> None:
    unknown = preview()
    setattr(unknown, missing, None)
    assert order_sentence(unknown) == ""
