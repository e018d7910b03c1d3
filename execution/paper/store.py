"""The paper exchange's storage: one SQLite file. Changes are written before an answer is sent.

It uses WAL without an fsync per commit. A commit survives the end of the process, kill -9 included. A power cut may
lose the last moments, which is acceptable for a paper exchange.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from execution.core.market_model.matching import SelfTradePrevention
from execution.core.market_model.synthetic_candles import Row
from execution.core.types import Side
from execution.paper.records import Account, AssetBalance, OrderStatus, PaperOrder, PaperTrade

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trades (
    symbol TEXT NOT NULL, id INTEGER NOT NULL, side TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (symbol, id, side)
);
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL, asset TEXT NOT NULL, free TEXT NOT NULL, locked TEXT NOT NULL,
    PRIMARY KEY (account, asset)
);
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS minutes (
    symbol TEXT NOT NULL, start INTEGER NOT NULL,
    open INTEGER NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL, close INTEGER NOT NULL,
    volume INTEGER NOT NULL, notional INTEGER NOT NULL,
    buy_volume INTEGER NOT NULL, buy_notional INTEGER NOT NULL, trades INTEGER NOT NULL,
    PRIMARY KEY (symbol, start)
) WITHOUT ROWID;
-- A former version's candles: of another price, and of a size that every start had to read.
DROP TABLE IF EXISTS bars;
"""

_ORDER_DECIMALS = ("price", "quantity", "quote_quantity", "executed", "quote_executed", "held_rate")


class Store:
    """The SQLite file. Everything but one-minute candles is read from it only at the start.

    Raises sqlite3.Error when the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        self._database.close()

    # --- reading --------------------------------------------------------------------------------

    def orders(self) -> list[PaperOrder]:
        rows = self._database.execute("SELECT record FROM orders ORDER BY id")
        return [_order(json.loads(record)) for (record,) in rows]

    def trades(self) -> list[PaperTrade]:
        rows = self._database.execute("SELECT record FROM trades ORDER BY symbol, id, side")
        return [_trade(json.loads(record)) for (record,) in rows]

    def balances(self, account: str) -> dict[str, AssetBalance]:
        rows = self._database.execute(
            "SELECT asset, free, locked FROM balances WHERE account = ?", (account,)
        )
        return {asset: AssetBalance(Decimal(free), Decimal(locked)) for asset, free, locked in rows}

    def number(self, name: str) -> Decimal | None:
        row = self._database.execute("SELECT value FROM numbers WHERE name = ?", (name,)).fetchone()
        return Decimal(row[0]) if row else None

    def minutes(self, symbol: str, start: int, end: int) -> Iterator[tuple[int, Row]]:
        """Yield recorded minutes within [start, end), oldest first."""
        rows = self._database.execute(
            "SELECT * FROM minutes WHERE symbol = ? AND start >= ? AND start < ? ORDER BY start",
            (symbol, start, end),
        )
        return ((begun, Row(*amounts)) for _, begun, *amounts in rows)

    # --- writing --------------------------------------------------------------------------------

    def save(
        self,
        *,
        orders: Iterable[PaperOrder] = (),
        trades: Iterable[PaperTrade] = (),
        accounts: Iterable[Account] = (),
        numbers: dict[str, Decimal | int] | None = None,
        minutes: Iterable[tuple[str, int, Row]] = (),
    ) -> None:
        """Save everything in one transaction: all of it or nothing."""
        database = self._database
        database.execute("BEGIN")
        try:
            database.executemany(
                "INSERT OR REPLACE INTO orders VALUES (?, ?)", [(order.id, _dump(order)) for order in orders]
            )
            database.executemany(
                "INSERT INTO trades VALUES (?, ?, ?, ?)",
                [(trade.symbol, trade.id, trade.side, _dump(trade)) for trade in trades],
            )
            database.executemany(
                "INSERT OR REPLACE INTO balances VALUES (?, ?, ?, ?)",
                [
                    (account.key, asset, str(balance.free), str(balance.locked))
                    for account in accounts
                    for asset, balance in account.balances.items()
                ],
            )
            database.executemany(
                "INSERT OR REPLACE INTO numbers VALUES (?, ?)",
                [(name, str(value)) for name, value in (numbers or {}).items()],
            )
            database.executemany(
                "INSERT OR REPLACE INTO minutes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(symbol, start, *row) for symbol, start, row in minutes],
            )
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:  # on a full disk SQLite has rolled back by itself
                database.execute("ROLLBACK")
            raise

    def forget_minutes(self, before: int) -> None:
        """Delete the one-minute candles before ``before``, in seconds since the epoch.

        They are too old to be shown.
        """
        self._database.execute("DELETE FROM minutes WHERE start < ?", (before,))


def _dump(record: PaperOrder | PaperTrade) -> str:
    names = [field.name for field in fields(record) if field.name != "history"]
    return json.dumps({name: getattr(record, name) for name in names}, default=str, separators=(",", ":"))


def _order(record: dict[str, Any]) -> PaperOrder:
    values = dict(record)
    for name in record.keys() & _ORDER_DECIMALS:
        values[name] = None if record[name] is None else Decimal(record[name])
    values["side"] = Side(record["side"])
    values["prevention"] = SelfTradePrevention(record["prevention"])
    values["status"] = OrderStatus(record["status"])
    return PaperOrder(**values)


def _trade(record: dict[str, Any]) -> PaperTrade:
    values = dict(record)
    for name in ("price", "quantity", "fee"):
        values[name] = Decimal(record[name])
    values["side"] = Side(record["side"])
    return PaperTrade(**values)
