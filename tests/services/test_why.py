"""Each child is decided again on what is kept of its decision, and the same command comes out."""

from __future__ import annotations

import zlib
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from execution.core.orders.terms import ALGORITHMS
from execution.models import ChildOrder, DecisionContext, DecisionRecord, MarketSample
from tests.factories import NOW, SYMBOL, D, Rows
from tests.invariants import check_order

PARAMETERS: dict[str, dict[str, Any]] = {
    "twap": {"duration": "3m", "slices": "3"},
    "vwap": {"duration": "30m"},
    "pov": {"duration": "30m", "participation_rate": "0.1"},
    "is": {"duration": "3m", "slices": "3", "volatility": "0.03", "impact_bp": "5"},
    "iceberg": {"duration": "3m", "visible_quantity": "0.1"},
    "sor": {"duration": "1m"},
}
SECOND = timedelta(seconds=1)


def why(name: str) -> tuple[list[str], int, str]:
    """Run ``manage.py why``. Return its lines, its exit code and its complaint."""
    out = StringIO()
    try:
        call_command("why", name, stdout=out)
    except CommandError as error:
        return out.getvalue().splitlines(), error.returncode, str(error)
    return out.getvalue().splitlines(), 0, ""


def children_of(rows: Rows, algorithm: str) -> list[ChildOrder]:
    order = rows.working(algorithm=algorithm, parameters=PARAMETERS[algorithm])
    MarketSample.objects.bulk_create(  # a market that trades, for those who follow its volume
        MarketSample(
            venue=rows.venue, symbol=SYMBOL, second=NOW + number * SECOND, volume=D(1), notional=D(60_000)
        )
        for number in range(120)
    )
    for second in range(1, 120, 5):
        rows.step(order, now=NOW + second * SECOND)
        if order.children.exists():
            break
    check_order(order)
    return list(order.children.order_by("sequence"))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_same_command_is_decided_again(rows: Rows, algorithm: str) -> None:
    children = children_of(rows, algorithm)
    assert children
    for child in children:
        lines, code, problem = why(child.client_id)
        assert (code, problem, lines[-1]) == (0, "", "the same command"), lines
        assert any(algorithm.upper() in line for line in lines)


def test_a_changed_record_or_child_gives_another_verdict_and_a_lost_one_is_said(rows: Rows) -> None:
    (child,) = children_of(rows, "twap")
    ChildOrder.objects.update(price=D("59000"))
    lines, code, problem = why(f"{child.order.public_id}/{child.sequence}")
    assert (code, problem) == (3, "different: another price is decided now")
    assert len([line for line in lines if line.startswith(("recorded", "decided now"))]) == 2
    ChildOrder.objects.update(price=child.price)
    assert why(child.client_id)[1] == 0

    record = DecisionRecord.objects.get()
    text = zlib.decompress(record.body)
    assert b'"quote":["59999.50"' in text
    forged = zlib.compress(text.replace(b'"quote":["59999.50"', b'"quote":["59900.50"'))
    DecisionRecord.objects.update(body=forged)
    assert why(child.client_id)[2].startswith("changed: the record is not the one that the journal names")
    DecisionRecord.objects.update(body=record.body)

    plan = zlib.decompress(DecisionContext.objects.get().body)
    DecisionContext.objects.update(body=zlib.compress(plan.replace(b'"urgency":"0.5"', b'"urgency":"0.9"')))
    assert why(child.client_id)[2].startswith("unreadable: the record was changed")

    DecisionContext.objects.all().delete()
    assert why(child.client_id)[1:] == (1, "not kept: nothing is kept of what it was decided on")
