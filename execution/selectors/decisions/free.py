"""The free balances of accounts: the exchange's last figure, corrected by the effects of the desk's children since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Q

from execution.core.market_rules import market_from_json
from execution.core.orders.free_balance import BALANCE_TAKES, Free, SentChild, free_now
from execution.core.orders.reservation import Fees, cost_of, fees_on_top, spent_currency
from execution.core.types import ZERO, Side
from execution.models import Account, Balance, ChildOrder, Order
from execution.models.prepared import Compiled

NO_FEES = Fees(ZERO)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


_BALANCES = Compiled(lambda account: Balance.objects.filter(account_id=account), account=int)


class SentRow(NamedTuple):
    """The columns of a sent child that the calculation of free balances needs.

    A row is a tuple of columns because hundreds may be read before each create.
    """

    pk: int
    order: int
    symbol: str
    side: str
    price: Decimal | None
    quantity: Decimal
    filled: Decimal
    reported: Decimal | None
    is_settled: bool
    exchange_id: str
    submitted_at: datetime
    last_possible_send_at: datetime | None
    ended_at: datetime | None
    cancel_requested_at: datetime | None
    over_at: datetime | None

    @property
    def currency(self) -> str:
        return spent_currency(self.symbol, Side(self.side))

    def sent(self, fees: Fees) -> SentChild:
        side, done = Side(self.side), max(self.filled, self.reported or ZERO)
        return SentChild(
            cost=cost_of(side, self.quantity, self.price, fees).amount,
            spent=cost_of(side, done, self.price, fees).amount,
            submitted_at=self.submitted_at,
            last_possible_send_at=self.last_possible_send_at or self.submitted_at,
            is_on_book=bool(self.exchange_id),
            # What is over has taken what its figure tells, although its trades may be missing yet.
            is_settled=self.is_settled or self.over_at is not None,
            ended_at=self.ended_at or self.over_at,
            cancel_requested_at=self.cancel_requested_at,
        )


_SENT_COLUMNS = (
    *("pk", "order_id", "symbol", "side", "price", "quantity", "filled", "reported_filled", "is_settled"),
    *("exchange_id", "submitted_at", "last_possible_send_at", "ended_at", "cancel_requested_at", "over_at"),
)


def _may_count(account: Any, since: Any, after: Any) -> Q:
    """Return the condition for children sent after ``after`` that are unsettled or ended after ``since``.

    The condition has two halves, and each half uses an index. A single condition would make the database read every
    past child.
    """
    return Q(account_id=account, is_settled=False, submitted_at__gt=after) | Q(
        account_id=account, ended_at__gt=since, submitted_at__gt=after
    )


_SENT = Compiled(
    lambda account, since, after: ChildOrder.objects.filter(_may_count(account, since, after)).values_list(
        *_SENT_COLUMNS
    ),
    account=int,
    since=datetime,
    after=datetime,
)


def sent_rows(account_pk: int, since: datetime, *, after: datetime = LONG_AGO) -> list[SentRow]:
    """Return the children that were submitted after the time ``after`` and had not ended at the time ``since``."""
    return [SentRow(*row) for row in _SENT.values(account=account_pk, since=since, after=after)]


def _sent_to(since: Mapping[int, datetime]) -> list[tuple[int, SentRow]]:
    """Return ``sent_rows`` for several accounts, each with its own ``since``, read in one statement."""
    if len(since) <= 1:
        return [(pk, row) for pk, at in since.items() for row in sent_rows(pk, at)]
    wanted = reduce(or_, (_may_count(pk, at, LONG_AGO) for pk, at in since.items()))
    rows = ChildOrder.objects.filter(wanted).values_list("account_id", *_SENT_COLUMNS)
    return [(account_pk, SentRow(*row)) for account_pk, *row in rows]


@dataclass(frozen=True, slots=True)
class Told:
    """The exchange's reported balances of one account, by currency.

    An amount that the exchange does not report is None.
    """

    free: Mapping[str, Decimal | None]
    locked: Mapping[str, Decimal | None]
    at: datetime


def account_free(
    account: Account, currency: str, *, beside: int, cost: Decimal
) -> tuple[Decimal | None, Decimal]:
    """Return the largest amount that may be free for one child, and the amount that other children may have taken.

    ``beside`` is the primary key of the one child, and ``cost`` the amount that it needs. The first value is None if
    the balance is unknown. It may be too large but never too small, because the other children's fees are left out.
    Amounts that ended children have released are included only if ``cost`` cannot be paid without them.
    """
    told = _told(_BALANCES.all(account=account.pk)).get(account.pk)
    free = free_told(told, currency)
    if told is None or free is None:
        return None, ZERO

    def sent(rows: Iterable[SentRow]) -> list[SentChild]:
        return [row.sent(NO_FEES) for row in rows if row.pk != beside and row.currency == currency]

    since = sent(sent_rows(account.pk, told.at, after=told.at))
    under_way = sum((child.takes for child in since), ZERO)
    if cost <= free - under_way:
        return free - under_way, under_way
    return free_now(free, told.at, sent(sent_rows(account.pk, told.at - BALANCE_TAKES))).most, under_way


def balances_told(accounts: Sequence[Account]) -> dict[int, Told]:
    return _told(Balance.objects.filter(account__in=accounts))


def _told(rows: Iterable[Balance]) -> dict[int, Told]:
    free: dict[int, dict[str, Decimal | None]] = defaultdict(dict)
    locked: dict[int, dict[str, Decimal | None]] = defaultdict(dict)
    at: dict[int, datetime] = {}
    for row in rows:
        free[row.account_id][row.currency] = row.free
        locked[row.account_id][row.currency] = row.locked
        at[row.account_id] = row.at
    return {account: Told(free[account], locked[account], at[account]) for account in free}


def free_told(told: Told | None, currency: str) -> Decimal | None:
    """Return the free amount that the exchange reported; None if unknown.

    The exchange's answer lists all that is held, so for a currency that it does not list, return zero.
    """
    return None if told is None else told.free.get(currency, ZERO)


class Sent:
    """The children that may have changed the accounts' balances after the exchange reported them."""

    def __init__(
        self, accounts: Sequence[Account], balances: Mapping[int, Told], currencies: Collection[str]
    ) -> None:
        since = {
            account.pk: balances[account.pk].at - BALANCE_TAKES
            for account in accounts
            if account.pk in balances
        }
        self._balances = balances
        self._rows: dict[tuple[int, str], list[SentRow]] = defaultdict(list)
        for account_pk, row in _sent_to(since):
            if row.currency in currencies:
                self._rows[account_pk, row.currency].append(row)
        orders = {row.order for rows in self._rows.values() for row in rows}
        self._markets = (
            dict(Order.objects.filter(pk__in=orders).values_list("pk", "market")) if orders else {}
        )

    def free(self, account: Account, currency: str, told: Decimal | None) -> Free | None:
        """Return the amount that is free now, computed from the reported amount ``told``; None if ``told`` is None."""
        if told is None:
            return None
        sent = [
            row.sent(fees_of(self._markets.get(row.order, {}), account.public_id))
            for row in self._rows.get((account.pk, currency), ())
        ]
        return free_now(told, self._balances[account.pk].at, sent)


def fees_of(markets: Mapping[str, Any], account: str) -> Fees:
    """Return an order's fees on an account.

    The fees are unknown if the order's row has no market for the account. That raises no error, because an error would
    also stop other orders.
    """
    data = markets.get(account)
    return Fees(None) if data is None else fees_on_top(market_from_json(data))
