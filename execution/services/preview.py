"""What an order would be: its plan, its numbers and its checks, before anything exists."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeVar

from execution.core import types
from execution.core.plans import SlicePlan, base_quantity, check_limit_price, plain, plan_bounds, plan_even
from execution.core.problems import Problem, Refused
from execution.core.quantities import side_cost_bp
from execution.core.terms import OrderRequest, TwapParameters, parse_parameters
from execution.core.types import BASIS_POINT, ZERO, Quote, Side
from execution.core.view import MAX_QUOTE_AGE
from execution.models import Account, CredentialState, Role, User
from execution.selectors.markets import balance_free, market_of
from execution.selectors.quotes import quote_latest

T = TypeVar("T")

CheckState = Literal["ok", "warn", "fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the ticket's checks."""

    state: CheckState
    text: str


@dataclass(slots=True)
class Preview:
    """An order that does not exist yet. What is unknown is None; ``problems`` refuse it."""

    request: OrderRequest
    now: datetime
    account: Account | None = None
    market: types.Market | None = None
    quote: Quote | None = None
    parameters: TwapParameters | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None
    quantity: Decimal | None = None
    notional: Decimal | None = None
    minimum: Decimal | None = None
    max_slices: int | None = None
    limit_distance: Decimal | None = None
    worst_cost_bp: Decimal | None = None
    slices: tuple[SlicePlan, ...] = ()
    checks: tuple[Check, ...] = ()
    problems: list[Problem] = field(default_factory=list)

    @property
    def quote_age(self) -> float | None:
        """Seconds since the quote was received."""
        return None if self.quote is None else max((self.now - self.quote.at).total_seconds(), 0.0)

    @property
    def quote_is_fresh(self) -> bool:
        return self.quote_age is not None and self.quote_age <= MAX_QUOTE_AGE.total_seconds()

    @property
    def price(self) -> Decimal | None:
        """The price that quantities are judged at: the mid, however old, else the limit."""
        if self.quote is not None and self.quote.is_sane:
            return self.quote.mid
        return self.request.limit_price


def order_preview(*, person: User, request: OrderRequest, now: datetime) -> Preview:
    """Judge a request against its market, balance and clock; creates nothing.

    1. Who and where: the person may trade, the account is theirs, the symbol is listed there.
    2. When: start and end. 3. How much, and at what limit. 4. The slices. 5. The checks.
    """
    preview = Preview(request=request, now=now)
    try:
        _place(preview, person)
    except Refused as refused:
        preview.problems.extend(refused.problems)
        return preview
    for step in (_window, _amount, _plan):
        try:
            step(preview)
        except Refused as refused:
            preview.problems.extend(refused.problems)
    preview.checks = tuple(_checks(preview))
    return preview


def _place(preview: Preview, person: User) -> None:
    request = preview.request
    if person.role != Role.TRADER:
        raise Refused([Problem("", f"a {person.role} does not trade", person.role, Role.TRADER.value)])
    if len(request.accounts) != 1:
        count = str(len(request.accounts))
        raise Refused([Problem("accounts", f"{count} accounts are named; an order works on one", count, "1")])
    account = (
        person.accounts.filter(public_id=request.accounts[0], is_active=True).select_related("venue").first()
    )
    if account is None:
        raise Refused(
            [Problem("accounts", f"you have no account {request.accounts[0]!r}", request.accounts[0])]
        )
    if not account.credentials.filter(state__in=[CredentialState.ACTIVE, CredentialState.UNCHECKED]).exists():
        raise Refused([Problem("accounts", f"account {account.label} has no key in use", account.label)])
    preview.account = account
    listed = request.symbol in account.symbols
    preview.market = market_of(account, request.symbol) if listed else None
    if preview.market is None:
        listing = ", ".join(account.symbols)
        message = f"symbol {request.symbol!r} is not traded on {account.label}"
        if listed:
            message = (
                f"limits of {request.symbol} on {account.label} are not known yet; the venue has not answered"
            )
        raise Refused([Problem("symbol", message, request.symbol, listing)])
    preview.quote = quote_latest(account.venue_id, request.symbol)


def _window(preview: Preview) -> None:
    preview.parameters = parse_parameters(preview.request.algorithm, preview.request.parameters)
    preview.start_at, preview.end_at = preview.parameters.window(preview.now)


def _amount(preview: Preview) -> None:
    request, market, price = preview.request, _known(preview.market), preview.price
    check_limit_price(request.limit_price, market)
    preview.quantity = base_quantity(request.quantity, request.unit, market, price)
    if price is not None:
        preview.notional = preview.quantity * price
    if preview.quote is not None and preview.quote.is_sane and request.limit_price is not None:
        preview.limit_distance = request.limit_price / preview.quote.mid - 1
        preview.worst_cost_bp = side_cost_bp(request.side, request.limit_price, preview.quote.mid)
    _check_balance(preview)


