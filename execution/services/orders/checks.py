"""The checks that the order ticket shows for an order that does not exist yet, one line each."""

from __future__ import annotations

from execution.core.market_data.freshness import is_fresh
from execution.core.market_rules import band_edge, largest_quantity, status_words
from execution.core.numbers import grouped, round_down, round_up
from execution.core.orders.parameters import i_would_price
from execution.core.orders.plans import far_price_problems
from execution.core.orders.reservation import Cost
from execution.core.texts import enumerated
from execution.core.types import BASIS_POINT, ZERO, Quote
from execution.models import Account
from execution.services.orders.affordability import is_seen
from execution.services.orders.limits import REASON_FIELD
from execution.services.orders.order_market import OrderMarket
from execution.services.orders.stages import Check, Preview

#: The most reserving orders that one line links to.
ORDERS_SHOWN = 8


def checks_of(preview: Preview) -> list[Check]:
    """Return every problem of the preview as a check, followed by all checks that are not problems."""
    return [Check("fail", problem.message) for problem in preview.problems] + checks_beside(preview)


def checks_beside(preview: Preview) -> list[Check]:
    """Return every check that is not a problem. Each is passed, waiting, unknown or a warning."""
    market, checks = preview.market, []
    if market is None:
        return []
    if preview.slices and not any(problem.field == "limit_price" for problem in preview.problems):
        checks.append(_slices_check(preview, market))
    checks.extend(_market_checks(preview, market))
    checks.extend(_balance_checks(preview, market))
    checks.extend(_book_checks(market))
    checks.extend(_feed_checks(market))
    checks.extend(_depth_checks(preview))
    if preview.request.limit_price is not None:
        checks.append(_limit_check(preview))
    checks.extend(_i_would_checks(preview))
    checks.extend(_limit_checks(preview))
    if preview.lookalike is not None:
        checks.append(Check("warn", f"Possible duplicate: {preview.lookalike.words}", "confirm_lookalike"))
    return checks


def _limit_checks(preview: Preview) -> list[Check]:
    """Return a check for each exceeded limit that still allows the order, with an approval or with a reason."""
    verdict = preview.verdict
    checks = [Check("warn", breach.message, "approval") for breach in verdict.approvals]
    return checks + [
        Check("warn", breach.message, f"{REASON_FIELD}{breach.kind}") for breach in verdict.reasons
    ]


def _slices_check(preview: Preview, market: OrderMarket) -> Check:
    bounds = preview.planned.bounds
    least = "not known" if bounds is None else grouped(bounds.minimum)
    where = " on every account" if len(market.accounts) > 1 else ""
    words = f"(lot {grouped(market.limits.lot)}, min. child size {least})"
    return Check("ok", f"Lot, tick and minimum hold for every slice{where} {words}")


def _market_checks(preview: Preview, market: OrderMarket) -> list[Check]:
    """Return a check for each market that is not fully open, and one for a quantity above the exchange's
    maximum order size.
    """
    refused = {problem.message for problem in preview.problems}
    words = [f"{label}: {said}" for label, rules in market.by_label.items() if (said := status_words(rules))]
    checks = [Check("warn", each) for each in words if f"{each}." not in refused]
    quantity, price, limits = preview.terms.quantity, market.price(preview.request.limit_price), market.limits
    most = None if price is None else largest_quantity(limits, price)
    if quantity is not None and most is not None and quantity > most > ZERO:
        words_of_most = f"at most {grouped(most)} {limits.base}"
        checks.append(
            Check("ok", f"The exchange takes {words_of_most} in one order: children stay within it")
        )
    return checks + _band_checks(preview, market)


def _band_checks(preview: Preview, market: OrderMarket) -> list[Check]:
    """Return a check for a limit price beyond the edge of the exchange's price band. Children stop at that edge."""
    limit, mid, side = preview.request.limit_price, market.mid, market.side
    edge = None if mid is None else band_edge(market.limits, side, mid)
    if limit is None or edge is None or (limit - edge) * side.sign <= ZERO:
        return []
    words = f"Limit price {grouped(limit)} is beyond the exchange's price band: children stop at {grouped(edge)} now"
    return [Check("warn", words)]


def _balance_checks(preview: Preview, market: OrderMarket) -> list[Check]:
    """Return a check of the balance of all accounts together, then a check of each account.

    The check of an account shows its free balance and the orders that reserve a part of it.
    """
    quantity, free, currency = preview.terms.quantity, market.free, market.spends
    need = Cost(is_known=False)
    if quantity is not None:
        need = market.needs(quantity, preview.request.limit_price, preview.terms.parameters)
    several, left = len(market.accounts) > 1, market.spending.available
    names = enumerated([account.label for account in market.accounts])
    checks = []
    if free is None and not several:
        checks = [Check("unknown", f"Balance of {currency} on {names} is not known")]
    if free is not None and not need.is_known and not several:
        words = f"Balance: {round_down(free):,f} {currency} free on {names}; the amount needed is not known"
        checks = [Check("unknown", words)]
    if free is not None and need.is_known and left is not None and left.amount >= need.amount:
        # too little is a problem, and said there
        needed = f"the order needs up to {round_up(need.amount):,f} {currency} with fees"
        checks = [Check("ok", f"Balance: {needed}, {round_down(left.amount):,f} can be used on {names}")]
    each = (_account_balance(preview, market, account, several=several) for account in market.accounts)
    return checks + [check for check in each if check is not None]


