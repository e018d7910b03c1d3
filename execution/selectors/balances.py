"""The accounts' holdings by currency, the reserves of live orders, and today's trades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.days import midnight_of
from execution.core.limits.money import Conversion
from execution.core.market_data.freshness import is_fresh
from execution.core.orders.holdings_after import changes_of
from execution.core.types import ZERO
from execution.models import Account, Role, User
from execution.payloads.balances import AccountBalances, Balances, Holding
from execution.payloads.encode import decimal_str, epoch_ms, rounded_str
from execution.selectors.catalogue import accounts_visible
from execution.selectors.decisions.free import Told
from execution.selectors.decisions.rates import conversion
from execution.selectors.decisions.spending import Spending, spendings_of
from execution.selectors.orders.visibility import sees_several
from execution.selectors.traded import PLACES, currencies_of, day_totals, symbol_days, trades_today

#: Balances are read every 20 s. After two and a half such intervals without an answer they are stale.
BALANCE_LASTS = timedelta(seconds=50)
REFUSAL = "Balances are for traders and supervisors."


def may_see_balances(person: User) -> bool:
    """Return True for traders, who spend balances, and for supervisors. Admins do not trade."""
    return person.role in {Role.TRADER, Role.SUPERVISOR}


def balances(*, person: User, now: datetime) -> Balances:
    """Return the balances of the accounts, and today's trades of the orders, that the person may see.

    The number of queries does not depend on the number of accounts, currencies and orders.
    """
    accounts = list(accounts_visible(person).order_by("label")) if may_see_balances(person) else []
    told, spendings = spendings_of(accounts)
    midnight = midnight_of(now)
    trades = trades_today(person=person, midnight=midnight)
    rates = conversion({*spendings, *currencies_of(trades)}, now)
    days = symbol_days(trades, rates, now)
    rows = [_account(account, told.get(account.pk), spendings, rates, now) for account in accounts]
    holdings = [holding for row in rows for holding in row["holdings"]]
    known = [account for account in accounts if account.pk in told]
    return Balances(
        as_of=epoch_ms(now),
        currency=rates.into,
        accounts=rows,
        together=_holdings(known, told, spendings, rates),
        value=_total(holdings),
        value_known=_known(holdings),
        whose="desk" if sees_several(person) else "own",
        since=epoch_ms(midnight),
        symbols=days,
        today=day_totals(days, rates),
    )


def _account(
    account: Account,
    told: Told | None,
    spendings: Mapping[str, Spending],
    rates: Conversion,
    now: datetime,
) -> AccountBalances:
    name, at = account.public_id, None if told is None else told.at
    holdings = _holdings([account], {} if told is None else {account.pk: told}, spendings, rates)
    orders = {order.order_pk for spending in spendings.values() for order in spending.on(name)}
    return AccountBalances(
        id=name,
        label=account.label,
        at=epoch_ms(at),
        is_stale=at is None or not is_fresh(at, now, BALANCE_LASTS),
        live_orders=len(orders),
        value=_total(holdings) if told is not None else None,
        value_known=_known(holdings),
        unpriced=[holding["currency"] for holding in holdings if holding["value"] is None],
        holdings=holdings,
    )


def _holdings(
    accounts: Sequence[Account],
    told: Mapping[int, Told],
    spendings: Mapping[str, Spending],
    rates: Conversion,
) -> list[Holding]:
    """Return the sum of the accounts' holdings by currency, the most valuable first.

    A currency that is zero on every account, and that no live order brings, is left out.
    """
    names = {account.public_id for account in accounts}
    rests = [
        order.rest for spending in spendings.values() for order in spending.orders if order.rest is not None
    ]
    changes = changes_of(rests, names, rates.rate)
    found = []
    for currency in sorted(spendings):
        locked = {
            account.public_id: told[account.pk].locked.get(currency, ZERO)
            for account in accounts
            if account.pk in told
        }
        change, rate = changes.get(currency, ZERO), rates.rate(currency)
        holding = _holding(spendings[currency].among(names), locked, rate, change)
        if holding is not None:
            found.append(holding)
    return sorted(found, key=lambda holding: -Decimal(holding["value"] or 0))


def _holding(
    spending: Spending, locked: Mapping[str, Decimal | None], rate: Decimal | None, change: Decimal | None
) -> Holding | None:
    reserved, left = spending.reserved, spending.available
    is_told = bool(locked)  # by the exchange, some balances of the account at all
    held = _sum([*spending.told.values(), *locked.values()])
    is_moved = reserved.amount != ZERO or not reserved.is_known or change != ZERO
    if not is_moved and (held == ZERO or not is_told):
        return None
    after = None if held is None or change is None or not is_told else held + change
    now_locked = {name: _locked_now(spending, name, amount) for name, amount in locked.items()}
    free = _sum(
        None if told is None else told + (locked.get(name) or ZERO) - (now_locked.get(name) or ZERO)
        for name, told in spending.told.items()
    )
    is_left_known = left is not None and left.is_known
    return Holding(
        currency=spending.currency,
        free=decimal_str(free),
        locked=decimal_str(_sum(now_locked.values())) if is_told else None,
        reserved=decimal_str(reserved.amount) if reserved.is_known else None,
        available=decimal_str(left.amount) if left is not None and is_left_known else None,
        after=rounded_str(after, PLACES),
        value=rounded_str(_worth(held, rate), PLACES),
        after_value=rounded_str(_worth(after, rate), PLACES),
    )


def _locked_now(spending: Spending, account: str, locked: Decimal | None) -> Decimal | None:
    """Return the reported locked amount, plus what children sent since then may have taken from the free amount, less
    what ended children have released to it. So free and locked together remain what the exchange reported.
    """
    told, free = spending.told[account], spending.free[account]
    if locked is None or told is None or free is None:
        return locked
    return max(locked + told - max(free.least, ZERO), ZERO)


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _worth(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    if amount is None or amount == ZERO:
        return amount
    return None if rate is None else amount * rate


def _total(holdings: Sequence[Holding]) -> str | None:
    """Return the sum of all values; None if one of them is unknown."""
    return None if any(holding["value"] is None for holding in holdings) else _known(holdings)


def _known(holdings: Sequence[Holding]) -> str:
    return decimal_str(sum((Decimal(holding["value"] or 0) for holding in holdings), ZERO))
