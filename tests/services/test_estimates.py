"""Expected costs: asked for once, worked out apart from it, kept with the order that was sent."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest

from dashboard.present.predictions import predicted_now
from execution import notify, tasks
from execution.core.orders.terms import parse_order_request
from execution.core.simulation.asking import key_of, predict_spec
from execution.core.simulation.prediction import Prediction
from execution.models import Estimate
from execution.services.desk.housekeeping import estimates_drop
from execution.services.orders.estimates import ASK_AGAIN, FRESH_FOR, estimate_wanted, estimate_work
from execution.services.orders.orders import order_preview
from execution.services.orders.stages import Preview
from tests.factories import NOW, SYMBOL, Rows
from tests.invariants import check_order

SECOND = timedelta(seconds=1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the estimates whose task was sent."""
    sent: list[int] = []
    monkeypatch.setattr(notify, "estimate", sent.append)
    return sent


def preview_of(rows: Rows, **changes: Any) -> Preview:
    raw = {
        "symbol": SYMBOL, "side": "buy", "quantity": "0.3", "unit": "base", "algorithm": "twap",
        "accounts": ["alpha"], "parameters": {"duration": "3m"},
    }  # fmt: skip
    return order_preview(person=rows.trader, request=parse_order_request(raw | changes), now=NOW)


def test_a_ticket_asks_once_and_gets_what_was_worked_out(rows: Rows, asked: list[int]) -> None:
    wanted = estimate_wanted(preview=preview_of(rows), now=NOW)
    assert wanted is not None
    assert wanted.result is None
    estimate_wanted(preview=preview_of(rows, side="sell"), now=NOW + SECOND)
    assert asked == [wanted.pk], "either side is worked in each simulated market"
    estimate_work(estimate_pk=wanted.pk, now=NOW + SECOND)
    found = estimate_wanted(preview=preview_of(rows), now=NOW + 2 * SECOND)
    assert found is not None
    assert found.result is not None
    assert found.result["seeds"] == 16
    assert float(found.result["fee_bp"]) > 0
    assert float(found.result["cost_bp"]) == pytest.approx(float(predict_spec(found.spec).cost_bp), abs=0.01)


def test_an_old_estimate_serves_until_a_new_one_is_there(rows: Rows, asked: list[int]) -> None:
    wanted = estimate_wanted(preview=preview_of(rows), now=NOW)
    assert wanted is not None
    estimate_work(estimate_pk=wanted.pk, now=NOW)
    later = NOW + FRESH_FOR + SECOND
    again = estimate_wanted(preview=preview_of(rows), now=later)
    assert again is not None
    assert again.result is not None
    assert asked == [wanted.pk, wanted.pk]
    estimate_wanted(preview=preview_of(rows), now=later + SECOND)
    assert len(asked) == 2, "it is under way"
    estimate_wanted(preview=preview_of(rows), now=later + ASK_AGAIN + SECOND)
    assert len(asked) == 3, "its task was lost"


def test_what_is_worked_alike_has_one_key_and_another_urgency_another(rows: Rows) -> None:
    keys = {
        name: key_of(estimate.spec)
        for name, parameters in {
            "plain": {"duration": "3m"},
            "seeded": {"duration": "180", "seed": "7"},
            "urgent": {"duration": "3m", "urgency": "0.9"},
        }.items()
        if (estimate := estimate_wanted(preview=preview_of(rows, parameters=parameters), now=NOW)) is not None
    }
    assert keys["plain"] == keys["seeded"] != keys["urgent"]


def test_an_order_keeps_what_its_ticket_showed(rows: Rows, asked: list[int]) -> None:
    order = rows.submit()
    (first,) = Estimate.objects.all()
    assert asked == [first.pk]
    estimate_work(estimate_pk=first.pk, now=NOW + SECOND)
    order.refresh_from_db()
    first.refresh_from_db()
    assert order.predicted == first.result
    entry = order.journal.get(kind="predicted")
    assert "bp expected by simulation" in entry.reason
    check_order(order)
    estimate_work(estimate_pk=first.pk, now=NOW + 2 * SECOND)
    assert order.journal.filter(kind="predicted").count() == 1


def test_orders_that_are_worked_alike_share_what_was_worked_out_lately(rows: Rows, asked: list[int]) -> None:
    specs: list[dict[str, Any]] = []

    def predict(spec: dict[str, Any]) -> Prediction:
        specs.append(spec)
        return predict_spec(spec)

    orders = [rows.submit(quantity=quantity, key=quantity) for quantity in ("0.3", "0.3001", "0.4")]
    for pk in asked:
        estimate_work(estimate_pk=pk, now=NOW + SECOND, predict=predict)
    for order in orders:
        order.refresh_from_db()
    assert [spec["quantity"] for spec in specs] == ["0.3", "0.4"]
    first, second, larger = [order.predicted for order in orders]
    assert first == second != larger
    assert rows.submit(key="next").predicted == first, "the next one has it at once"
    Estimate.objects.update(done_at=NOW - FRESH_FOR)
    later = rows.submit(key="later")
    estimate_work(estimate_pk=asked[-1], now=NOW + SECOND, predict=predict)
    later.refresh_from_db()
    assert (len(specs), later.predicted is None) == (3, False), "what is old is worked out anew"


def test_an_order_that_cannot_be_simulated_says_why_and_predicts_nothing(
    rows: Rows, asked: list[int]
) -> None:
    order = rows.submit()
    (estimate,) = Estimate.objects.all()
    estimate.spec["spread"] = "0"
    estimate.save()
    estimate_work(estimate_pk=asked[0], now=NOW)
    estimate.refresh_from_db()
    order.refresh_from_db()
    assert "The spread is 0" in (estimate.result or {})["problem"]
    assert order.predicted is None


def test_estimates_that_nobody_asks_for_are_dropped(rows: Rows) -> None:
    estimate_wanted(preview=preview_of(rows), now=NOW)
    assert estimates_drop(before=NOW, pause=lambda: None) == 0
    assert estimates_drop(before=NOW + SECOND, pause=lambda: None) == 1
    estimate_work(estimate_pk=1, now=NOW)


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="only Linux has such a schedule")
def test_predicting_leaves_the_processor_to_others_and_writing_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(tasks, "predict_spec", lambda _spec: seen.append(os.sched_getscheduler(0)))
    tasks.predict_aside({})
    assert seen == [os.SCHED_IDLE]
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_who_waits_for_an_estimate_that_fails_in_our_own_code_is_told(
    rows: Rows, asked: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(_spec: dict[str, Any]) -> Prediction:
        raise KeyError("drift")

    monkeypatch.setattr(tasks, "predict_aside", breaks)
    wanted = estimate_wanted(preview=preview_of(rows), now=NOW)
    assert wanted is not None
    tasks.estimate(wanted.pk)
    predicted = predicted_now(preview_of(rows), NOW)
    assert predicted is not None
    assert not predicted.pending
    assert predicted.hint.startswith("the simulation failed: KeyError (incident ")
    assert predicted.hint.partition("incident ")[2][:8] in caplog.text
