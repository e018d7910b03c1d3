"""Results of long runs, made up, as the commands give them to their reports."""

from __future__ import annotations

from typing import Any


def chaos_result(**changes: Any) -> dict[str, Any]:
    children = {"children": 1200, "sent": 1180, "unknown": 12, "absent": 3, "fills": 900}
    return {
        "seed": 5,
        "seconds": 140.0,
        "parents": 3,
        "events": [{"at": 3.2, "what": "kill -9 of engine1 (77)"}],
        "outcomes": {"sor": {"expired": 1}, "twap": {"completed": 2}},
        "not_completed": ["abc sor BTC/USDT expired, 0 of 1: time ran out"],
        "resumed": [],
        "children": children,
        "longest_without_owner": 4.26,
        "converged": 12.5,
        "converged_after_end": None,
        "problems": [],
        **changes,
    }


def mild_result() -> dict[str, Any]:
    return {
        "dialect": "okx", "kinds": ["503"], "orders": 3, "completed": 1, "problems": [],
        "late": ["C001/USDT expired, 3 of 4, 1 children open: time ran out"],
        "dust": ["C002/USDT expired, 0.1 of 4 left"],
        "children": {"children": 9, "fills": 12},
    }  # fmt: skip


def desk_measured() -> dict[str, Any]:
    web = {"cpu": 1.25, "rss": 100.0, "pss": 80.0}
    gone = {"cpu": None, "rss": None, "pss": None}
    spread = {"count": 2, "p50": 12.0, "p99": None}
    return {
        "machine": "2 cores",
        "load_before": 0.1,
        "options": {"orders": 20, "seconds": 180, "slices": 18},
        "first_start": {"first_page": 4.0, "ready": 9.0},
        "warm_starts": [{}, {}, {}],
        "warm_start": {"first_page": 2.04, "ready": 7.0},
        "processes": {"web": {"idle": web, "live": web}, "beat": {"idle": web, "live": gone}},
        "outcomes": {"completed": 19, "expired": 1},
        "fill_delay_ms": spread,
        "slice_delay_ms": spread,
        "slice_delay_percent": spread,
    }


def capacity_measured() -> dict[str, Any]:
    return {
        "machine": "2 cores",
        "load_before": 0.1,
        "database": "SQLite",
        "options": {"workers": 2, "accounts": 3, "slice_seconds": 60, "seconds": 30, "pages": 0},
        "idle": {"engine1": {"cpu": 1.0, "rss": 1.0, "pss": 100.0}},
        "counts": [_count(100, 10.0), _count(1000, 130.0)],
    }


def _count(parents: int, processor: float) -> dict[str, Any]:
    delays = {"count": 3, "p50": 4.2, "p99": 49.0}
    return {
        "parents": parents,
        "lateness_ms": delays,
        "start_to_submit_ms": delays,
        "slices_without_child": 1,
        "fill_to_record_ms": delays,
        "fill_to_page_ms": {"count": 0, "p50": None, "p99": None},
        "children_a_second": 2.0,
        "processes": {"engine1": {"cpu": processor, "rss": 1.0, "pss": 100.0 + parents / 100}},
        "benchmark_cpu": 1.0,
        "in_trouble": 0,
    }


def series(first: float, last: float) -> list[tuple[float, float]]:
    return [(number, first + (last - first) * number / 99) for number in range(100)]


def soak_result(**changes: Any) -> dict[str, Any]:
    return {
        "machine": "2 cores",
        "hours": 1.0,
        "live": 100,
        "seed": 7,
        "series": {
            "engine1 memory": series(200, 210),
            "engine1 handles": series(60, 60),
            "engine1 threads": series(21, 21),
            "database": series(10, 500),
        },
        "launched": 1000,
        "refused": [],
        "completed": 998,
        "dust": [],
        "late": ["twap of BTC/USDT expired", "vwap of BTC/USDT expired"],
        "children": {"children": 9000, "sent": 8990, "unknown": 0, "absent": 0, "fills": 7000},
        "problems": [],
        **changes,
    }