def _account_balance(
    preview: Preview, market: OrderMarket, account: Account, *, several: bool
) -> Check | None:
    """Return a check with the free balance of an account and the orders that reserve a part of it.

    Return None for the only account of an order if its balance is unknown, or if nothing is reserved on it.
    """
    currency, free = market.spends, market.balances.get(account.public_id)
    if free is None:
        return Check("unknown", f"Balance of {currency} on {account.label} is not known") if several else None
    if free <= ZERO and several:
        return Check("warn", f"Account {account.label} has no {currency}: it gets no part of the order")
    reserving = market.spending.on(account.public_id)
    words = f"Account {account.label} has {round_down(free):,f} {currency} free"
    if not reserving:
        return Check("ok", words) if several else None
    costs = [each.reserve[account.public_id].total for each in reserving]
    reserved = sum((cost.amount for cost in costs), ZERO)
    seen = [each.public_id for each in reserving if preview.person and is_seen(each, preview.person)]
    count = len(reserving) - len(seen)
    others = "" if not count else f", {count} of them of other traders" if seen else ", of other traders"
    least = "" if all(cost.is_known for cost in costs) else "at least "
    orders = "1 live order" if len(reserving) == 1 else f"{len(reserving)} live orders"
    words += f", {least}{round_up(reserved):,f} reserved by {orders}{others}"
    if (under_way := market.spending.among({account.public_id}).under_way) > ZERO:
        words += f", up to {round_up(under_way):,f} spent by child orders since the balance was read"
    if (left := market.spending.left_on(account.public_id)) is not None:
        words += f", {round_down(left):,f} can be used"
    if len(seen) > ORDERS_SHOWN:
        words += f"; {ORDERS_SHOWN} of {len(seen)} orders are listed"
    return Check("ok" if least == "" else "unknown", words, orders=tuple(seen[:ORDERS_SHOWN]))


def _book_checks(market: OrderMarket) -> list[Check]:
    """Return the account's quote. With several accounts, return one line for all fresh quotes, and a line for each
    quote that is not fresh.
    """
    if len(market.accounts) <= 1:
        return [_book_check(market.quote, market)]
    each = {
        account.label: _book_check(market.quotes.get(account.public_id), market)
        for account in market.accounts
    }
    checks = [Check("warn", f"{label}: {check.text}") for label, check in each.items() if check.state != "ok"]
    fresh = [label for label, check in each.items() if check.state == "ok"]
    if fresh and market.quote is not None:
        # The mean of several venues' quotes may have any number of digits: one more than the tick is shown.
        step = market.limits.tick.normalize() / 10
        bid, ask = (price.quantize(step) for price in (market.quote.bid, market.quote.ask))
        reference = f"reference {bid:,f} / {ask:,f}"
        checks.insert(0, Check("ok", f"Quotes are fresh on {', '.join(fresh)}: {reference}"))
    return checks


def _feed_checks(market: OrderMarket) -> list[Check]:
    return [
        Check("warn", f"account {label}: {words}") for label, feeds in market.feeds.items() for words in feeds
    ]


def _depth_checks(preview: Preview) -> list[Check]:
    route, checks = preview.planned.route, []
    if preview.books_awaited:
        checks.append(Check("unknown", books_awaited(preview)))
    words = "{} has no order book: only the size at its best price is counted"
    return checks + [Check("warn", words.format(label)) for label in (route.books_missing if route else ())]


def books_awaited(preview: Preview) -> str:
    """Return words about the order books that have not arrived yet."""
    names = preview.books_awaited
    books = "The book of {} has" if len(names) == 1 else "The books of {} have"
    return f"{books.format(enumerated(names))} not arrived: the available quantity and its price are not known yet"


def _book_check(quote: Quote | None, market: OrderMarket) -> Check:
    if quote is None:
        return Check("warn", "No market data yet: the order waits for it")
    if not quote.is_sane:
        return Check(
            "warn", f"The quote is crossed or empty: bid {grouped(quote.bid)}, ask {grouped(quote.ask)}"
        )
    if not is_fresh(quote.at, market.now):
        return Check("warn", "Market data is stale: the order waits for fresh data")
    spread = (quote.ask - quote.bid) / quote.mid / BASIS_POINT
    return Check("ok", f"Quote is fresh, spread {spread:.1f} bp")


def _limit_check(preview: Preview) -> Check:
    limit, quote = preview.request.limit_price, preview.quote
    if limit is None or quote is None or not quote.is_sane:
        return Check("unknown", "Limit price cannot be compared with the mid: no market data")
    side, parameters = preview.request.side, preview.terms.parameters
    if parameters and (far := far_price_problems(side, "limit_price", limit, quote, parameters.collar_bp)):
        return Check("warn", far[0].message, far[0].field)
    beyond = (quote.aggressive(side) - limit) * side.sign
    if beyond > ZERO:
        return Check(
            "warn",
            f"The market is beyond the limit price {grouped(limit)} now: nothing crosses until the market returns",
        )
    return Check("ok", f"The market is within the limit price {grouped(limit)}")


def _i_would_checks(preview: Preview) -> list[Check]:
    """Return a check if the I-would price cannot be compared with the mid, is far from it, or is reached by the market
    now. In the last case the whole order may fill at once.
    """
    quote, parameters, side = preview.quote, preview.terms.parameters, preview.request.side
    price = None if parameters is None else i_would_price(parameters)
    if parameters is None or price is None:
        return []
    if quote is None or not quote.is_sane:
        return [Check("unknown", "I-would price cannot be compared with the mid: no market data")]
    if far := far_price_problems(side, "i_would_price", price, quote, parameters.collar_bp):
        return [Check("warn", far[0].message, far[0].field)]
    touch = quote.aggressive(side)
    if (price - touch) * side.sign < ZERO:
        return []
    return [
        Check(
            "warn",
            f"The market is at the I-would price {grouped(price)} now: the whole order may fill at once",
        )
    ]
