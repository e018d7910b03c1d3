"""The events of a recording as Parquet files.

Prices and quantities are stored as ``decimal128``. This type is exact, and every tool that reads Parquet can compute
with it. A column has 18 decimals and 20 digits before the point, which is enough for every price of a crypto
exchange. A price that does not fit is refused, never rounded. Times are microseconds in UTC.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from decimal import Context, Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from execution.core.market_model.recording import RecordedBook, RecordedTrade
from execution.core.problem_codes import Code
from execution.core.problems import refuse
from execution.core.types import Level, Side

#: The number of digits of a stored number, and the number of its decimals.
PRECISION, SCALE = 38, 18
#: Python's default context has 28 digits. It would round numbers that a column holds.
_EXACT = Context(prec=PRECISION)
#: The number of rows that are read at a time.
BATCH = 256
INSTALL = "uv sync --extra recordings"


@cache
def library() -> tuple[Any, Any, Any]:
    """Return pyarrow, its Parquet module and its compute module.

    Raise ``Refused``, with the command that installs it, if pyarrow is missing.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        message = f"Recordings are Parquet files, and pyarrow is not installed ({error}). Run: {INSTALL}"
        refuse("recording", message, "pyarrow", INSTALL, code=Code.VALUE_MISSING)
    return pyarrow, pyarrow.parquet, pyarrow.compute


@cache
def _schemas() -> dict[str, Any]:
    arrow, _, _ = library()
    number, moment = arrow.decimal128(PRECISION, SCALE), arrow.timestamp("us", tz="UTC")
    common = [
        arrow.field("number", arrow.int64(), nullable=False),
        arrow.field("symbol", arrow.string(), nullable=False),
        arrow.field("received", moment, nullable=False),
        arrow.field("exchange_time", moment),
    ]
    sides = ("bid_prices", "bid_quantities", "ask_prices", "ask_quantities")
    books = [
        *common,
        arrow.field("sequence", arrow.int64()),
        *(arrow.field(name, arrow.list_(number)) for name in sides),
        arrow.field("note", arrow.string(), nullable=False),
    ]
    trades = [
        *common,
        arrow.field("id", arrow.string()),
        arrow.field("side", arrow.string()),
        arrow.field("price", number, nullable=False),
        arrow.field("quantity", number, nullable=False),
    ]
    return {"books": arrow.schema(books), "trades": arrow.schema(trades)}


# --- writing ---------------------------------------------------------------------------------------


def write_books(path: Path, books: Sequence[RecordedBook]) -> None:
    """Write a complete file of books, or no file.

    Raises ``Refused`` for a number with more digits than a column holds, and ``OSError`` when the disk refuses.
    """
    columns: dict[str, list[Any]] = {
        **_common(books),
        "sequence": [book.sequence for book in books],
        "bid_prices": [_column(book.bids, 0) for book in books],
        "bid_quantities": [_column(book.bids, 1) for book in books],
        "ask_prices": [_column(book.asks, 0) for book in books],
        "ask_quantities": [_column(book.asks, 1) for book in books],
        "note": [book.note for book in books],
    }
    _write(path, "books", columns)


def write_trades(path: Path, trades: Sequence[RecordedTrade]) -> None:
    """Write a complete file of trades, or no file. Raise ``Refused`` for a number that does not fit, or OSError."""
    columns: dict[str, list[Any]] = {
        **_common(trades),
        "id": [trade.trade_id for trade in trades],
        "side": [None if trade.side is None else trade.side.value for trade in trades],
        "price": [trade.price for trade in trades],
        "quantity": [trade.quantity for trade in trades],
    }
    _write(path, "trades", columns)


def _common(events: Sequence[RecordedBook] | Sequence[RecordedTrade]) -> dict[str, list[Any]]:
    return {
        "number": [event.number for event in events],
        "symbol": [event.symbol for event in events],
        "received": [event.received for event in events],
        "exchange_time": [event.exchange_time for event in events],
    }


def _column(levels: tuple[Level, ...] | None, place: int) -> list[Decimal] | None:
    return None if levels is None else [level[place] for level in levels]


