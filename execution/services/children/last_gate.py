"""The last checks before a child is sent to the exchange, in the transaction that marks it as submitted.

Between the decision and this check a child may have waited: for the rate limit, for a poll, or because the exchange
asked for a pause.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.market_rules import market_from_json, misfit
from execution.core.numbers import grouped, plain, round_down
from execution.core.orders.last_gate import is_beyond, off_market
from execution.core.orders.reservation import INSUFFICIENT_FUNDS, cost_of, spent_currency
from execution.core.states import OrderStatus
from execution.core.types import ZERO, ChildRequest, Quote
from execution.models import Account, Credential, CredentialState, Order
from execution.models.prepared import Compiled
from execution.selectors.decisions.free import NO_FEES, account_free
from execution.selectors.decisions.resting import opposite_resting

#: A child that could not be sent within this time is dropped. The order then decides anew.
INTENT_LASTS = timedelta(seconds=2)
_KEYS = Compiled(
    lambda account: Credential.objects.filter(account_id=account, state=CredentialState.ACTIVE), account=int
)


def reason_to_drop(
    order: Order,
    account: Account,
    request: ChildRequest,
    *,
    child_pk: int,
    intended_at: datetime,
    quote: Quote | None,
    now: datetime,
) -> str:
    """Return the reason why a child must not be sent any more. An empty text means that it may be sent.

    ``order`` is locked, with its terms. ``quote`` is the newest quote of the account's market.
    """
    terms = order.terms
    if order.status != OrderStatus.WORKING or terms is None:
        return f"no longer needed: the order is {order.status}"
    if now >= terms.end_at:
        return "no longer needed: the order's end is reached"
    if now - intended_at > INTENT_LASTS:
        waited, most = ((now - intended_at).total_seconds(), INTENT_LASTS.total_seconds())
        return f"not sent: it has waited {waited:.1f} s, and after {most:g} s it is decided anew"
    if terms.limit_price is not None and is_beyond(request, terms.limit_price):
        return f"no longer needed: its price is beyond the limit price {plain(terms.limit_price)}"
    market = market_from_json(order.market[account.public_id])
    if unfit := misfit(market, request):
        return f"no longer fits: {unfit}"
    if not account.is_active:
        return f"account {account.label} is closed"
    if not _KEYS.all(account=account.pk):
        return f"account {account.label} has no checked key"
    if would_meet := meets_opposite(account, request):
        return would_meet
    collar_bp = Decimal(str(terms.parameters["collar_bp"]))
    moved = off_market(request, quote, collar_bp=collar_bp, tick=market.tick, now=now)
    return moved or _unpaid(account, request, child_pk)


def meets_opposite(account: Account, request: ChildRequest) -> str:
    """Return words that name one of the desk's own children with which this child would trade; "" without one.

    The account's row is locked, as it is for every submit of a child on the account. So if two children would trade
    with each other, the check of the second finds the first.
    """
    opposing = opposite_resting(account_pk=account.pk, symbol=request.symbol, side=request.side)
    if opposing is None:
        return ""
    if request.price is not None and (request.price - opposing.price) * request.side.sign < ZERO:
        return ""
    return f"not sent: {opposing.words(account.label)}"


def _unpaid(account: Account, request: ChildRequest, child_pk: int) -> str:
    """Return the reason why the account cannot pay for a child. An empty text means that it can.

    The balance may not yet show the amounts of other children. Those amounts are subtracted first. Fees are left out,
    because an exchange that charges them in the base currency accepts the child even if the balance does not cover
    them.
    """
    currency = spent_currency(request.symbol, request.side)
    cost = cost_of(request.side, request.quantity, request.price, NO_FEES).amount
    free, under_way = account_free(account, currency, beside=child_pk, cost=cost)
    if free is None or cost <= free:
        return ""
    has = f"account {account.label} has {grouped(round_down(max(free, ZERO)))} {currency} free"
    if under_way > ZERO:
        why = f"beside {grouped(under_way)} that the desk has under way, and the child needs {grouped(cost)}"
    else:
        why = f"and the child needs {grouped(cost)}: another program seems to spend on it"
    return f"{INSUFFICIENT_FUNDS}: {has} {why}"
