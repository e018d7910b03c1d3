"""Mutation of the guards: with one invariant's check taken away, the seeds must notice.

``uv run python -m tests.faults.mutants --seeds 2000`` prints after how many seeds each was noticed, as Markdown.
A guard that stands behind another one is taken away together with a careless decider: the core decides nothing
that it would have to refuse.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import update_wrapper
from inspect import isfunction
from types import SimpleNamespace
from typing import Any

#: Seeds that the product as it is must pass first, or nothing below says anything.
CONTROL = 10

Patches = list[tuple[Any, str, Any]]


@dataclass(frozen=True)
class Mutant:
    """``patches`` gives what is replaced: (where, name, by what); called when Django is set up."""

    name: str
    invariant: str
    patches: Callable[[], Patches]


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """The product with the mutant's change."""
    patches = mutant.patches()
    before = [(place, name, getattr(place, name)) for place, name, _ in patches]
    for (place, name, changed), (_, _, real) in zip(patches, before, strict=True):
        if isfunction(changed) and isfunction(real):
            update_wrapper(changed, real)  # the simulation knows statements by their names
        setattr(place, name, changed)
    try:
        yield
    finally:
        for place, name, real in before:
            setattr(place, name, real)


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _careless(change: Callable[[Any], Any]) -> Patches:
    """A decider whose intents are changed."""
    from execution.core.algorithms.decide import decide as real
    from execution.core.orders.view import PlaceChild
    from execution.engine import order_driver

    def careless(view: Any) -> Any:
        decision = real(view)
        commands = tuple(change(c) if isinstance(c, PlaceChild) else c for c in decision.commands)
        return replace(decision, commands=commands)

    return [(order_driver, "decide", careless)]


def _too_large(intend: Any) -> Any:
    return replace(intend, quantity=intend.quantity * 3)


def _too_far(intend: Any) -> Any:
    """A price from which an order takes the whole book, one tick above or below a round number."""
    return replace(intend, price=(intend.price * Decimal("1.02")).quantize(Decimal("0.01")))


def no_overfill_check() -> Patches:
    from execution.services.engine import apply_decision

    return [*_careless(_too_large), (apply_decision, "exposure_of", lambda _order: Decimal(-1_000_000))]


def no_visible_check() -> Patches:
    from execution.services.engine import apply_decision

    return [*_careless(_too_large), (apply_decision, "_check_visible", _nothing)]


def no_price_check() -> Patches:
    from execution.services.engine import apply_decision

    return [*_careless(_too_far), (apply_decision, "_check_intent", _nothing)]


def _forgetting(status: str) -> Patches:
    """Children in ``status`` count for nothing, neither where is decided nor where a child is written: deciders never
    put a second child beside one that they know of, so that the check alone is not missed."""
    from execution.selectors.decisions import order_view as looks
    from execution.services.engine import apply_decision

    real = looks._rows_wanted

    def rows_wanted(order: Any, current: int | None) -> Any:
        return [child for child in real(order, current) if child.status != status or child.is_settled]

    def exposure_of(order: Any) -> Decimal:
        total: Decimal = order.filled
        for child in order.children.filter(is_settled=False).exclude(status=status):
            total += child.quantity - child.filled
        return total

    return [(looks, "_rows_wanted", rows_wanted), (apply_decision, "exposure_of", exposure_of)]


def unknown_is_not_reserved() -> Patches:
    return _forgetting("unknown")


def replaced_before_settled() -> Patches:
    return _forgetting("cancelling")


def sent_before_written() -> Patches:
    from execution.engine import order_submitter
    from execution.models import ChildOrder
    from execution.services.children.children import Taken, request_of

    def take(*, child_pk: int, account_fence: int, **_: Any) -> Any:
        child = ChildOrder.objects.get(pk=child_pk)
        return Taken(child.pk, child.order_id, request_of(child), account_fence)

    return [(order_submitter, "child_take", take)]


