"""Recorded books and trades against the simulated markets, in the same figures.

``uv run python -m tests.benchmarks.recorded_markets FOLDER`` prints the tables of docs/explanation/simulation.md.
FOLDER has ``binance_gate_perp_20240508``, ``cryptofeed_ws`` and ``nautilus``; nothing of it is part of the project.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from execution.core.simulation.kinds import KINDS
from tests.core.simulation.market_facts import (
    LEVELS,
    BookFacts,
    Snapshot,
    Taken,
    TradeFacts,
    book_facts,
    simulated_facts,
    trade_facts,
)

SEEDS = 12


@dataclass
class Recorded:
    """A market's snapshots and trades. The tick is given where a short recording does not show it."""

    tick: float
    snapshots: list[Snapshot] = field(default_factory=list)
    trades: list[Taken] = field(default_factory=list)


class Depth:
    """A book that is kept by updates."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[float, float]] = {"bid": {}, "ask": {}}

    def change(self, side: str, price: str, size: str) -> None:
        if float(size):
            self.sides[side][float(price)] = float(size)
        else:
            self.sides[side].pop(float(price), None)

    def snapshot(self, at: float) -> Snapshot | None:
        bids = sorted(self.sides["bid"].items(), reverse=True)[:LEVELS]
        asks = sorted(self.sides["ask"].items())[:LEVELS]
        return Snapshot(at, bids, asks) if bids and asks and bids[0][0] < asks[0][0] else None


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt") as lines:
        yield from csv.DictReader(lines)


def perpetuals(folder: Path) -> dict[str, Recorded]:
    """Return Binance and Gate, 8 May 2024, 22 seconds; every book's best ten levels, several times a second."""
    ticks = {"BNBUSDT": (0.01, 0.05), "ETHUSDT": (0.01, 0.05), "SOLUSDT": (0.001, 0.001)}
    found: dict[str, Recorded] = {}
    for number, exchange in enumerate(("binance", "gate")):
        markets = {symbol: Recorded(tick[number]) for symbol, tick in ticks.items()}
        for row in _csv(folder / f"{exchange}_orderbook.csv.gz"):
            sides = [
                [(float(row[f"{side}_{n}_price"]), float(row[f"{side}_{n}_qty"])) for n in range(1, 11)]
                for side in ("bid", "ask")
            ]
            markets[row["symbol"]].snapshots.append(Snapshot(int(row["timestamp"]) / 1000, *sides))
        for row in _csv(folder / f"{exchange}_trade.csv.gz"):
            sign = 1 if row["side"] == "BUY" else -1
            taken = Taken(int(row["timestamp"]) / 1000, sign, float(row["price"]), float(row["qty"]))
            markets[row["symbol"]].trades.append(taken)
        found |= {f"{exchange.title()} {symbol} perpetual": market for symbol, market in markets.items()}
    return found


def _messages(path: Path) -> Iterator[tuple[float, dict[str, Any]]]:
    with gzip.open(path, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            if row.get("t") == "recv":
                yield row["ts"], json.loads(row["data"])


def coinbase(folder: Path) -> dict[str, Recorded]:
    """Return spot, 9 August 2026, 24 seconds of every update. Its trades name the maker's side."""
    depths: dict[str, Depth] = defaultdict(Depth)
    found: dict[str, Recorded] = defaultdict(lambda: Recorded(0.01))
    for at, message in _messages(folder / "COINBASE.jsonl.gz"):
        for event in message.get("events", []):
            if message["channel"] == "l2_data":
                name = event["product_id"]
                for update in event["updates"]:
                    side = "bid" if update["side"] == "bid" else "ask"
                    depths[name].change(side, update["price_level"], update["new_quantity"])
                if snapshot := depths[name].snapshot(at):
                    found[name].snapshots.append(snapshot)
            elif message["channel"] == "market_trades":
                for trade in event["trades"]:
                    sign = -1 if trade["side"] == "BUY" else 1
                    when = datetime.fromisoformat(trade["time"]).timestamp()
                    taken = Taken(when, sign, float(trade["price"]), float(trade["size"]))
                    found[trade["product_id"]].trades.append(taken)
    return {f"Coinbase {name}": market for name, market in found.items()}


def gemini(folder: Path) -> dict[str, Recorded]:
    """Return spot and perpetuals, 9 August 2026, 7 seconds of every update, with the last trades before."""
    ticks = {"ETHUSDCPERP": 0.05, "SOLUSD": 0.001, "BTCUSDT": 0.01}
    depths: dict[str, Depth] = defaultdict(Depth)
    found = {name: Recorded(tick) for name, tick in ticks.items()}
    for at, message in _messages(folder / "GEMINI.jsonl.gz"):
        market = found.get(message.get("symbol", ""))
        if market is None:
            continue
        for side, price, size in message.get("changes", []):
            depths[message["symbol"]].change("bid" if side == "buy" else "ask", price, size)
        if snapshot := depths[message["symbol"]].snapshot(at):
            market.snapshots.append(snapshot)
        for trade in [*message.get("trades", []), *([message] if message.get("type") == "trade" else [])]:
            sign = 1 if trade["side"] == "buy" else -1
            when = trade["timestamp"] / 1000 if "timestamp" in trade else at
            market.trades.append(Taken(when, sign, float(trade["price"]), float(trade["quantity"])))
    return {f"Gemini {name}": market for name, market in found.items()}


def bybit(folder: Path) -> dict[str, Recorded]:
    """Return the XRPUSDT perpetual, 1 December 2024, 5 seconds of every update; no trades."""
    depth, market = Depth(), Recorded(0.0001)
    with zipfile.ZipFile(folder / "bybit_xrpusdt-ob500.data.zip") as archive:
        for line in archive.read(archive.namelist()[0]).splitlines():
            row = json.loads(line)
            for key, side in (("b", "bid"), ("a", "ask")):
                for price, size in row["data"][key]:
                    depth.change(side, price, size)
            if snapshot := depth.snapshot(row["ts"] / 1000):
                market.snapshots.append(snapshot)
    return {"Bybit XRPUSDT perpetual": market}


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def row(name: str, book: BookFacts, trades: TradeFacts | None) -> str:
    cells = [
        _number(value)
        for value in (
            book.tick_bp,
            book.spread_ticks,
            book.spread_bp,
            book.touch,
            book.depth5,
            book.level_gap,
            book.volatility,
            book.volatility30,
            book.imbalance_correlation,
            book.imbalance_right,
        )
    ]
    flow = [None] * 4 if trades is None else [trades.per_second, trades.mean, trades.median, trades.same_side]
    return f"| {name} | {' | '.join([*cells, *map(_number, flow)])} |"


HEAD = (
    "| market | tick bp | spread ticks | spread bp | touch | five levels | gap ticks | volatility 1 s "
    "| 30 s | imbalance r | right | trades/s | mean | median | same side r |\n|" + " --- |" * 15
)


def main(folder: Path) -> None:
    print(HEAD)
    perpetual = perpetuals(folder / "binance_gate_perp_20240508")
    streams = coinbase(folder / "cryptofeed_ws") | gemini(folder / "cryptofeed_ws")
    for name, market in (perpetual | streams | bybit(folder / "nautilus")).items():
        print(row(name, book_facts(market.snapshots, market.tick), trade_facts(market.trades)))
    for kind in KINDS.values():
        print(row(f"**{kind.name}** (simulated)", *simulated_facts(kind, SEEDS)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
