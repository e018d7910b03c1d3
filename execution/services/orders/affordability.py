"""The check that accounts can pay for an order in addition to what other live orders reserve (invariant I11)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from execution.core.numbers import round_down, round_up
from execution.core.orders.reservation import Cost, reserved_within, spent_currency
from execution.core.problem_codes import Code
from execution.core.problems import Problem, refuse_if
from execution.core.types import ZERO, Side
from execution.models import Account, Order, User
from execution.selectors.decisions.order_view import accounts_of
from execution.selectors.decisions.spending import OrderReserve, Spending, spending_of
from execution.selectors.markets import balances_sum
from execution.selectors.orders.visibility import sees_several

#: The most orders that the sentence names. It adds up the others.
ORDERS_NAMED = 5


def refuse_if_unaffordable(order: Order, person: User, *, field: str, label: str) -> None:
    """Raise ``Refused`` for an order whose accounts cannot pay for it.

    Call it inside a transaction that has locked the gate, the row that lets only one submit through at a time.

    A resume, and an amendment that needs more money, lock the gate before this check too. So each check sees the
    reserves of all orders that were written earlier.
    """
    refuse_if(unaffordable_together([order], person, field=field, label=label))


def unaffordable_together(orders: Sequence[Order], person: User, *, field: str, label: str) -> list[Problem]:
    """Return a problem if accounts cannot pay for several orders together.

    Call it inside a transaction that has locked the row of ``HaltGate``.

    The caller makes sure that all ``orders`` have the same accounts and spend the same currency.
    """
    accounts, pks = accounts_of(orders[0]), {order.pk for order in orders}
    spending = spending_of(accounts, spent_currency(orders[0].symbol, Side(orders[0].side)))
    own = [each for each in spending.orders if each.order_pk in pks]
    need = sum((reserved_within(each.reserve, each.reserve) for each in own), Cost())
    others = spending.without(*pks)
    return unaffordable(others, accounts, person, need, field=field, label=label) if own else []


def unaffordable(
    spending: Spending, accounts: Sequence[Account], person: User, need: Cost, *, field: str, label: str
) -> list[Problem]:
    """Return a problem if the known balances of ``accounts`` together cannot pay ``need``. Return none if a balance
    is unknown.
    """
    free, left = balances_sum(spending.told.values()), spending.available
    if free is None or left is None or need.amount <= left.amount:
        return []
    labels = [account.label for account in accounts]
    holders = f"{labels[0]} has" if len(labels) == 1 else f"{', '.join(labels)} together have"
    message = (
        f"{label} needs {round_up(need.amount):,f} {spending.currency} with fees. "
        f"{holders} {round_down(free):,f} {spending.currency} free"
    )
    value = round_up(need.amount)
    if need.amount > free:
        return [Problem(field, f"{message}.", value, free, code=Code.INSUFFICIENT_BALANCE)]
    message += f", of which {round_down(left.amount):,f} can be used. {taken_words(spending, person)}"
    return [Problem(field, message, value, left.amount, code=Code.BALANCE_RESERVED)]


def taken_words(spending: Spending, person: User) -> str:
    """Return a sentence that names the live orders which reserve parts of the balance.

    The reserves of orders that the person may not see are given as a sum, without names.
    """
    named = [each for each in spending.orders if is_seen(each, person) and _amount(each) > ZERO]
    named.sort(key=_amount, reverse=True)
    unseen = [each for each in spending.orders if not is_seen(each, person) and _amount(each) > ZERO]
    words = [f"{each.words} reserves {round_up(_amount(each)):,f}" for each in named[:ORDERS_NAMED]]
    for rest, whose in ((named[ORDERS_NAMED:], "other orders"), (unseen, "orders of other traders")):
        if rest:
            words.append(f"{whose} reserve {round_up(sum((_amount(each) for each in rest), ZERO)):,f}")
    if (under_way := spending.under_way) > ZERO:
        words.append(f"child orders since the balance was read spend up to {round_up(under_way):,f}")
    sentence = ", ".join(words) or "other children take the rest"
    return f"{sentence[0].upper()}{sentence[1:]}."


def is_seen(reserve: OrderReserve, person: User) -> bool:
    return reserve.trader_pk == person.pk or sees_several(person)


def _amount(each: OrderReserve) -> Decimal:
    return reserved_within(each.reserve, each.reserve).amount
