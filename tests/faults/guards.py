"""Guards taken away: what each mutant replaces, as (where, name, by what).

A guard that stands behind another one is taken away together with a careless decider: the core decides nothing that it
would have to refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

Patches = list[tuple[Any, str, Any]]


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _careless(change: Callable[[Any], Any]) -> Patches:
    """Return a decider whose intents are changed."""
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
    """Return a price from which an order takes the whole book, one tick above or below a round number."""
    return replace(intend, price=(intend.price * Decimal("1.02")).quantize(Decimal("0.01")))


def no_overfill_check() -> Patches:
    from execution.services.engine import apply_decision

    return [*_careless(_too_large), (apply_decision, "exposure_of", lambda _order: Decimal(-1_000_000))]


def no_visible_check() -> Patches:
    from execution.services.engine import apply_decision

    return [*_careless(_too_large), (apply_decision, "_check_visible", _nothing)]


def over_too_early() -> Patches:
    """Make a child over as soon as any figure of it arrives."""
    from execution.services.children import fills

    def is_over(facts: Any) -> bool:
        return facts.reported is not None

    return [(fills, "is_over", is_over)]


def no_price_check() -> Patches:
    from execution.services.engine import apply_decision

    return [*_careless(_too_far), (apply_decision, "_check_placement", _nothing)]


def _forgetting(status: str) -> Patches:
    """Count children in ``status`` for nothing, where the desk decides and where it writes a child. Deciders never
    put a second child beside one that they know of, so that the check alone is not missed.
    """
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
    from execution.services.children.children import SubmittedChild, request_of

    def submit(*, child_pk: int, account_fence: int, **_: Any) -> Any:
        child = ChildOrder.objects.get(pk=child_pk)
        return SubmittedChild(child.pk, child.order_id, request_of(child), account_fence)

    return [(order_submitter, "child_submit", submit)]


def submitted_twice() -> Patches:
    """Send a row again that was submitted, and whose answer is not known."""
    from execution.core.states import ChildStatus
    from execution.engine import order_submitter
    from execution.models import ChildOrder
    from execution.selectors.decisions.sessions import unsettled_children as real_read
    from execution.services.children.children import child_submit as real_submit

    def read(account_pk: int) -> Any:
        waiting = {ChildStatus.SUBMITTED, ChildStatus.UNKNOWN}
        return [
            replace(child, status=ChildStatus.PENDING_SUBMIT) if child.status in waiting else child
            for child in real_read(account_pk)
        ]

    def submit(*, child_pk: int, **given: Any) -> Any:
        waiting = ChildOrder.objects.filter(pk=child_pk, status=ChildStatus.UNKNOWN)
        waiting.update(status=ChildStatus.PENDING_SUBMIT, submitted_at=None)
        return real_submit(child_pk=child_pk, **given)

    return [(order_submitter, "children_to_send", read), (order_submitter, "child_submit", submit)]


def _never_doubting() -> Patches:
    """Make an owner that never doubts its lease. An owner with doubts does not get as far as the fence."""
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
    from execution.services.children.children import child_submit as real

    def submit(*, child_pk: int, worker_pk: int, account_fence: int, **given: Any) -> Any:
        account = Account.objects.get(pk=ChildOrder.objects.values_list("account_id").get(pk=child_pk)[0])
        return real(child_pk=child_pk, worker_pk=account.owner_id or 0, account_fence=account.fence, **given)

    return [*_never_doubting(), (order_submitter, "child_submit", submit)]


def _never_halted(*_: Any, **__: Any) -> str:
    return ""


def no_halt_at_placement() -> Patches:
    from execution.selectors.decisions import order_view as looks
    from execution.services.engine import apply_decision

    return [(apply_decision, "halt_blocks_order", _never_halted), (looks, "halt_blocks_order", _never_halted)]


def no_halt_at_submit() -> Patches:
    from execution.services.children import children

    return [(children, "halt_blocks_order", _never_halted)]


def absent_too_early() -> Patches:
    from execution.services.children import absence

    return [
        *polls_count(lambda last, _validity, _delay: last - timedelta(hours=1)),
        (absence, "is_absent", lambda evidence, **_: any(evidence.not_found.values())),
    ]


def polls_count(counts_from: Callable[..., Any]) -> Patches:
    """Count polls as evidence from another moment on, for the readers and for the judges."""
    from execution.core import reconcile

    return [(reconcile, "counts_from", counts_from)]


def absent_after_a_fixed_second() -> Patches:
    """Omit the bound on a create's arrival at its exchange."""
    return polls_count(lambda last, _within, _delay: last + timedelta(seconds=6))


def reported_may_fall() -> Patches:
    from execution.core import reconcile

    return [(reconcile, "_higher", lambda known, said: known if said is None else said)]