def _check_balance(preview: Preview) -> None:
    """A balance that is known and too small refuses; one that is unknown is said in the checks."""
    request, market = preview.request, _known(preview.market)
    need = needed(preview)
    free = balance_free(_known(preview.account), _spent_currency(request.side, market))
    if need is None or free is None or free >= need:
        return
    currency = _spent_currency(request.side, market)
    message = (
        f"the order needs {plain(round_up(need))} {currency} with fees; "
        f"{_known(preview.account).label} has {plain(free)} {currency} free"
    )
    raise Refused([Problem("quantity", message, plain(round_up(need)), plain(free))])


def needed(preview: Preview) -> Decimal | None:
    """What the order takes of the balance it spends: a buy quote and fee, a sell base; None if unknown."""
    request, market = preview.request, _known(preview.market)
    if preview.quantity is None:
        return None
    if request.side is Side.SELL:
        return preview.quantity
    price = request.limit_price or preview.price
    if price is None:
        return None
    return preview.quantity * price * (1 + (market.taker_fee or ZERO))


def round_up(amount: Decimal) -> Decimal:
    """An amount for people: two digits after the point are enough above one."""
    return amount.quantize(Decimal("0.01")) if amount >= 1 else amount.normalize()


def _spent_currency(side: Side, market: types.Market) -> str:
    return market.quote if side is Side.BUY else market.base


def _plan(preview: Preview) -> None:
    if (
        preview.quantity is None
        or preview.start_at is None
        or preview.end_at is None
        or preview.parameters is None
    ):
        return
    market, price = _known(preview.market), preview.price
    bounds = plan_bounds(preview.quantity, market, price, preview.start_at, preview.end_at)
    preview.minimum, preview.max_slices = bounds.minimum, bounds.max_slices
    preview.slices = plan_even(
        quantity=preview.quantity,
        parameters=preview.parameters,
        market=market,
        price=price,
        start=preview.start_at,
        end=preview.end_at,
    )


def _known(value: T | None) -> T:
    """A value that an earlier step has set; its absence is a fault of ours."""
    if value is None:
        raise RuntimeError("a step of the preview ran before the one that it needs")
    return value


# --- checks --------------------------------------------------------------------------------------


def _checks(preview: Preview) -> list[Check]:
    checks = [Check("fail", problem.message) for problem in preview.problems]
    if preview.slices:
        checks.append(_slices_check(preview))
    checks.append(_balance_check(preview))
    checks.append(_book_check(preview))
    if preview.request.limit_price is not None:
        checks.append(_limit_check(preview))
    return checks


def _slices_check(preview: Preview) -> Check:
    market = _known(preview.market)
    least = plain(_known(preview.minimum))
    return Check(
        "ok", f"Lot, tick and minimum hold for every slice (lot {plain(market.lot)}, least child {least})"
    )


def _balance_check(preview: Preview) -> Check:
    market, account = _known(preview.market), _known(preview.account)
    currency = _spent_currency(preview.request.side, market)
    free, need = balance_free(account, currency), needed(preview)
    if free is None or need is None:
        return Check("unknown", f"Balance of {currency} on {account.label} is not known")
    state: CheckState = "ok" if free >= need else "fail"
    return Check(
        state, f"Balance: {round_up(need):,f} of {round_up(free):,f} {currency} free on {account.label}"
    )


def _book_check(preview: Preview) -> Check:
    if preview.quote is None:
        return Check("warn", "No market data yet: the order waits until there is some")
    if not preview.quote.is_sane:
        return Check(
            "warn", f"The book is crossed or empty: bid {preview.quote.bid}, ask {preview.quote.ask}"
        )
    if not preview.quote_is_fresh:
        return Check("warn", "Market data is stale: the order waits until it is fresh")
    spread = (preview.quote.ask - preview.quote.bid) / preview.quote.mid / BASIS_POINT
    return Check("ok", f"Book is fresh, spread {spread:.1f} bp")


def _limit_check(preview: Preview) -> Check:
    limit, quote = _known(preview.request.limit_price), preview.quote
    if quote is None or not quote.is_sane:
        return Check("unknown", "Limit price cannot be compared: no market data")
    beyond = (quote.aggressive(preview.request.side) - limit) * preview.request.side.sign
    if beyond > ZERO:
        return Check(
            "warn",
            f"The market is beyond the limit price {plain(limit)} now: nothing crosses until it returns",
        )
    return Check("ok", f"Limit price {plain(limit)} is beyond the touch")
