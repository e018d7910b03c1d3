"""The guarantees of exchanges: every promise has its source, and the page that shows them equals the code."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.guarantees import GUARANTEES, UNKNOWN, guarantees_of
from execution.core.guarantees.promise import (
    CALL_BUDGET,
    SAFETY,
    Basis,
    Promise,
    assumed,
    documented,
)

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "reference" / "guarantees.md"
REWRITE = "uv run python -m tests.core.test_guarantees"
SECOND = timedelta(seconds=1)

MEANINGS = {
    "shortest_window": "The shortest validity that a create can be sent with. The exchange refuses it later.",
    "latest_arrival": "How long after it was sent a create without a validity can still be accepted.",
    "listing_delay": "The longest until an accepted order or a trade stands in the lists.",
    "ended_kept": "How long an ended order with fills can be looked up.",
    "cancelled_kept": "How long an order that was cancelled without a fill can be looked up.",
    "trades_kept": "How long own trades can be listed.",
    "post_only": "The end of a post-only order that would take.",
    "create_answer": "What the answer to a create says.",
    "cancel_by": "The ids by which an order can be cancelled.",
    "open_orders": "The most open orders of one symbol.",
    "streams_trades": "Whether the private stream tells trades. Else they are read. It tells each order's figure.",
    "dead_mans_switch": "For how long the dead-man's switch can be armed. Then it cancels every open order.",
}


def document() -> str:
    """Return what docs/reference/guarantees.md must say."""
    parts = [
        "# What exchanges guarantee",
        "",
        f"Generated from `execution/core/guarantees/` by `{REWRITE}`; a test holds them equal.",
        "",
        "The engine and the fault simulation read these lines. Each says how it is known: *measured* by somebody,",
        "*documented* by the exchange, or *assumed*. This project has measured nothing on a live exchange.",
        "",
        "| line | meaning |",
        "| --- | --- |",
        *(f"| {name.replace('_', ' ')} | {MEANINGS[name]} |" for name, _ in UNKNOWN.promises()),
        "",
        f"That no order is sent twice rests on {', '.join(name.replace('_', ' ') for name in SAFETY)}.",
        "A live account sends no new order before an admin has accepted those of them that are only assumed",
        "([keys](../how-to/keys.md#what-is-only-assumed)).",
    ]
    for exchange_id, guarantees in GUARANTEES.items():
        parts += [
            "",
            f"## {exchange_id}",
            "",
            "| line | value | known by | source |",
            "| --- | --- | --- | --- |",
        ]
        parts += [
            f"| {name.replace('_', ' ')} | {one.words} | {one.basis} | {one.source} |"
            for name, one in guarantees.promises()
        ]
    return "\n".join([*parts, ""])


def test_the_page_is_the_code() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), f"run {REWRITE}"


@pytest.mark.parametrize("exchange_id", GUARANTEES)
def test_every_promise_has_a_source(exchange_id: str) -> None:
    for name, one in guarantees_of(exchange_id).promises():
        assert isinstance(one, Promise), name
        assert one.source, name


@pytest.mark.parametrize(
    ("exchange_id", "seconds"),
    [
        ("binance", 1), ("okx", 1), ("bybit", 1), ("kucoin", 1), ("gate", 1), ("bitget", 1),
        ("kraken", 2.5), ("coinbase", 120),
    ],
)  # fmt: skip
def test_how_long_a_create_may_be_under_way(exchange_id: str, seconds: float) -> None:
    assert guarantees_of(exchange_id).arrives_within == timedelta(seconds=seconds)


def test_nothing_bounds_a_create_of_an_exchange_that_nobody_knows() -> None:
    assert guarantees_of("nowhere") is UNKNOWN
    assert UNKNOWN.arrives_within is None
    assert set(UNKNOWN.assumed_for_safety()) == set(SAFETY)


spans = st.timedeltas(timedelta(milliseconds=1), timedelta(minutes=5))


@given(st.none() | spans, st.none() | spans, spans)
def test_a_create_is_never_valid_for_longer_than_it_may_arrive(
    shortest: timedelta | None, latest: timedelta | None, left: timedelta
) -> None:
    guarantees = replace(
        UNKNOWN, shortest_window=documented(shortest, "here"), latest_arrival=assumed(latest, "here")
    )
    within = guarantees.arrives_within
    if shortest is None:
        assert within == latest
        return
    sent_with = guarantees.validity(min(CALL_BUDGET, left))
    assert within is not None
    assert shortest <= sent_with <= within


def test_what_is_assumed_is_named() -> None:
    kraken = guarantees_of("kraken")
    assert kraken.assumed_for_safety() == ("trades_kept",)
    measured = replace(kraken, trades_kept=Promise(SECOND, Basis.MEASURED, "here"))
    assert measured.assumed_for_safety() == ()


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
