"""Hundreds of ended orders over weeks, each with a final report of the real form, for pages that show many."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from execution.core.numbers import plain
from execution.models import Account, Order, OrderReport
from execution.payloads.encode import epoch_ms
from tests.dashboard.desk_fixture import Desk
from tests.dashboard.reported import ended_order, second_account

ALGORITHMS = ("twap", "vwap", "pov", "iceberg", "is", "sor")
ARRIVAL = Decimal(64500)


def many_reports(desk: Desk, count: int, *, now: datetime, weeks: int = 12, seed: int = 7) -> None:
    """Create ``count`` orders that ended in the last ``weeks``, the newest an hour ago, and one without a report."""
    model = ended_order(desk, "model")
    accounts = [desk.account, second_account(desk, "beta"), second_account(desk, "gamma")]
    random = Random(seed)
    report = OrderReport.objects.get(order=model).report
    step = timedelta(weeks=weeks) / max(1, count)
    orders = [
        _order(model, now - timedelta(hours=1) - step * number, random, desk) for number in range(count)
    ]
    made = Order.objects.bulk_create(orders)
    Order.accounts.through.objects.bulk_create(
        Order.accounts.through(order_id=order.pk, account_id=account.pk)
        for order in made
        for account in [random.choice(accounts)]
    )
    reports = [_report(report, order, random, accounts, weeks, now) for order in reversed(made)]
    OrderReport.objects.bulk_create(
        OrderReport(order=order, version=order.version, report=one, made_at=now)
        for order, one in zip(reversed(made), reports, strict=True)
    )
    OrderReport.objects.filter(order=model).delete()


def _order(model: Order, ended: datetime, random: Random, desk: Desk) -> Order:
    order = copy.copy(model)
    order.pk = None
    order._state = copy.copy(model._state)
    order._state.adding = True
    order.public_id = "".join(random.choices("abcdefghjkmnpqrstuvwxyz23456789", k=8))
    order.trader = order.created_by = random.choice([desk.trader, desk.other])
    order.side = random.choice(["buy", "sell"])
    order.algorithm = random.choice(ALGORITHMS)
    order.status = random.choices(["completed", "cancelled", "expired"], [0.9, 0.06, 0.04])[0]
    order.ended_at = ended
    order.started_at = order.created_at = ended - timedelta(minutes=random.randint(2, 180))
    order.quantity = order.filled = round(Decimal(str(10 ** random.uniform(-1.5, 1.4))), 4)
    if random.random() < 0.02:
        order.filled = Decimal(0)
    predicted = random.uniform(0.5, 6)
    order.predicted = (
        None if random.random() < 0.1 else {"cost_bp": f"{predicted:.4f}", "standard_error_bp": "0.4"}
    )
    return order


def _report(
    model: dict[str, Any], order: Order, random: Random, accounts: list[Account], weeks: int, now: datetime
) -> dict[str, Any]:
    """Return a report whose cost depends on size, hour, venue and prediction, and falls with the weeks."""
    started = order.started_at or now
    venue = random.choice([account.venue.label for account in accounts])
    age = (now - started) / timedelta(weeks=weeks)
    size = float(order.quantity)
    expected = float(order.predicted["cost_bp"]) if order.predicted else 3.0
    cost = expected * 0.8 + 1.5 * size**0.5 + (3 if 13 <= started.hour <= 15 else 0) + 2 * age - 1.5
    cost += {"paper": 0.0, "beta": -0.8, "gamma": 1.6}[venue] + random.gauss(0, 5)
    spread, delay, fees = random.uniform(-1.2, 1.2), random.gauss(0, 0.6), random.uniform(0.5, 2.2)
    is_filled = order.filled > 0
    sign = 1 if order.side == "buy" else -1
    average = ARRIVAL * (1 + sign * Decimal(str(round(cost, 4))) / 10000)
    split = {
        "spread": spread,
        "drift": cost - spread - delay,
        "delay": delay,
        "fees": fees,
        "total": cost + fees,
    }
    costs: dict[str, Any] = {
        "fills": 12 if is_filled else 0,
        "filled": plain(order.filled),
        "average": plain(average) if is_filled else None,
        "cost_bp": f"{cost:.4f}" if is_filled else None,
        "vwap_cost_bp": f"{cost * 0.4 + random.gauss(0, 1):.4f}" if is_filled else None,
        "split_bp": {name: f"{part:.4f}" if is_filled else None for name, part in split.items()},
        "markouts": [
            {"seconds": seconds, "bp": f"{random.gauss(-0.3, 1.5):.4f}", "share": "1"}
            for seconds in (10, 60, 300)
        ]
        if is_filled
        else [],
    }
    moments = {name: epoch_ms(getattr(order, name)) for name in ("created_at", "started_at", "ended_at")}
    said = {
        "id": order.public_id,
        "trader": order.trader.username,
        "side": order.side,
        "algorithm": order.algorithm,
        "status": order.status,
        "quantity": plain(order.quantity),
    }
    there = {**model["venues"][0], **costs, "venue": venue, "share": "1"}
    return {**model, **said, **moments, **costs, "venues": [there] if is_filled else []}
