"""An order said in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

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
from execution.services.orders.orders import Preview


def spoken(duration: timedelta) -> str:
    """``1 h 30 min``: the words that a person would use."""
    seconds = round(duration.total_seconds())
    parts = [
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def order_sentence(preview: Preview) -> str:
    """What will be sent, in one sentence; empty while the plan is not known."""
    market, start, end = preview.market, preview.start_at, preview.end_at
    if market is None or not preview.accounts or start is None or end is None or preview.quantity is None:
        return ""
    request = preview.request
    parts = [
        f"{request.side.value.upper()} {grouped(preview.quantity)} {market.base} for {market.quote}"
        f" on {_places([account.label for account in preview.accounts], request.algorithm)}",
        f"by {ALGORITHMS[request.algorithm].label}{_manner(preview)} {_span(preview, end - start)}",
        *_essentials(preview),
        _window(preview, start, end),
        _limit(preview),
    ]
    return ", ".join(parts) + "."


def unit_word(preview: Preview) -> str:
    """The currency that the quantity was asked in."""
    if preview.market is None:
        return ""
    return preview.market.quote if preview.request.unit is Unit.QUOTE else preview.market.base


def _span(preview: Preview, duration: timedelta) -> str:
    """An order without a schedule works at most so long."""
    words = "over" if ALGORITHMS[preview.request.algorithm].is_sliced else "within"
    return f"{words} {spoken(duration)}"


def _manner(preview: Preview) -> str:
    """How the quantity is parted."""
    parameters, base = preview.parameters, preview.market.base if preview.market else ""
    if isinstance(parameters, IcebergParameters):
        return f" showing at most {grouped(parameters.visible_quantity)} {base}"
    if isinstance(parameters, SorParameters):
        return ""
    count = len(preview.slices)
    return f" in {count} slice{'' if count == 1 else 's'}"


def _essentials(preview: Preview) -> list[str]:
    """What of the parameters makes this order another one than the algorithm's usual."""
    parameters = preview.parameters
    found: list[str] = []
    if isinstance(parameters, VwapParameters):
        found.append(f"by the volume of {parameters.lookback_days} days")
    if isinstance(parameters, PovParameters):
        found.append(f"at {_share(parameters.participation_rate)} of the market's volume")
    if isinstance(parameters, IsParameters):
        found.append(f"risk aversion {grouped(parameters.risk_aversion)}")
    if isinstance(parameters, IcebergParameters) and preview.request.limit_price is None:
        found.append(f"following the book within {grouped(parameters.follow_within_bp)} bp of arrival")
    if isinstance(parameters, SorParameters) and parameters.shortfall is InsufficientLiquidity.REFUSE:
        found.append("all of it or nothing")
    return found + _common(preview)


def _common(preview: Preview) -> list[str]:
    parameters, market = preview.parameters, preview.market
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
    """What becomes of what is left, where that is not the algorithm's usual."""
    if not isinstance(parameters, SlicedParameters | IcebergParameters):
        return []
    if parameters.at_end == type(parameters).model_fields["at_end"].default:
        return []
    words = {
        "cross": "crossing what is left",
        "stop": "leaving what is left",
        "extend": "going on for what is left",
    }
    return [f"{words[parameters.at_end.value]} at the end"]


def _share(share: Decimal) -> str:
    return f"{grouped(share * 100)} %"


def _places(labels: list[str], algorithm: str = "twap") -> str:
    """``alpha, beta or gamma (each slice ...)``: a slice goes to one of them, a router's order to all at once."""
    if len(labels) == 1:
        return labels[0]
    if algorithm == "sor":
        return f"{', '.join(labels[:-1])} and {labels[-1]}"
    if algorithm == "iceberg":
        return f"{', '.join(labels[:-1])} or {labels[-1]} (each part where it is best after fees)"
    return f"{', '.join(labels[:-1])} or {labels[-1]} (each slice where it is cheapest after fees)"


def _window(preview: Preview, start: datetime, end: datetime) -> str:
    """From when until when. With a duration from now on, the end moves with the moment of sending."""
    until = f"ending at {_moment(end, preview.now)}"
    if start > preview.now:
        return f"starting at {_moment(start, preview.now)}, {until}"
    fixed = preview.parameters is not None and preview.parameters.end_at is not None
    return f"starting at once, {until}{'' if fixed else ' if sent now'}"


def _moment(moment: datetime, now: datetime) -> str:
    """The time in UTC, with the day when that is not today."""
    day = "" if moment.date() == now.date() else f"{moment:%-d %B} "
    return f"{day}{moment:%H:%M:%S} UTC"


def _limit(preview: Preview) -> str:
    limit, market = preview.request.limit_price, preview.market
    if limit is None or market is None:
        return "no limit price"
    side = "above" if preview.request.side.sign > 0 else "below"
    return f"limit: never {side} {grouped(limit)} {market.quote}"
