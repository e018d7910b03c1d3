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
    """Return what the answer tells of each order, by exchange id; nothing where it tells only that it was done.

    An order of which it tells nothing has to be asked for. Never raises.
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