def _write(path: Path, kind: str, columns: dict[str, list[Any]]) -> None:
    arrow, parquet, _ = library()
    try:
        table = arrow.table(columns, schema=_schemas()[kind])
    except arrow.ArrowInvalid as error:
        message = (
            f"A price or quantity does not fit into {PRECISION - SCALE} digits and {SCALE} decimals: {error}."
        )
        refuse("recording", message, path.name, code=Code.VALUE_OUT_OF_RANGE)
    written = path.with_name(f".{path.name}.tmp")
    with written.open("wb") as file:
        parquet.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)


# --- reading ---------------------------------------------------------------------------------------


def read_books(path: Path, symbol: str) -> Iterator[RecordedBook]:
    """Yield one symbol's books from a file, some rows at a time. Raise ``Refused`` naming the file and the row."""
    for row in _rows(path, "books", symbol):
        bids = _levels(path, row, "bid")
        asks = _levels(path, row, "ask")
        if (bids is None) != (asks is None):
            _refuse(path, row, "one side of the book is unknown and the other is not")
        book = RecordedBook(
            row["number"], symbol, row["received"], bids, asks,
            row["exchange_time"], row["sequence"], row["note"],
        )  # fmt: skip
        if book.is_crossed:
            _refuse(path, row, "the best bid is not below the best ask")
        yield book


def read_trades(path: Path, symbol: str) -> Iterator[RecordedTrade]:
    """Yield one symbol's trades from a file, some rows at a time. Raise ``Refused`` naming the file and the row."""
    for row in _rows(path, "trades", symbol):
        if row["side"] not in (None, "buy", "sell"):
            _refuse(path, row, f"side is {row['side']!r}; it must be buy, sell or unknown")
        side = None if row["side"] is None else Side(row["side"])
        price, quantity = short(row["price"]), short(row["quantity"])
        if price <= 0 or quantity <= 0:
            _refuse(path, row, "price and quantity must be above 0")
        yield RecordedTrade(
            row["number"], symbol, row["received"], row["id"], side, price, quantity, row["exchange_time"]
        )


def short(number: Decimal) -> Decimal:
    """Return the number without the trailing zeros that its column adds.

    ``Decimal`` computes with 28 digits by default, and the zeros would use up some of them.
    """
    trimmed = number.normalize(_EXACT)
    return trimmed.quantize(Decimal(1), context=_EXACT) if trimmed == trimmed.to_integral_value() else trimmed


def _rows(path: Path, kind: str, symbol: str) -> Iterator[dict[str, Any]]:
    arrow, parquet, compute = library()
    schema = _schemas()[kind]
    try:
        with parquet.ParquetFile(path) as file:
            if not file.schema_arrow.equals(schema):
                _refuse_file(path, f"its columns are not those of {kind}")
            for batch in file.iter_batches(BATCH):
                ours = batch.filter(compute.equal(batch["symbol"], symbol))
                columns = [
                    (ours[name].cast(arrow.int64()) if name in ("received", "exchange_time") else ours[name])
                    for name in schema.names
                ]
                for values in zip(*(column.to_pylist() for column in columns), strict=True):
                    yield dict(zip(schema.names, values, strict=True))
    except (arrow.ArrowException, OSError) as error:
        _refuse_file(path, str(error))


def _levels(path: Path, row: dict[str, Any], side: str) -> tuple[Level, ...] | None:
    prices, quantities = row[f"{side}_prices"], row[f"{side}_quantities"]
    if prices is None or quantities is None:
        return None
    if len(prices) != len(quantities):
        _refuse(path, row, f"the {side}s have {len(prices)} prices and {len(quantities)} quantities")
    levels = tuple((short(price), short(size)) for price, size in zip(prices, quantities, strict=True))
    if any(price <= 0 or size <= 0 for price, size in levels):
        _refuse(path, row, f"the {side}s have a price or quantity that is not above 0")
    falls = 1 if side == "bid" else -1
    if any((better[0] - worse[0]) * falls <= 0 for better, worse in pairwise(levels)):
        _refuse(path, row, f"the {side}s are not sorted from the best")
    return levels


def _refuse(path: Path, row: dict[str, Any], reason: str) -> NoReturn:
    refuse("recording", f"{path}, event {row['number']}: {reason}.", str(path), code=Code.VALUE_MALFORMED)


def _refuse_file(path: Path, reason: str) -> NoReturn:
    message = f"{path} cannot be read: {reason.rstrip('.')}."
    refuse("recording", message, str(path), code=Code.FILE_UNREADABLE)
