"""The router's reference cases on recorded books, by the code of ``manage.py route``.

``uv run python -m tests.benchmarks.router_cases FOLDER``; FOLDER has ``reference/sor_3venue_cases.json`` and
``book/rest_3venue_20260208``; nothing of it is part of the project.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from execution.core.routing.book_files import route_answer, route_books
from execution.core.types import Side

LOT = "0.00000001"


def recorded_books(folder: Path) -> dict[str, dict[str, list[list[str]]]]:
    """Return bids and asks by venue, as the exchanges gave them."""
    found = {}
    for name in ("binance", "bybit", "okx"):
        path = folder / "book" / "rest_3venue_20260208" / f"{name}-fetch_order_book_BTC_USDT.json"
        given: Any = json.loads(path.read_text())["http_response"]
        if name != "binance":
            given = given["result"] if name == "bybit" else given["data"][0]
        sides = {"bids": given.get("bids", given.get("b")), "asks": given.get("asks", given.get("a"))}
        found[name] = {side: [level[:2] for level in levels] for side, levels in sides.items()}
    return found


def problems_of(case: dict[str, Any], books: dict[str, dict[str, list[list[str]]]]) -> list[str]:
    """Return the differences between the desk's answer and the reference; empty without any."""
    venues = [
        {"name": name, "fee": fee, "lot": LOT, "min_notional": "0", "balance": None} | books[name]
        for name, fee in case["taker_fees"].items()
    ]
    answer = route_answer(route_books({"venues": venues}, Side(case["side"]), Decimal(case["qty"])))
    pairs = {
        "unfilled": (answer["unfilled"], case["unfilled"]),
        "net cash": (answer["net_cash"], case["net_cash"]),
    }
    for name in case["taker_fees"]:
        pairs[f"{name}'s part"] = (answer["allocation"].get(name, "0"), case["allocation"].get(name, "0"))
        pairs[f"{name} alone"] = (answer["single_venue"][name], case["single_venue_net_cash"][name])
    return [
        f"{what}: {ours}, not {theirs}" for what, (ours, theirs) in pairs.items() if _differ(ours, theirs)
    ]


def _differ(ours: str | None, theirs: str | None) -> bool:
    if ours is None or theirs is None:
        return ours is not theirs
    return Decimal(ours) != Decimal(theirs)


def main(folder: Path) -> int:
    books = recorded_books(folder)
    cases = json.loads((folder / "reference" / "sor_3venue_cases.json").read_text())["cases"]
    found = [problems_of(case, books) for case in cases]
    for case, problems in zip(cases, found, strict=True):
        for problem in problems:
            print(f"{case['side']} {case['qty']} {case['taker_fees']}: {problem}")
    print(f"{sum(not problems for problems in found)} of {len(cases)}")
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
