"""The exchange's call that cancels all open orders of a symbol or an account."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from execution.core.types import CancelFailed, CancelGone, CancelOutcome, OrderReport
from execution.venues import request_context
from execution.venues.spec import ExchangeSpec


async def cancel_all(
    client: Any,
    spec: ExchangeSpec,
    symbol: str | None,
    *,
    report: Callable[[Any, str], OrderReport],
    failed: Callable[[Exception], CancelOutcome],
) -> Mapping[str, OrderReport] | CancelFailed:
    """Cancel all open orders. Return a report for each order that the answer describes, by exchange id.

    The result is empty if the answer describes no order. An order without a report may be cancelled too, so the caller
    has to look it up. Never raises.
    """
    request_context.begin()
    try:
        answer = await client.cancel_all_orders(*([] if symbol is None else [symbol]))
        reports = [report(one, symbol) for one in answer] if symbol and spec.cancel_tells_status else []
    except Exception as error:  # noqa: BLE001  # everything is an outcome
        outcome = failed(error)
        if isinstance(outcome, CancelGone):
            return {}  # nothing was open
        return outcome if isinstance(outcome, CancelFailed) else CancelFailed("the answer cannot be read")
    return {one.exchange_id: one for one in reports if one.exchange_id}
