"""The run under mild faults: its rules and addresses are those that the paper exchange and the desk take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from execution.core.account_options import option_problems
from execution.core.addresses import ONLY_LOOPBACK
from execution.paper.faults import parse_rule
from execution.verification.chaos.dialects import OPTIONS
from execution.verification.chaos.mild import RULES
from execution.verification.chaos.report import mild_report
from tests.run_results import mild_result


@pytest.mark.parametrize("rules", RULES.values(), ids=list(RULES))
def test_the_paper_exchange_takes_each_rule(rules: Iterable[dict[str, Any]]) -> None:
    for rule in rules:
        assert parse_rule({**rule, "count": None}).count is None


@pytest.mark.parametrize("dialect", OPTIONS)
def test_the_desk_takes_the_addresses_of_each_dialect(dialect: str) -> None:
    assert option_problems(dialect, OPTIONS[dialect](9001), ONLY_LOOPBACK) == []


def test_the_report_names_the_orders_that_were_late() -> None:
    text = mild_report(mild_result())
    first, second, third, *_ = text.splitlines()
    assert first == (
        "okx, 503: 1 of 3 orders completed on time, 1 more but for a rest under the market's minimum"
    )
    assert (second[:16], third) == ("  C001/USDT expi", "  C002/USDT expired, 0.1 of 4 left")
    assert "children 9, fills 12\nPASS" in text
