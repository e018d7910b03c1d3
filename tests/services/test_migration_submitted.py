"""A child that is in flight when the database is migrated to a status of its own for it (0010)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from execution.core.guarantees import guarantees_of
from execution.core.states import ChildStatus
from execution.core.types import Accepted, Unknown, VenueStatus
from execution.models import ChildOrder
from execution.models.append_only import unprotect
from execution.selectors.decisions.sessions import children_to_send
from execution.services.children.absence import NotFoundObservation, child_not_found
from execution.services.children.children import child_outcome, children_recover
from execution.verification.invariants import broken_rules
from tests.factories import NOW, Rows, report_of, trade_of

SECOND = timedelta(seconds=1)
BEFORE = ("execution", "0009_faults")


def migrate(to: tuple[str, str] | None = None) -> dict[str, tuple[str, bool]]:
    """Migrate, to the newest if no other is named. Return each child's status and whether it has its submit's
    time.
    """
    executor = MigrationExecutor(connection)
    targets = (
        [node for node in executor.loader.graph.leaf_nodes() if node[0] == BEFORE[0]] if to is None else [to]
    )
    executor.migrate(targets)
    children = executor.loader.project_state(targets).apps.get_model("execution", "ChildOrder").objects
    column = "taken_at" if to == BEFORE else "submitted_at"
    rows = children.values_list("client_id", "status", column)
    return {client_id: (status, at is not None) for client_id, status, at in rows}


def children_of_every_kind(rows: Rows) -> dict[str, ChildOrder]:
    """Return a child that waits, one in flight, one in flight that is to be cancelled, one of unknown fate, one
    open.
    """
    made = {
        name: rows.resting(submitted=name != "pending_submit", key=name)
        for name in ("pending_submit", "submitted", "cancelling", "unknown", "open")
    }
    child_outcome(child_pk=made["unknown"].pk, outcome=Unknown("no answer"), now=NOW)
    opened = report_of(made["open"], VenueStatus.OPEN, "0", exchange_id="X-open")
    child_outcome(child_pk=made["open"].pk, outcome=Accepted(opened), now=NOW)
    ChildOrder.objects.filter(pk=made["cancelling"].pk).update(
        status=ChildStatus.CANCELLING, cancel_requested_at=NOW
    )
    return made


def test_an_order_in_flight_during_the_migration_is_neither_lost_nor_sent_again(committed_rows: Rows) -> None:
    rows = committed_rows
    made = children_of_every_kind(rows)
    names = {child.client_id: name for name, child in made.items()}
    try:
        old = {names[client_id]: found for client_id, found in migrate(BEFORE).items()}
    finally:
        new = {names[client_id]: found for client_id, found in migrate().items()}
    assert old == {
        "pending_submit": ("intended", False),
        "submitted": ("intended", True),
        "cancelling": ("cancelling", True),
        "unknown": ("unknown", True),
        "open": ("open", True),
    }
    assert new == {name: (name, name != "pending_submit") for name in made}

    # The engine starts again: nothing that may have been sent is sent.
    lost = children_recover(account_pk=rows.account.pk, account_fence=1, now=NOW + SECOND)
    assert {names[client_id] for client_id in lost} == {"submitted", "cancelling"}
    to_send = children_to_send(rows.account.pk)
    assert [names[child.ref.client_id] for child in to_send] == ["pending_submit"]
    assert rows.submit_child(made["submitted"]) is None
    assert rows.submit_child(made["pending_submit"], now=NOW + SECOND) is not None

    # One of the two reached the book and was filled, the other one never did: both are settled by evidence.
    child = made["submitted"]
    filled = report_of(child, VenueStatus.FILLED, child.quantity, exchange_id="X-late")
    trade = trade_of(child, "T1", child.quantity, exchange_id="X-late")
    child_outcome(child_pk=child.pk, outcome=Accepted(filled, (trade,)), now=NOW + 2 * SECOND)
    prove_absent(made["cancelling"])
    for other in made.values():
        other.refresh_from_db()
    assert (child.status, child.filled, child.is_settled) == ("filled", child.quantity, True)
    assert (made["cancelling"].status, made["cancelling"].is_settled) == ("absent", True)
    broken = [problem for other in made.values() for problem in broken_rules(other.order)]
    assert broken == []


def prove_absent(child: ChildOrder) -> None:
    """Look often enough, late enough and not find it."""
    for number in range(4):
        at = NOW + timedelta(seconds=20 + 3 * number)
        looks = [
            NotFoundObservation(kind, at, NOW - timedelta(minutes=1))
            for kind in ("open_orders", "closed_orders", "trades")
        ]
        child_not_found(child_pk=child.pk, polls=looks, guarantees=guarantees_of("binance"), now=at)


@pytest.mark.parametrize(
    ("status", "has_time"), [(ChildStatus.PENDING_SUBMIT, True), (ChildStatus.SUBMITTED, False)]
)
def test_the_database_refuses_a_status_that_its_time_contradicts(
    rows: Rows, status: ChildStatus, has_time: bool
) -> None:
    child = rows.resting()
    with pytest.raises(IntegrityError), transaction.atomic():
        ChildOrder.objects.filter(pk=child.pk).update(status=status, submitted_at=NOW if has_time else None)


def test_a_journal_from_before_names_both_states_alike(rows: Rows) -> None:
    child = rows.resting(submitted=False)
    last = child.order.journal.order_by("version").last()
    assert last is not None
    unprotect(connection)
    for entry in child.order.journal.filter(data__child_status="pending_submit"):
        assert not broken_rules(child.order)
        type(entry).objects.filter(pk=entry.pk).update(data={**entry.data, "child_status": "intended"})
    broken = broken_rules(child.order)
    assert not [problem for problem in broken if "the journal says" in problem], broken