def taken_twice() -> Patches:
    """A row that was taken, and whose answer is not known, is sent again."""
    from execution.core.states import ChildStatus
    from execution.engine import order_submitter
    from execution.models import ChildOrder
    from execution.selectors.decisions.sessions import unsettled_children as real_read
    from execution.services.children.children import child_take as real_take

    def read(account_pk: int) -> Any:
        waiting = {ChildStatus.INTENDED, ChildStatus.UNKNOWN}
        return [
            replace(child, was_taken=False, status=ChildStatus.INTENDED) if child.status in waiting else child
            for child in real_read(account_pk)
        ]

    def take(*, child_pk: int, **given: Any) -> Any:
        waiting = ChildOrder.objects.filter(pk=child_pk, status=ChildStatus.UNKNOWN)
        waiting.update(status=ChildStatus.INTENDED, taken_at=None)
        return real_take(child_pk=child_pk, **given)

    return [(order_submitter, "children_to_send", read), (order_submitter, "child_take", take)]


def _never_doubting() -> Patches:
    """An owner that takes its lease for good: one that knows better does not come as far as the fence."""
    from execution.verification.faults.process import VirtualLease

    return [(VirtualLease, "left", lambda _lease: 10.0)]


def no_order_fence() -> Patches:
    from execution.engine import order_driver
    from execution.models import Order
    from execution.services.engine.apply_decision import decision_apply as real

    def apply(*, order_pk: int, worker_pk: int, fence: int, **given: Any) -> Any:
        owner, newest = Order.objects.values_list("owner_id", "fence").get(pk=order_pk)
        return real(order_pk=order_pk, worker_pk=owner, fence=newest, **given)

    return [*_never_doubting(), (order_driver, "decision_apply", apply)]


def no_session_fence() -> Patches:
    from execution.engine import order_submitter
    from execution.models import Account, ChildOrder
    from execution.services.children.children import child_take as real

    def take(*, child_pk: int, worker_pk: int, account_fence: int, **given: Any) -> Any:
        account = Account.objects.get(pk=ChildOrder.objects.values_list("account_id").get(pk=child_pk)[0])
        return real(child_pk=child_pk, worker_pk=account.owner_id or 0, account_fence=account.fence, **given)

    return [*_never_doubting(), (order_submitter, "child_take", take)]


def _never_halted(*_: Any, **__: Any) -> str:
    return ""


def no_halt_at_intend() -> Patches:
    from execution.selectors.decisions import order_view as looks
    from execution.services.engine import apply_decision

    return [(apply_decision, "halt_blocks_order", _never_halted), (looks, "halt_blocks_order", _never_halted)]


def no_halt_at_take() -> Patches:
    from execution.services.children import children

    return [(children, "halt_blocks_order", _never_halted)]


def absent_too_early() -> Patches:
    from datetime import timedelta

    from execution.services.children import absence

    return [
        (absence, "counts_from", lambda last, _validity, _delay: last - timedelta(hours=1)),
        (absence, "is_absent", lambda evidence, **_: any(evidence.looks.values())),
    ]


def reported_may_fall() -> Patches:
    from execution.core import reconcile

    return [(reconcile, "_higher", lambda known, said: known if said is None else said)]


def fills_twice() -> Patches:
    """Each telling of a trade is taken for another trade."""
    from execution.engine import account_reconciler
    from execution.services.children import events, fills

    count = iter(range(1_000_000_000))

    def as_new(real: Callable[..., Any]) -> Callable[..., Any]:
        def record(*, trade: Any, **given: Any) -> Any:
            return real(trade=replace(trade, trade_id=f"{trade.trade_id}-{next(count)}"), **given)

        return record

    recorded = as_new(fills.fill_record)
    inserted = as_new(fills.fill_insert)
    return [
        (events, "fill_record", recorded),
        (events, "fill_insert", inserted),
        (account_reconciler, "fill_record", recorded),
    ]


def no_validity_window() -> Patches:
    from datetime import timedelta

    from execution.verification.faults.gateway import SimulatedGateway

    real = SimulatedGateway.create

    async def create(self: Any, request: Any, *, valid_for: timedelta) -> Any:
        return await real(self, request, valid_for=timedelta(hours=1))

    return [(SimulatedGateway, "create", create)]


def stale_quotes_are_fine() -> Patches:
    from datetime import timedelta

    from execution.core.orders import view
    from execution.core.routing import account_selection
    from execution.services.engine import apply_decision

    return [
        (place, "MAX_QUOTE_AGE", timedelta(hours=1)) for place in (view, account_selection, apply_decision)
    ]


