"""The expected costs of orders. Tickets and orders request estimates. Background tasks calculate them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction

from execution import notify
from execution.core.problems import Refused
from execution.core.simulation.asking import key_of, market_now, predict_spec, spec_of
from execution.core.simulation.prediction import Prediction
from execution.models import Estimate, Order
from execution.payloads.encode import rounded_str
from execution.selectors.candles import candles_of
from execution.services.orders.stages import Preview
from execution.services.records.journal import DESK, journal_append
from execution.services.records.locking import order_locked

#: The age at which an estimate is calculated anew, because markets change. The old one is shown meanwhile.
FRESH_FOR = timedelta(minutes=1)
#: The time after which a request without a result counts as lost and is repeated.
ASK_AGAIN = timedelta(seconds=20)
CANDLES_OF = timedelta(days=1)


def estimate_wanted(*, preview: Preview, now: datetime) -> Estimate | None:
    """Return the newest estimate of the ticket's cost, and request a new one if it is missing or old.

    Return None if the order cannot be estimated.
    """
    spec = None if preview.takes_at_once else _spec(preview)
    if spec is None:
        return None
    with transaction.atomic():
        found, is_new = Estimate.objects.select_for_update(no_key=True).get_or_create(
            key=key_of(spec), defaults={"spec": spec, "asked_at": now}
        )
        if is_new or _is_due(found, now):
            found.spec, found.asked_at = spec, now
            found.save(update_fields=["spec", "asked_at"])
            notify.estimate(found.pk)
    return found


def estimates_done(keys: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the results of the estimates with these keys, by key. Estimates that are not calculated yet are
    left out.
    """
    found = Estimate.objects.filter(key__in=keys).values_list("key", "result")
    return {key: result for key, result in found if result is not None}


def route_json(preview: Preview, now: datetime) -> dict[str, Any] | None:
    """Return the cost of taking the preview's quantity from the books now, in the form in which an order stores it.

    Return None without a price, or without a mid to compare with. The cost is calculated from real prices and not
    estimated, so it has no standard error.
    """
    quote = None if preview.market is None else preview.market.fresh_quote
    if preview.split is None or quote is None:
        return None
    cost = preview.split.cost_bp(quote.mid)
    return None if cost is None else {"by": "route", "cost_bp": rounded_str(cost, 2), "at": now.isoformat()}


def _is_due(estimate: Estimate, now: datetime) -> bool:
    is_old = estimate.done_at is None or now - estimate.done_at > FRESH_FOR
    return is_old and now - estimate.asked_at > ASK_AGAIN


def order_estimate(*, order: Order, preview: Preview, now: datetime) -> None:
    """Store the expected cost of a new order, inside the transaction that creates it.

    For an order that takes from the books at once, the stored cost is that of taking now. For other orders it is an
    estimate. If there is no fresh estimate, one is requested and stored later.
    """
    if preview.takes_at_once:
        order.predicted = route_json(preview, now)
        order.save(update_fields=["predicted"])
        return
    spec = _spec(preview)
    if spec is None:
        return
    known = Estimate.objects.filter(key=key_of(spec), result__isnull=False).first()
    if known is not None and known.done_at is not None and now - known.done_at <= FRESH_FOR:
        order.predicted = known.result
        order.save(update_fields=["predicted"])
        return
    asked = Estimate.objects.create(key=f"order:{order.public_id}", spec=spec, order=order, asked_at=now)
    notify.estimate(asked.pk)


def estimate_work(
    *, estimate_pk: int, now: datetime, predict: Callable[[dict[str, Any]], Prediction] = predict_spec
) -> None:
    """Calculate an estimate and store it. Do nothing if it is calculated already or was deleted."""
    asked = Estimate.objects.filter(pk=estimate_pk).first()
    if asked is None or (asked.done_at is not None and asked.done_at >= asked.asked_at):
        return
    key = key_of(asked.spec)
    shared = _shared(key, now)
    result = shared or _result(asked.spec, predict, now)  # seconds of computing: outside of any transaction
    with transaction.atomic():
        if asked.order_id is not None:
            _keep(asked.order_id, result, now)
        if shared is None:  # the next one like it has it at once
            known = {"spec": asked.spec, "asked_at": asked.asked_at, "result": result, "done_at": now}
            Estimate.objects.update_or_create(key=key, defaults=known)
        Estimate.objects.filter(pk=estimate_pk).update(result=result, done_at=now)


def _shared(key: str, now: datetime) -> dict[str, Any] | None:
    found = Estimate.objects.filter(key=key, done_at__gte=now - FRESH_FOR).first()
    return found.result if found is not None and "cost_bp" in (found.result or {}) else None


def estimate_failed(*, estimate_pk: int, problem: str, now: datetime) -> None:
    """Store the reason why an estimate failed. Pages show it, and request the estimate again later."""
    result = {"problem": problem, "at": now.isoformat()}
    Estimate.objects.filter(pk=estimate_pk).update(result=result, done_at=now)


def _keep(order_pk: int, result: dict[str, Any], now: datetime) -> None:
    order = order_locked(order_pk)
    if order.predicted is None and "cost_bp" in result:
        order.predicted = result
        reason = (
            f"{result['cost_bp']} bp expected by simulation, standard error {result['standard_error_bp']} bp"
        )
        journal_append(order=order, kind="predicted", actor=DESK, reason=reason, at=now)


def _spec(preview: Preview) -> dict[str, Any] | None:
    terms, market, now = preview.terms, preview.market, preview.now
    if preview.planned.plan is None or market is None or market.sane_quote is None:
        return None
    if terms.parameters is None or terms.quantity is None or terms.start_at is None or terms.end_at is None:
        return None
    venues = [account.venue_id for account in market.accounts]
    candles = candles_of(venues, preview.request.symbol, since=now - CANDLES_OF, until=now)
    return spec_of(
        market_now(market.limits, market.sane_quote, candles),
        algorithm=preview.request.algorithm,
        parameters=terms.parameters,
        quantity=terms.quantity,
        minutes=(terms.end_at - terms.start_at) / timedelta(minutes=1),
    )


def _result(
    spec: dict[str, Any], predict: Callable[[dict[str, Any]], Prediction], now: datetime
) -> dict[str, Any]:
    try:
        found = predict(spec)
    except Refused as refused:
        return {"problem": refused.problems[0].message, "at": now.isoformat()}
    return prediction_json(found, now)


def prediction_json(prediction: Prediction, now: datetime) -> dict[str, Any]:
    """Return a prediction in the form in which an order stores it: basis points of the arrival price with two
    decimals, fees included.
    """
    figures = {
        name: str(Decimal(getattr(prediction, name)).quantize(Decimal("0.01")))
        for name in ("cost_bp", "standard_error_bp", "spread_bp", "drift_bp", "fee_bp")
    }
    return {**figures, "seeds": prediction.runs, "minutes": prediction.window_minutes, "at": now.isoformat()}