def fills_twice() -> Patches:
    """Take each message about a trade for another trade."""
    from execution.engine import symbol_poll
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
        (symbol_poll, "fill_record", recorded),
    ]


def no_validity_window() -> Patches:
    from execution.verification.faults.gateway import SimulatedGateway

    real = SimulatedGateway.create

    async def create(self: Any, request: Any, *, valid_for: timedelta) -> Any:
        return await real(self, request, valid_for=timedelta(hours=1))

    return [(SimulatedGateway, "create", create)]


def stale_quotes_are_fine() -> Patches:
    from execution.core.orders import last_gate, view
    from execution.core.routing import account_selection
    from execution.services.engine import apply_decision

    places = (view, account_selection, apply_decision, last_gate)
    return [(place, "is_fresh", lambda *_: True) for place in places]


def no_last_gate() -> Patches:
    """Send each decision, however long it waited and wherever the market went."""
    from execution.services.children import last_gate

    return [
        (last_gate, "off_market", lambda *_, **__: ""),
        (last_gate, "INTENT_LASTS", timedelta(hours=1)),
    ]


def no_opposite_check() -> Patches:
    """Send a child whatever the desk rests on the other side."""
    from execution.services.children import last_gate

    return [(last_gate, "meets_opposite", lambda *_: "")]


def no_reservation() -> Patches:
    """Judge each order as if it were the only one."""
    from execution.core.orders.reservation import available as real
    from execution.selectors.decisions import spending

    return [(spending, "available", lambda free, _others: real(free, []))]


def no_limits_at_submit() -> Patches:
    from execution.core.limits.judgement import WITHIN
    from execution.services.orders import limits

    return [(limits, "judge", lambda *_, **__: WITHIN)]


def no_message_rate() -> Patches:
    from execution.services.children import limit_gate

    return [(limit_gate, "_sent", lambda *_: 0)]


def no_balance_at_the_last_gate() -> Patches:
    from execution.services.children import last_gate

    return [(last_gate, "_unpaid", lambda *_: "")]


def no_idempotency_key() -> Patches:
    from execution.services.orders import submit

    forgetful = SimpleNamespace(objects=SimpleNamespace(create=_nothing))
    return [(submit, "_submitted", _nothing), (submit, "Submission", forgetful)]


def no_journal() -> Patches:
    from execution.services.children import absence, children

    return [(place, "journal_child", _nothing) for place in (children, absence)]


def nothing_arrives_before_a_stop() -> Patches:
    from execution.engine.order_submitter import OrderSubmitter

    async def let_arrive(_: Any) -> None: ...

    return [(OrderSubmitter, "let_arrive", let_arrive)]


def cancel_tried_once() -> Patches:
    from execution.engine.order_submitter import OrderSubmitter

    real = OrderSubmitter._cancel
    tried: set[str] = set()

    async def cancel(self: Any, child: Any) -> None:
        if child.ref.client_id not in tried:
            tried.add(child.ref.client_id)
            await real(self, child)
        else:
            await self._context.clock.sleep(1.0)

    return [(OrderSubmitter, "_cancel", cancel)]


def stale_owner_claims() -> Patches:
    """Let anybody take what another one holds."""
    from django.db.models import Q

    from execution.services.engine import workers

    def anybodys(now: datetime, owner: str = "owner") -> Any:
        return ~Q(pk=None) | Q(**{f"{owner}__lease_until__lte": now})  # a compiled query must use its values

    return [
        # Compiled before, these still have the filter in them.
        *(
            (query, "_made", {})
            for query in (workers._FREE_ACCOUNTS, workers._FREE_MARKETS, workers._FREE_ORDERS)
        ),
        (workers, "_free", anybodys),
        (workers, "_released", lambda *_: ~Q(pk=None)),
    ]


def sent_while_in_doubt(said: str = "is_symbol_reconciled") -> Patches:
    from execution.models import Account

    return [(Account, said, lambda *_: True)]


def no_trades_at_first() -> Patches:
    from execution.engine.all_trades import AllTrades

    return [(AllTrades, name, lambda *_: False) for name in ("is_must", "is_due")]


def no_missing_fills() -> Patches:
    """Read neither the trades of children that are behind, nor the regular list that would bring them later."""
    from execution.engine.missing_fills import MissingFills

    async def nothing(*_: Any) -> None: ...

    return [(MissingFills, "read", nothing), *no_trades_after_the_first()]


def no_trades_after_the_first() -> Patches:
    from execution.engine.all_trades import AllTrades

    def is_first(self: Any, symbol: str, *_: Any) -> bool:
        return self.last(symbol) is None

    return [(AllTrades, name, is_first) for name in ("is_must", "is_due")]