def no_idempotency_key() -> Patches:
    from execution.services.orders import orders

    forgetful = SimpleNamespace(objects=SimpleNamespace(create=_nothing))
    return [(orders, "_submitted", _nothing), (orders, "Submission", forgetful)]


def no_journal() -> Patches:
    from execution.services.children import absence, children

    return [(place, "journal_child", _nothing) for place in (children, absence)]


def nothing_arrives_before_a_stop() -> Patches:
    from execution.engine.order_submitter import Sender

    async def let_arrive(_: Any) -> None: ...

    return [(Sender, "let_arrive", let_arrive)]


def cancel_tried_once() -> Patches:
    from execution.engine.order_submitter import Sender

    real = Sender._cancel
    tried: set[str] = set()

    async def cancel(self: Any, child: Any) -> None:
        if child.ref.client_id not in tried:
            tried.add(child.ref.client_id)
            await real(self, child)
        else:
            await self._context.clock.sleep(1.0)

    return [(Sender, "_cancel", cancel)]


def stale_owner_claims() -> Patches:
    """Whoever looks takes what another one holds."""
    from django.db.models import Q

    from execution.services.engine import workers

    return [(workers, "_free", lambda _now: Q()), (workers, "_RELEASED", Q())]


MUTANTS = (
    Mutant("the overfill check of an intent, with a careless decider", "I1", no_overfill_check),
    Mutant("unknown children are not reserved", "I1", unknown_is_not_reserved),
    Mutant("replaced before the cancelled one is settled", "I1", replaced_before_settled),
    Mutant("a fill is recorded again when it is told again", "I2", fills_twice),
    Mutant("sent before it is written as taken", "I3", sent_before_written),
    Mutant("sent again while its answer is not known", "I3", taken_twice),
    Mutant("absent at the first look that does not show it", "I4", absent_too_early),
    Mutant("reported figures may fall", "I5", reported_may_fall),
    Mutant("price against limit and collar, with a careless decider", "I7", no_price_check),
    Mutant("the halt at an intent and at a look", "I7", no_halt_at_intend),
    Mutant("the halt at a take", "I7", no_halt_at_take),
    Mutant("the idempotency key", "I8", no_idempotency_key),
    Mutant("the fence of a decision", "I9", no_order_fence),
    Mutant("the fence of a session", "I9", no_session_fence),
    Mutant("the validity window of a request", "I9", no_validity_window),
    Mutant("whoever looks takes what another holds", "I9", stale_owner_claims),
    Mutant(
        "who stops lets nothing arrive before it gives its accounts away", "I9", nothing_arrives_before_a_stop
    ),
    Mutant("a cancel is tried once", "I10", cancel_tried_once),
    Mutant("a child's changes are not journalled", "I12", no_journal),
    Mutant("stale quotes are good enough", "I14", stale_quotes_are_fine),
    Mutant("the visible quantity, with a careless decider", "I17", no_visible_check),
)


def noticed_after(mutant: Mutant, seeds: int, source: bytes, first: int = 1) -> tuple[int, str] | None:
    """How many seeds it took, and what was said; None when none noticed."""
    from execution.verification.faults.runner import run_seeds

    with mutated(mutant):
        for number, verdict in enumerate(run_seeds(range(first, first + seeds), None, source), start=1):
            if verdict.violation:
                return number, verdict.violation
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--only", default="", help="words of the mutants to try")
    parser.add_argument("--from", type=int, default=0, dest="begin", help="leave out this many mutants")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from execution.verification.faults.runner import prepared

    source, survivors = prepared(), 0
    control = noticed_after(Mutant("nothing", "", list), CONTROL, source)
    if control is not None:
        print(f"with every check in its place seed {control[0]} fails: {control[1]}", file=sys.stderr)
        return 2
    print("| check taken away | invariant | noticed after | what was seen |\n| --- | --- | ---: | --- |")
    for mutant in MUTANTS[options.begin :]:
        if options.only not in mutant.name:
            continue
        begun = time.monotonic()
        found = noticed_after(mutant, options.seeds, source)
        survivors += found is None
        after, seen = (
            ("not noticed", "") if found is None else (str(found[0]), found[1][:90].replace("|", "/"))
        )
        print(f"| {mutant.name} | {mutant.invariant} | {after} | {seen} |", flush=True)
        print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
