"""A run of one order in virtual time, by the real ``decide`` or a baseline, at a simulated exchange."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from execution.core.algorithms.decide import decide
from execution.core.orders.view import (
    AccountView,
    CancelChild,
    ChangeStatus,
    ChildView,
    Command,
    Decision,
    OrderView,
    PlaceChild,
    Rejections,
    Replan,
    memo_after,
)
from execution.core.quantities import collar_price, is_multiple
from execution.core.simulation.exchange import Fill, LadderMarket, Placed, Report, SimulatedExchange
from execution.core.simulation.kinds import MarketKind
from execution.core.simulation.market import SimulatedMarket
from execution.core.simulation.setting import BAR, START, Setting
from execution.core.states import ORDER_FINAL, ChildStatus, OrderStatus, order_after
from execution.core.types import ZERO, Book, Market, OrderType, Side, Traded, VenueStatus

ACCOUNT = "simulated"
LEVELS = 10
MAX_WAIT = 60.0  #: seconds, as the engine's driver
MIN_WAIT = 0.05
#: Most decisions at one moment. With more, they would probably never end.
MAX_DECISIONS = 100
PATIENCE = 120.0  #: seconds after the end by which every order must be final

Policy = Callable[[OrderView], Decision]


class InvariantBroken(Exception):
    """An error for a decision with a command that must never be given, or for an order that does not end."""


@dataclass(slots=True)
class _Child:
    intend: PlaceChild
    version: int
    intended_at: float
    lots: int
    status: ChildStatus = ChildStatus.SUBMITTED
    done: int = 0
    is_settled: bool = False
    cancel_wanted: bool = False
    ended_at: float | None = None
    reason: str = ""


_STATUSES = {
    VenueStatus.FILLED: ChildStatus.FILLED,
    VenueStatus.CANCELLED: ChildStatus.CANCELLED,
    VenueStatus.EXPIRED: ChildStatus.EXPIRED,
    VenueStatus.REJECTED: ChildStatus.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Run:
    """The result of an order. Prices are in ticks, quantities in lots.

    ``left`` has the prices and quantities at which the unfilled quantity could have been taken at the end.
    """

    side: Side
    lots: int
    arrival_mid: float
    final_mid: float
    fills: tuple[Fill, ...]
    left: tuple[tuple[int, int], ...]
    status: OrderStatus
    reason: str
    children: int
    cancels: int
    decisions: int
    volume: int


@dataclass
class Runner:
    """A runner that works one order in one market."""

    setting: Setting
    seed: int
    policy: Policy = decide
    open_market: Callable[[MarketKind, int], LadderMarket] = SimulatedMarket
    _children: list[_Child] = field(default_factory=list)
    _decisions: int = 0
    _cancels: int = 0
    _version: int = 1

    def run(self) -> Run:
        """Work the order to its end.

        Raise ``Refused`` if it cannot be planned, and ``InvariantBroken`` for a forbidden command or an order that
        never ends.
        """
        self._begin()
        decision = self._step()
        deadline = self.setting.minutes * 60
        while self._view.status not in ORDER_FINAL:
            deadline = max(deadline, (self._view.end_at - START).total_seconds())
            if self._exchange.now > deadline + PATIENCE:
                raise InvariantBroken(f"seed {self.seed}: not over {PATIENCE:g} s after its end")
            self._wait(decision)
            decision = self._step()
        return self._result()

    # --- time ---------------------------------------------------------------------------------------

    def _begin(self) -> None:
        kind = self.setting.kind
        market = self.open_market(kind, self.seed)
        self._exchange, self._market = SimulatedExchange(market), kind.market
        self._arrival = market.mid
        self._volumes: list[tuple[int, int]] = []
        book = self._book()
        if not book.is_sane:
            raise InvariantBroken(f"seed {self.seed}: the book has no two sides at the start")
        plan = self.setting.plan(book.touch)
        self._view = OrderView(
            now=START,
            status=OrderStatus.WORKING,
            outcome=None,
            outcome_reason="",
            side=self.setting.side,
            quantity=self.setting.quantity,
            done=ZERO,
            limit_price=None,
            start_at=START,
            end_at=START + timedelta(minutes=self.setting.minutes),
            parameters=self.setting.terms,
            slices=plan.slices,
            children=(),
            accounts=(),
            algorithm=self.setting.algorithm,
            arrival_mid=book.touch.mid,
            forecast=plan.forecast,
        )

    def _wait(self, decision: Decision) -> None:
        now, longest = self._exchange.now, MAX_WAIT
        if decision.due_at is not None:
            longest = min((decision.due_at - START) / timedelta(seconds=1) - now, MAX_WAIT)
        tick = self.setting.kind.tick
        below = None if decision.wake_below is None else math.floor(decision.wake_below / tick)
        above = None if decision.wake_above is None else math.ceil(decision.wake_above / tick)
        for report in self._exchange.advance(now + max(longest, MIN_WAIT), below, above):
            self._hear(report)

    def _step(self) -> Decision:
        for _ in range(MAX_DECISIONS):
            self._decisions += 1
            view = self._observe()
            decision = self.policy(view)
            self._view = replace(self._view, memo=memo_after(self._view.memo, decision.memo))
            for command in decision.commands:
                self._apply(view, command)
            if not decision.commands or self._view.status in ORDER_FINAL:
                return decision
        raise InvariantBroken(f"seed {self.seed}: {MAX_DECISIONS} decisions at one moment: {decision.why}")

    # --- what the order sees --------------------------------------------------------------------------

    def _observe(self) -> OrderView:
        now = START + timedelta(seconds=self._exchange.now)
        current = next(
            (part.number for part in self._view.slices if part.starts_at <= now < part.ends_at), None
        )
        shown = []
        for number, child in enumerate(self._children, start=1):
            part = child.intend.slice_number if child.version == self._version else None
            if not child.is_settled or (part is not None and part == current):
                shown.append(self._child_view(number, child, part))
        book = self._book()
        lot = self._market.lot
        # A recorded book may lack a side, or have none left after we took it.
        quote = book.touch if book.bids and book.asks else None
        venue = AccountView(ACCOUNT, ACCOUNT, self._market, quote, book)
        view = self._view
        return OrderView(
            now=now,
            status=view.status,
            outcome=view.outcome,
            outcome_reason=view.outcome_reason,
            side=view.side,
            quantity=view.quantity,
            done=sum(child.done for child in self._children) * lot,
            limit_price=view.limit_price,
            start_at=view.start_at,
            end_at=view.end_at,
            parameters=view.parameters,
            slices=view.slices,
            children=tuple(shown),
            accounts=(venue,),
            algorithm=view.algorithm,
            rejections=self._rejections(),
            arrival_mid=view.arrival_mid,
            forecast=view.forecast,
            extended=view.extended,
            memo=view.memo,
            traded=self._traded(),
            traded_since_start=self._exchange.market.volume * lot,
        )

    def _book(self) -> Book:
        market, at = self._exchange.market, START + timedelta(seconds=self._exchange.now)
        tick, lot = self._market.tick, self._market.lot
        bids, asks = (
            tuple((price * tick, lots * lot) for price, lots in side.levels(LEVELS))
            for side in (market.bids, market.asks)
        )
        return Book(bids, asks, at)

    def _traded(self) -> tuple[Traded, ...]:
        """Return the volume of each five-minute stretch since the start. Earlier volume is unknown."""
        volume, number = self._exchange.market.volume, int(self._exchange.now // BAR.total_seconds())
        while len(self._volumes) <= number:
            self._volumes.append((volume, volume))
        self._volumes[number] = (self._volumes[number][0], volume)
        ends = START + timedelta(seconds=self._exchange.now)
        return tuple(
            Traded(START + n * BAR, min(START + (n + 1) * BAR, ends), (last - first) * self._market.lot)
            for n, (first, last) in enumerate(self._volumes)
        )

    def _child_view(self, number: int, child: _Child, part: int | None) -> ChildView:
        intend, ended = child.intend, child.ended_at
        return ChildView(
            sequence=number,
            account=intend.account,
            slice_number=part,
            purpose=intend.purpose,
            status=child.status,
            price=intend.price,
            quantity=intend.quantity,
            done=child.done * self._market.lot,
            is_settled=child.is_settled,
            cancel_wanted=child.cancel_wanted,
            intended_at=START + timedelta(seconds=child.intended_at),
            ended_at=None if ended is None else START + timedelta(seconds=ended),
            reason=child.reason,
        )

    def _rejections(self) -> Rejections:
        count, last = 0, None
        for child in reversed(self._children):
            if child.status is not ChildStatus.REJECTED:
                break
            last, count = last or child, count + 1
        if last is None or last.ended_at is None:
            return Rejections()
        kind = last.reason.partition(":")[0]
        return Rejections(count, START + timedelta(seconds=last.ended_at), kind)

    # --- what it does -----------------------------------------------------------------------------------

    def _apply(self, view: OrderView, command: Command) -> None:
        if isinstance(command, PlaceChild):
            check_intent(self._observe(), command, self._market)
            self._place(command)
        elif isinstance(command, CancelChild):
            child = self._children[command.sequence - 1]
            child.cancel_wanted, child.status = True, ChildStatus.CANCELLING
            self._cancels += 1
            self._exchange.cancel(command.sequence)
        elif isinstance(command, Replan):
            self._replan(view, command)
        else:
            self._move(command)

    def _place(self, intend: PlaceChild) -> None:
        number = len(self._children) + 1
        lots = int(intend.quantity / self._market.lot)
        self._children.append(_Child(intend, self._version, self._exchange.now, lots))
        price = None if intend.price is None else int(intend.price / self._market.tick)
        self._exchange.create(Placed(number, self._view.side.sign, price, lots, intend.time_in_force))

    def _replan(self, view: OrderView, command: Replan) -> None:
        total = sum((part.quantity for part in command.slices), ZERO)
        if total != view.remaining:
            raise InvariantBroken(f"a plan of {total} for {view.remaining} that is left")
        extended = view.extended + (command.end_at - view.end_at)
        self._view = replace(self._view, slices=command.slices, end_at=command.end_at, extended=extended)
        self._version += 1

    def _move(self, move: ChangeStatus) -> None:
        status = order_after(self._view.status, move.event)
        outcome = move.outcome or self._view.outcome
        self._view = replace(self._view, status=status, outcome=outcome, outcome_reason=move.reason)

    def _hear(self, report: Report) -> None:
        child = self._children[report.order - 1]
        child.done = max(child.done, report.filled)
        if child.is_settled:
            return
        if report.status is VenueStatus.OPEN:
            if not child.cancel_wanted:
                child.status = ChildStatus.PARTLY_FILLED if child.done else ChildStatus.OPEN
            return
        child.status, child.is_settled = _STATUSES[report.status], True
        child.ended_at, child.reason = self._exchange.now, report.reason

    def _result(self) -> Run:
        market, side = self._exchange.market, self._view.side
        lots = int(self._view.quantity / self._market.lot)
        left = lots - sum(fill.lots for fill in self._exchange.fills)
        final = market.mid_of_others()
        return Run(
            side=side,
            lots=lots,
            arrival_mid=self._arrival,
            final_mid=final,
            fills=tuple(self._exchange.fills),
            left=tuple(market.take(side.sign, left, None)) if left else (),
            status=self._view.status,
            reason=self._view.outcome_reason,
            children=len(self._children),
            cancels=self._cancels,
            decisions=self._decisions,
            volume=market.volume,
        )


def check_intent(view: OrderView, intend: PlaceChild, market: Market) -> None:
    """Raise ``InvariantBroken`` if a new child is forbidden, or an exchange would refuse it.

    Two things are forbidden: that the order may be filled beyond its quantity (invariant I1), and a child beyond the
    limit, the collar or the order's time (invariant I7).
    """
    faults = []
    if view.done + view.exposure + intend.quantity > view.quantity:
        faults.append(
            f"{view.done} done, {view.exposure} live and {intend.quantity} more than {view.quantity}"
        )
    if view.status is not OrderStatus.WORKING or not view.start_at <= view.now < view.end_at:
        faults.append(
            f"a child at {view.now:%H:%M:%S} of a {view.status} order that ends {view.end_at:%H:%M:%S}"
        )
    quote, price = view.accounts[0].quote, intend.price
    if price is not None and quote is not None:
        sign = view.side.sign
        worst = collar_price(quote.mid, view.parameters.collar_bp, market.tick, view.side)
        if (price - worst) * sign > 0:
            faults.append(f"{price} is beyond the collar {worst}")
        if view.limit_price is not None and (price - view.limit_price) * sign > 0:
            faults.append(f"{price} is beyond the limit {view.limit_price}")
        if not is_multiple(price, market.tick):
            faults.append(f"{price} is off the tick {market.tick}")
    if price is None and intend.type is not OrderType.MARKET:
        faults.append("a limit order without a price")
    if intend.quantity <= ZERO or not is_multiple(intend.quantity, market.lot):
        faults.append(f"quantity {intend.quantity} is off the lot {market.lot}")
    worth = intend.quantity * (price if price is not None else quote.mid if quote is not None else Decimal(0))
    if worth < market.min_notional:
        faults.append(f"worth {worth}, under the minimum {market.min_notional}")
    if faults:
        raise InvariantBroken("; ".join(faults))
