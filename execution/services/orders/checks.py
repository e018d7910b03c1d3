"""The ticket's checks: what holds for an order that does not exist yet, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Literal

from execution.core.numbers import plain
from execution.core.orders.parameters import i_would_price
from execution.core.orders.plans import far_price_problems
from execution.core.orders.view import MAX_QUOTE_AGE
from execution.core.types import BASIS_POINT, ZERO, Market, Quote
from execution.selectors.markets import balances_sum

if TYPE_CHECKING:
    from execution.models import Account
    from execution.services.orders.preview import Preview

CheckState = Literal["ok", "warn", "fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the ticket's checks. ``confirmed_by``: the field in which a person confirms what it warns of."""

    state: CheckState
    text: str
    confirmed_by: str = ""


def checks_of(preview: Preview) -> list[Check]:
    """Every problem, then what stands beside them."""
    return [Check("fail", problem.message) for problem in preview.problems] + checks_beside(preview)


def checks_beside(preview: Preview) -> list[Check]:
    """What holds, what waits and what nobody knows: everything but the problems."""
    checks = []
    if preview.slices and not any(problem.field == "limit_price" for problem in preview.problems):
        checks.append(_slices_check(preview))
    checks.extend(_balance_checks(preview))
    checks.extend(_book_checks(preview))
    checks.extend(_depth_checks(preview))
    if preview.request.limit_price is not None:
        checks.append(_limit_check(preview))
    checks.extend(_i_would_checks(preview))
    if preview.lookalike is not None:
        checks.append(Check("warn", f"Look-alike: {preview.lookalike.words}", "confirm_lookalike"))
    return checks


def _slices_check(preview: Preview) -> Check:
    lot = "not known" if preview.market is None else plain(preview.market.lot)
    least = "not known" if preview.minimum is None else plain(preview.minimum)
    where = " on every account" if len(preview.accounts) > 1 else ""
    return Check("ok", f"Lot, tick and minimum hold for every slice{where} (lot {lot}, least child {least})")


def _balance_checks(preview: Preview) -> list[Check]:
    """What the accounts together hold of what is spent; with several, what each of them has."""
    need, currency = preview.needs, preview.spends
    several = len(preview.accounts) > 1
    names = _enumerated([account.label for account in preview.accounts])
    free = balances_sum(preview.balances.values())
    checks = []
    if free is None and not several:
        checks = [Check("unknown", f"Balance of {currency} on {names} is not known")]
    if free is not None and need is None and not several:
        words = (
            f"Balance: {round_down(free):,f} {currency} free on {names}; what the order needs is not known"
        )
        checks = [Check("unknown", words)]
    if free is not None and need is not None and free >= need:  # too little is a problem, and said there
        amounts = f"{round_up(need):,f} of {round_down(free):,f} {currency} free on {names}"
        checks = [Check("ok", f"Balance: {amounts}")]
    return checks + ([_account_balance(preview, account) for account in preview.accounts] if several else [])


def _account_balance(preview: Preview, account: Account) -> Check:
    free = preview.balances.get(account.public_id)
    if free is None:
        return Check("unknown", f"Balance of {preview.spends} on {account.label} is not known")
    if free <= ZERO:
        return Check("warn", f"{account.label} has no {preview.spends}: nothing goes there")
    return Check("ok", f"{account.label} has {round_down(free):,f} {preview.spends} free")


def _book_checks(preview: Preview) -> list[Check]:
    """The account's quote; with several, one line for all that are fresh and one for each that is not."""
    if len(preview.accounts) <= 1:
        return [_book_check(preview.quote, preview)]
    each = {
        account.label: _book_check(preview.quotes.get(account.public_id), preview)
        for account in preview.accounts
    }
    checks = [Check("warn", f"{label}: {check.text}") for label, check in each.items() if check.state != "ok"]
    fresh = [label for label, check in each.items() if check.state == "ok"]
    if fresh and preview.quote is not None:
        bid, ask = (_to_tick(price, preview.market) for price in (preview.quote.bid, preview.quote.ask))
        reference = f"reference {bid:,f} / {ask:,f}"
        checks.insert(0, Check("ok", f"Quotes are fresh on {', '.join(fresh)}: {reference}"))
    return checks


def _depth_checks(preview: Preview) -> list[Check]:
    """Of an order that takes at once: whose depth is not known yet, or not at all."""
    checks = []
    if preview.books_awaited:
        checks.append(Check("unknown", books_awaited(preview)))
    words = "{} gives no book: only the size at its best price is counted"
    return checks + [Check("warn", words.format(label)) for label in preview.books_missing]


def _enumerated(names: Sequence[str]) -> str:
    """``alpha``, ``alpha and beta``, ``alpha, beta and gamma``; empty for none."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def books_awaited(preview: Preview) -> str:
    """What the ticket waits for, in words."""
    names = preview.books_awaited
    books = "The book of {} is" if len(names) == 1 else "The books of {} are"
    return f"{books.format(_enumerated(names))} still coming: how much can be had, and at what price, is not known yet"


def _to_tick(price: Decimal, market: Market | None) -> Decimal:
    """With one digit more than the tick: the mean of several venues' quotes may have any number of them."""
    return price if market is None else price.quantize(market.tick.normalize() / 10)


def _book_check(quote: Quote | None, preview: Preview) -> Check:
    if quote is None:
        return Check("warn", "No market data yet: the order waits until there is some")
    if not quote.is_sane:
        return Check("warn", f"The quote is crossed or empty: bid {plain(quote.bid)}, ask {plain(quote.ask)}")
    if preview.now - quote.at > MAX_QUOTE_AGE:
        return Check("warn", "Market data is stale: the order waits until it is fresh")
    spread = (quote.ask - quote.bid) / quote.mid / BASIS_POINT
    return Check("ok", f"Quote is fresh, spread {spread:.1f} bp")


def _limit_check(preview: Preview) -> Check:
    limit, quote = preview.request.limit_price, preview.quote
    if limit is None or quote is None or not quote.is_sane:
        return Check("unknown", "Limit price cannot be compared with the mid: no market data")
    side, parameters = preview.request.side, preview.parameters
    if parameters and (far := far_price_problems(side, "limit_price", limit, quote, parameters.collar_bp)):
        return Check("warn", far[0].message, far[0].field)
    beyond = (quote.aggressive(side) - limit) * side.sign
    if beyond > ZERO:
        return Check(
            "warn",
            f"The market is beyond the limit price {plain(limit)} now: nothing crosses until it returns",
        )
    return Check("ok", f"Limit price {plain(limit)} is beyond the touch")


def _i_would_checks(preview: Preview) -> list[Check]:
    """Whether an I-would price does everything at once from the start."""
    quote, parameters, side = preview.quote, preview.parameters, preview.request.side
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
            "warn", f"The market is at the I-would price {plain(price)} now: everything may be done at once"
        )
    ]


def round_up(amount: Decimal) -> Decimal:
    """What is needed, for people: two digits after the point are enough above one, and it is never less."""
    return amount.quantize(Decimal("0.01"), ROUND_CEILING) if amount >= 1 else amount.normalize()


def round_down(amount: Decimal) -> Decimal:
    """What is there, for people: never more than there is."""
    return amount.quantize(Decimal("0.01"), ROUND_FLOOR) if amount >= 1 else amount.normalize()
