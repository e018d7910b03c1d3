"""The description of an order in a sentence."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.durations import as_words
from execution.core.numbers import grouped
from execution.core.orders.parameters import (
    AlgorithmParameters,
    IcebergParameters,
    InsufficientLiquidity,
    IsParameters,
    PovParameters,
    SlicedParameters,
    SorParameters,
    VwapParameters,
)
from execution.core.orders.terms import ALGORITHMS
from execution.core.types import Unit
from execution.services.orders.stages import Preview


def order_sentence(preview: Preview) -> str:
    """Return one sentence that describes the order to be sent; "" while its plan is unknown."""
    market, terms = preview.limits, preview.terms
    start, end = terms.start_at, terms.end_at
    if market is None or not preview.accounts or start is None or end is None or terms.quantity is None:
        return ""
    request = preview.request
    parts = [
        f"{request.side.value.upper()} {grouped(terms.quantity)} {market.base} for {market.quote}"
        f" on {_places([account.label for account in preview.accounts], request.algorithm)}",
        f"by {ALGORITHMS[request.algorithm].label}{_algorithm_words(preview)} {_span(preview, end - start)}",
        *_essentials(preview),
        _window(preview, start, end),
        _limit(preview),
    ]
    return ", ".join(parts) + "."


def unit_word(preview: Preview) -> str:
    """Return the currency in which the quantity was entered."""
    if preview.limits is None:
        return ""
    return preview.limits.quote if preview.request.unit is Unit.QUOTE else preview.limits.base


def _span(preview: Preview, duration: timedelta) -> str:
    words = "over" if ALGORITHMS[preview.request.algorithm].is_sliced else "within"
    return f"{words} {as_words(duration)}"


def _algorithm_words(preview: Preview) -> str:
    parameters, base = preview.terms.parameters, preview.limits.base if preview.limits else ""
    if isinstance(parameters, IcebergParameters):
        return f" showing at most {grouped(parameters.visible_quantity)} {base}"
    if isinstance(parameters, SorParameters):
        return ""
    count = len(preview.slices)
    return f" in {count} slice{'' if count == 1 else 's'}"


def _essentials(preview: Preview) -> list[str]:
    parameters = preview.terms.parameters
    found: list[str] = []
    if isinstance(parameters, VwapParameters):
        found.append(f"by the market's volume of the last {parameters.lookback_days} days")
    if isinstance(parameters, PovParameters):
        found.append(f"at {_share(parameters.participation_rate)} of the market's volume")
    if isinstance(parameters, IsParameters):
        number = parameters.risk_aversion
        found.append(
            f"{parameters.risk} risk aversion" if number is None else f"risk aversion {grouped(number)}"
        )
    if isinstance(parameters, IcebergParameters) and preview.request.limit_price is None:
        found.append(f"following the book within {grouped(parameters.follow_within_bp)} bp of arrival")
    if isinstance(parameters, SorParameters) and parameters.shortfall is InsufficientLiquidity.REFUSE:
        found.append("all or nothing")
    return found + _common(preview)


def _common(preview: Preview) -> list[str]:
    parameters, market = preview.terms.parameters, preview.limits
    if not isinstance(parameters, SlicedParameters):
        return _at_end(parameters)
    found: list[str] = []
    if parameters.urgency != type(parameters).model_fields["urgency"].default:
        found.append(f"urgency {grouped(parameters.urgency)}")
    if parameters.participation_cap is not None:
        found.append(f"at most {_share(parameters.participation_cap)} of the market's volume")
    if parameters.i_would_price is not None and market is not None:
        found.append(f"all at once at {grouped(parameters.i_would_price)} {market.quote} or better")
    return found + _at_end(parameters)


def _at_end(parameters: AlgorithmParameters | None) -> list[str]:
    if not isinstance(parameters, SlicedParameters | IcebergParameters):
        return []
    if parameters.at_end == type(parameters).model_fields["at_end"].default:
        return []
    words = {
        "cross": "sweeping the remainder",
        "stop": "leaving the remainder",
        "extend": "going on for the remainder",
    }
    return [f"{words[parameters.at_end.value]} at the end"]


def _share(share: Decimal) -> str:
    return f"{grouped(share * 100)} %"


def _places(labels: list[str], algorithm: str) -> str:
    if len(labels) == 1:
        return labels[0]
    if algorithm == "sor":
        return f"{', '.join(labels[:-1])} and {labels[-1]}"
    part = "part" if algorithm == "iceberg" else "slice"
    return f"{', '.join(labels[:-1])} or {labels[-1]} (each {part} where the price is best after fees)"


def _window(preview: Preview, start: datetime, end: datetime) -> str:
    until = f"ending at {_moment(end, preview.now)}"
    if start > preview.now:
        return f"starting at {_moment(start, preview.now)}, {until}"
    fixed = preview.terms.parameters is not None and preview.terms.parameters.end_at is not None
    return f"starting at once, {until}{'' if fixed else ' if sent now'}"


def _moment(moment: datetime, now: datetime) -> str:
    day = "" if moment.date() == now.date() else f"{moment:%-d %B} "
    return f"{day}{moment:%H:%M:%S} UTC"


def _limit(preview: Preview) -> str:
    limit, market = preview.request.limit_price, preview.limits
    if limit is None or market is None:
        return "no limit price"
    side = "above" if preview.request.side.sign > 0 else "below"
    return f"limit: never {side} {grouped(limit)} {market.quote}"
