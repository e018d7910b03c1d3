"""The guarantees of exchanges: every promise has its source, and the page that shows them equals the code."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
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
    "shortest_window": "The shortest validity that the desk can send with a create. "
    "When this time is over, the exchange refuses the create.",
    "latest_arrival": "How long after sending the exchange can still accept a create that has no validity.",
    "listing_delay": "How long it takes at most until an accepted order, or a trade, appears in the exchange's lists.",
    "ended_kept": "How long after its end the desk can look up an order that has fills.",
    "cancelled_kept": "How long after its end the desk can look up an order that was cancelled without a fill.",
    "trades_kept": "How long after a trade the desk can still find it in the list of the account's trades.",
    "post_only": "What the exchange does with a post-only order that would trade at once instead of resting.",
    "create_answer": "What the answer to a create has: the whole order with its fills, or its ids only.",
    "cancel_by": "The ids by which the desk can cancel an order: either the exchange's id or the desk's own, "
    "or only the exchange's.",
    "open_orders": "How many orders of one symbol can be open at most.",
    "streams_trades": "Whether the private stream (the exchange's websocket for an account's own orders) reports "
    "trades. If not, it reports each order's filled quantity, and the desk reads the trades from a list.",
    "dead_mans_switch": "For how long the desk can arm the dead-man's switch, a timer at the exchange. "
    "When the time is over, the exchange cancels every open order of the account.",
}


def about(exchange_id: str) -> str:
    """Return the sentences on an exchange's market and documents, from the docstring of its guarantees."""
    text = import_module(f"execution.core.guarantees.{exchange_id}").__doc__ or ""
    found = re.fullmatch(r"Guarantees of \w+ \((.+?)\)\. (.+)", text)
    assert found, exchange_id
    return f"The lines hold for {found[1]}. In the sources, {found[2]}"


def document() -> str:
    """Return what docs/reference/guarantees.md must say."""
    parts = [
        "# What exchanges guarantee",
        "",
        "This page lists what each exchange promises about orders, and how each promise is known. Each line of a",
        "table is one promise. The engine and the fault simulation rely on these lines. A promise is *measured* by",
        "somebody, *documented* by the exchange, or *assumed*. This project has measured nothing on a live exchange.",
        "",
        f"The page is generated from `execution/core/guarantees/` by `{REWRITE}`.",
        "A test checks that the page and the code are equal.",
        "",
        "A *create* is the request that places an order. Its *validity* is the time for which the exchange may",
        "accept it. After that time the exchange refuses the create. The [glossary](glossary.md) has the desk's",
        "other words.",
        "",
        "| line | meaning |",
        "| --- | --- |",
        *(f"| {name.replace('_', ' ')} | {MEANINGS[name]} |" for name, _ in UNKNOWN.promises()),
        "",
        "The value *unknown, or none* means that nobody knows the value, or that the exchange does not offer what",
        "the line is about.",
        "*Without an end* means that the exchange keeps the orders or trades for ever.",
        "In a source, a number such as -2013 or 50102 is an error code of the exchange. A name such as ccxt#1786",
        "is an entry in the issue tracker of that project.",
        "",
        "The desk never sends an order twice. For this it relies on the lines",
        f"{', '.join(name.replace('_', ' ') for name in SAFETY[:-1])} and {SAFETY[-1].replace('_', ' ')}.",
        "Where one of these lines is only assumed, a live account sends no new order before an admin has accepted",
        "it ([what is only assumed](../how-to/keys.md#what-is-only-assumed)).",
    ]
    for exchange_id, guarantees in GUARANTEES.items():
        parts += [
            "",
            f"## {exchange_id}",
            "",
            about(exchange_id),
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
