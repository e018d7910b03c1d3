"""Sends a basket in a process that kills itself at one of its steps, and judges what a second send makes of it.

A program of tests/services/test_basket_kills.py: the loop that forks must be no test's, which has threads. Arguments:
a database of a desk with a trader and an account, and a folder. Prints a line of JSON for each kill.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import django

from tests.services.rotation_kills import Steps, in_a_fork

ORDERS = 3
KEY = "one basket"
#: Every so many steps, and each of the last ones, where everything is written and nothing is committed.
STRIDE, LAST = 20, 12
NEVER = 10**9


def use(database: Path) -> None:
    from django.db import connections

    connections["default"].settings_dict["NAME"] = str(database)
    connections["default"].ensure_connection()


def send() -> None:
    from execution.core.orders.basket import BasketRow
    from execution.core.orders.terms import parse_order_request
    from execution.models import Account, User
    from execution.services.orders.basket_confirmation import BasketConfirmation
    from execution.services.orders.basket_submit import basket_submit
    from tests.factories import NOW, SYMBOL

    raw: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": "buy",
        "unit": "base",
        "algorithm": "twap",
        "accounts": [Account.objects.get().public_id],
        "limit_price": "60000",
        "parameters": {"duration": "3m", "slices": "3"},
    }
    rows = [
        BasketRow(number, parse_order_request(raw | {"quantity": f"0.{number}"}))
        for number in range(1, ORDERS + 1)
    ]
    trader = User.objects.get(username="trader")
    confirmed = BasketConfirmation()
    basket_submit(person=trader, name="", rows=rows, key=KEY, clock=lambda: NOW, confirmed=confirmed)


def send_and_die(database: Path, last: int) -> None:
    from django.db import connection

    use(database)
    steps = Steps(last)
    with connection.execute_wrapper(steps.statement):
        send()


def send_and_die_before_the_doorbell(database: Path) -> None:
    """Die when all is committed, and no driver has been woken."""
    from execution import notify

    use(database)
    setattr(notify, "_send_drive", lambda _: os.kill(os.getpid(), signal.SIGKILL))  # noqa: B010
    send()


def judge(database: Path) -> None:
    """Find all of the basket or nothing of it; send it again, and find it once and whole."""
    from execution.models import Basket, Order
    from execution.selectors.chains import order_breaks

    use(database)
    orders = Order.objects.count()
    assert orders == Basket.objects.count() * ORDERS, f"{orders} orders of a basket of {ORDERS}"
    print(json.dumps({"orders": orders}), flush=True)
    send()
    send()
    found = list(Order.objects.all())
    assert (Basket.objects.count(), len(found)) == (1, ORDERS)
    assert all(order.terms_id and order.slices.count() == 3 and order.journal.count() == 1 for order in found)
    assert not [problem for order in found for problem in order_breaks(order.pk)]


def kills(template: Path, folder: Path) -> None:
    def run(name: str, work: Callable[[Path], None]) -> None:
        here = folder / f"{name}.sqlite3"
        shutil.copy(template, here)
        ended = in_a_fork(partial(work, here))
        again = in_a_fork(partial(judge, here))
        print(json.dumps({"step": name, "ended": ended, "again": again}), flush=True)
        here.unlink()

    counted = folder / "counted.sqlite3"
    shutil.copy(template, counted)
    read, write = os.pipe()
    if in_a_fork(partial(_count, counted, write)) != 0:
        raise RuntimeError("the basket cannot be sent at all")
    os.close(write)
    steps = int(os.read(read, 20))
    for last in sorted({*range(0, steps, STRIDE), *range(steps - LAST, steps)}):
        run(str(last), partial(send_and_die, last=last))
    run("doorbell", send_and_die_before_the_doorbell)
    run("whole", partial(send_and_die, last=NEVER))


def _count(database: Path, write: int) -> None:
    from django.db import connection

    use(database)
    steps = Steps(NEVER)
    with connection.execute_wrapper(steps.statement):
        send()
    os.write(write, str(NEVER - steps.left).encode())


if __name__ == "__main__":
    django.setup()
    kills(*(Path(argument) for argument in sys.argv[1:]))
