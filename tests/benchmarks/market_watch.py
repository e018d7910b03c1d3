"""Processor time of watching many symbols of a venue: ``uv run pytest -s tests/benchmarks/market_watch.py``.

A paper exchange lists the symbols; a public gateway of the desk, in this process, watches them. The figures are for
quotes and trades alone, and with the book of every symbol too.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvloop

from execution.launcher.bootstrap import paper_options
from execution.venues.market_gateway import open_market_gateway
from tests.checks import REPOSITORY
from tests.desk.running import free_port, wait_until
from tests.engine.exchange import Exchange
from tests.venues.stub import now

SECONDS = 20.0
SETTLE = 3.0  # seconds before the measurement begins


@dataclass
class Measured:
    """One run. ``first`` is the seconds until the last symbol had its first quote."""

    symbols: int
    books: bool
    first: float = 0.0
    quotes: int = 0
    books_read: int = 0
    trades: int = 0
    processor: float = 0.0
    seconds: float = 0.0

    def row(self) -> str:
        per_symbol = self.processor / self.seconds / self.symbols * 1000
        rates = (self.quotes, self.trades, self.books_read)
        each = " | ".join(f"{count / self.seconds / self.symbols:.1f}" for count in rates)
        share = 100 * self.processor / self.seconds
        words = "with books" if self.books else "quotes and trades"
        return f"| {self.symbols} | {words} | {each} | {share:.1f} | {per_symbol:.2f} | {self.first:.1f} |"


async def watch(port: int, measured: Measured, seconds: float) -> None:
    gateway = open_market_gateway(exchange_id="binance", options=paper_options(port), clock=now)
    begun = time.monotonic()
    await gateway.open()
    symbols = [f"C{number:03}/USDT" for number in range(1, measured.symbols + 1)]
    stream = gateway.watch_market(symbols)
    waiting, counts_from, used = set(symbols), float("inf"), 0.0
    if measured.books:
        stream.want_books(symbols)
    async with aclosing(stream.events()) as events:
        async for event in events:
            moment = time.monotonic()
            if waiting and event.quote is not None:
                waiting.discard(event.symbol)
                if not waiting:
                    measured.first = moment - begun
                    counts_from = moment + SETTLE
            if moment < counts_from:
                used = time.process_time()
                continue
            measured.quotes += event.quote is not None
            measured.books_read += event.book is not None
            measured.trades += len(event.trades)
            if moment >= counts_from + seconds:
                break
    measured.processor, measured.seconds = time.process_time() - used, seconds
    await gateway.close()


def run(count: int, seconds: float, *, books: bool) -> Measured:
    """Measure one number of symbols at a paper exchange of its own."""
    measured = Measured(count, books)
    with tempfile.TemporaryDirectory(prefix="tranche-benchmark-") as folder:
        exchange = Exchange(Path(folder), free_port())
        command = [sys.executable, "-m", "execution.paper", "--port", str(exchange.port), "--folder", folder]
        command += ["--more-symbols", str(count), "--weight-limit", "1000000"]
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
        try:
            wait_until(exchange.answers, within=60, what="the paper exchange's ping")
            uvloop.run(watch(exchange.port, measured, seconds))
        finally:
            process.terminate()
            process.wait(20)
    return measured


@pytest.mark.real_process
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("books", [False, True], ids=["touch", "books"])
@pytest.mark.parametrize("count", [10, 50, 200])
def test_watching(count: int, books: bool) -> None:
    print(f"\n{run(count, SECONDS, books=books).row()}", flush=True)
