"""The report of ``manage.py record``: what the recording holds."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from execution.core.market_model.recording import SECOND, RecordedBook, RecordedTrade
from execution.core.types import Side
from execution.management.reports.page import Chart, Report
from execution.management.reports.traces import COLOURS, Trace, axes, bars, line, points, thinned
from execution.recordings.folder import Recording

#: A page with more charts of prices would be slow.
MAX_SYMBOLS = 12
STRETCHES = 60
TAKERS = {
    Side.BUY: ("buyer takes", "--buy"),
    Side.SELL: ("seller takes", "--sell"),
    None: ("taker unknown", "--muted"),
}


def recording_report(recording: Recording, printed: str) -> Report:
    """Read the recording and return its report. Raise ``Refused`` if it cannot be read."""
    rules = recording.rules
    length = max(1, -(-((rules.ended or rules.started) - rules.started) // STRETCHES))
    counts: dict[str, Counter[str]] = {"books": Counter(), "trades": Counter()}
    prices: list[Chart] = []
    for symbol in sorted(rules.markets):
        books: list[RecordedBook] = []
        trades: list[RecordedTrade] = []
        for event in recording.events(symbol):
            kind, list_ = ("books", books) if isinstance(event, RecordedBook) else ("trades", trades)
            list_.append(event)  # type: ignore[arg-type]  # the list of its kind
            counts[kind][_time(rules.started + (event.received - rules.started) // length * length)] += 1
        if len(prices) < MAX_SYMBOLS:
            prices.append(_prices(symbol, books, trades))
    return Report(f"Recording of {rules.venue}", [_events(counts, length / SECOND), *prices], printed)


def _time(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / SECOND, UTC).isoformat(timespec="milliseconds")


def _events(counts: dict[str, Counter[str]], seconds: float) -> Chart:
    traces = [
        bars(kind, sorted(found), [found[at] for at in sorted(found)], colour)
        for (kind, found), colour in zip(counts.items(), COLOURS, strict=False)
    ]
    books, trades = (sum(found.values()) for found in counts.values())
    words = f"{books:,} books and {trades:,} trades were recorded. Each bar counts {seconds:.1f} s. A gap has no bar."
    return Chart("Events", words, traces, axes("events", "UTC", barmode="stack"))


def _prices(symbol: str, books: list[RecordedBook], trades: list[RecordedTrade]) -> Chart:
    shown = thinned(books)
    times = [_time(book.received) for book in shown]
    bids, asks = (
        [float(levels[0][0]) if (levels := book.levels(side)) else None for book in shown] for side in Side
    )
    # A book stays until the next one, and where it is unknown there is no line.
    step = {"shape": "hv", "width": 1}
    traces: list[Trace] = [
        line("best bid", times, bids, "--buy", line={"color": "--buy", **step}),
        line("best ask", times, asks, "--sell", line={"color": "--sell", **step}),
    ]
    for side, (name, colour) in TAKERS.items():
        if found := thinned([trade for trade in trades if trade.side is side]):
            traces.append(
                points(
                    name, [_time(trade.received) for trade in found], [float(trade.price) for trade in found],
                    colour, marker={"color": colour, "size": 5, "symbol": "circle-open"},
                )
            )  # fmt: skip
    unknown = sum(1 for book in books if not book.is_known)
    words = f"{len(books):,} books and {len(trades):,} trades; the book was unknown {unknown} times."
    if len(shown) < len(books):
        words += f" One book in {-(-len(books) // len(shown))} is drawn."
    return Chart(symbol, words, traces, axes("price", "UTC"))
