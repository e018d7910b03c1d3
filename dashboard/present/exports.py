"""The blotter as CSV. It has the page's rows in the same order, with every column that the page can show.

Decimals are exact, unknown values are empty, and times are UTC. A spreadsheet runs a text that begins with = + - or @,
or a full-width form of these. So a text from people or exchanges gets an apostrophe before it. Invisible characters
are written as escapes, because a spreadsheet skips some of them before a formula.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal

from execution.core.numbers import plain
from execution.core.orders.schedule import finish_share, share_due
from execution.core.orders.terms import algorithm_label
from execution.core.states import ORDER_FINAL, OrderStatus
from execution.core.texts import begins_formula, visible
from execution.core.types import ZERO
from execution.payloads.encode import moment_of
from execution.payloads.orders import OrderRow

#: The most digits of a percentage. A share of two amounts with 28 digits is not known more finely.
MAX_DIGITS = 26

Cell = Callable[[OrderRow, int], str]


def words(text: str) -> str:
    """Return free text as a cell that no spreadsheet runs as a formula and no terminal takes for a command."""
    shown = visible(text)
    return f"'{shown}" if begins_formula(shown) else shown


def moment(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    return moment_of(milliseconds).isoformat(timespec="milliseconds")


def _share(row: OrderRow) -> Decimal:
    return Decimal(row["filled"]) / Decimal(row["quantity"])


def percent(share: Decimal | None) -> str:
    """Return a share in percent with two digits. It has more digits if two would round it to 0 or to 100."""
    if share is None:
        return ""
    exact, digits = share * 100, 2
    while (shown := round(exact, digits)) in (0, 100) and shown != exact and digits < MAX_DIGITS:
        digits += 1
    return plain(shown or ZERO)


def due(row: OrderRow, now: int) -> Decimal | None:
    """Return the share of the order that should be filled by ``now``.

    Return None for an order that has ended or has no schedule.
    """
    if row["status"] in ORDER_FINAL:
        return None
    done = _share(row)
    share = share_due(row["schedule"], now, float(done))
    if share is None or share == float(done):
        return None if share is None else done
    return Decimal(str(share))


def _ahead(row: OrderRow, now: int) -> str:
    share = due(row, now)
    return percent(None if share is None else _share(row) - share)


def finish(row: OrderRow, now: int) -> int | None:
    """Return the expected time at which the order is filled; None if that is unknown.

    With a plan it is the plan's end. Without a plan it follows from the order's average pace. It is None too if the
    plan will not be filled by its end.
    """
    started, share, schedule = row["started_at"], _share(row), row["schedule"]
    if row["status"] != OrderStatus.WORKING or started is None or share >= 1:
        return None
    at_the_end = finish_share(schedule, now, float(share))
    if at_the_end is not None:
        return schedule[-1][0] if at_the_end >= 1 and now < schedule[-1][0] else None
    return round(started + (now - started) / float(share)) if share > 0 and now > started else None


def _alerts(row: OrderRow, _now: int) -> str:
    needs = "needs attention" if row["needs_person"] and row["status"] not in ORDER_FINAL else ""
    count = f"{row['alerts']} alert{'' if row['alerts'] == 1 else 's'}" if row["alerts"] else ""
    return words(" · ".join(part for part in (needs, count, row["reason"], row["waits"]) if part))


#: The columns' heads and cells. "Trader" is left out for a person who sees only one.
COLUMNS: dict[str, Cell] = {
    "State": lambda row, _: row["status"].replace("_", " "),
    "Order": lambda row, _: row["id"],
    "Trader": lambda row, _: words(row["trader"]),
    "Accounts": lambda row, _: words(row["account"]),
    "Symbol": lambda row, _: words(row["symbol"]),
    "Side": lambda row, _: row["side"].upper(),
    "Algorithm": lambda row, _: algorithm_label(row["algorithm"], words(row["algorithm"])),
    "Quantity": lambda row, _: row["quantity"],
    "Filled": lambda row, _: row["filled"],
    "Done %": lambda row, _: percent(_share(row)),
    "Schedule %": lambda row, now: percent(due(row, now)),
    "Notional": lambda row, _: row["notional"] or "",
    "Limit": lambda row, _: row["limit_price"] or "",
    "Average": lambda row, _: row["average"] or "",
    "Arrival": lambda row, _: row["arrival_mid"] or "",
    "Cost bp (+ is cost)": lambda row, _: row["cost_bp"] or "",
    "Ahead % (− is behind)": _ahead,
    "End (UTC)": lambda row, _: moment(row["ended_at"] or row["end_at"]),
    "ETA (UTC)": lambda row, now: moment(finish(row, now)),
    "Last fill (UTC)": lambda row, _: moment(row["last_fill_at"]),
    "Alerts and reason": _alerts,
    "Reference": lambda row, _: words(row["client_reference"]),
    "Tags": lambda row, _: words(", ".join(row["tags"])),
}


def csv_heads(*, with_trader: bool) -> list[str]:
    return [head for head in COLUMNS if with_trader or head != "Trader"]


def csv_lines(parts: Iterable[Sequence[OrderRow]], *, now: int, with_trader: bool) -> Iterator[str]:
    """Yield the line of heads first. Then yield the lines of each batch of rows in ``parts`` as one text."""
    heads = csv_heads(with_trader=with_trader)
    yield csv_text([heads])
    for rows in parts:
        yield csv_text([[COLUMNS[head](row, now) for head in heads] for row in rows])


def csv_text(lines: Iterable[Sequence[str]]) -> str:
    """Return the lines as the text of a CSV file."""
    target = io.StringIO()
    csv.writer(target).writerows(lines)
    return target.getvalue()
