"""The payloads of balances with the reserves of live orders, and of today's trades."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, EpochMs, about

VALUE = "in the reporting currency, by live quotes; null: not known, or there is no rate"


class Holding(TypedDict):
    """The holding of one account, or of all accounts together, in a currency.

    A currency that is zero on every account, and that no live order brings, is left out.
    """

    currency: str
    free: Annotated[
        DecimalStr | None,
        about("what the exchange said, less what the desk may have sent since; null: not told"),
    ]
    locked: Annotated[DecimalStr | None, about("what open orders hold at the exchange; null: not told")]
    reserved: Annotated[
        DecimalStr | None,
        about("what live orders may still spend here; null: one of them has no price yet"),
    ]
    available: Annotated[
        DecimalStr | None,
        about("what a new order may spend: free less reserved, at least zero; null: not known"),
    ]
    after: Annotated[
        DecimalStr | None,
        about(
            "what would be held if every live order were filled in full at the mid, before fees; "
            "null: not known, or an order may trade on another account too"
        ),
    ]
    value: Annotated[DecimalStr | None, about(f"free and locked as the exchange said, {VALUE}")]
    after_value: Annotated[DecimalStr | None, about(f"of ``after``, {VALUE}")]


class AccountBalances(TypedDict):
    id: str
    label: str
    at: Annotated[EpochMs | None, about("when the exchange answered; null: never yet")]
    is_stale: Annotated[bool, about("older than two polls and a half, or never told")]
    live_orders: Annotated[int, about("orders that reserve something here, of all traders")]
    value: Annotated[DecimalStr | None, about(f"of all its currencies, {VALUE}")]
    value_known: Annotated[DecimalStr, about("of the currencies whose value is known")]
    unpriced: Annotated[list[str], about("currencies whose value is not known")]
    holdings: list[Holding]


class SymbolDay(TypedDict):
    """The purchases and sales of a symbol since midnight UTC.

    ``realised`` and ``open`` are computed from the average price of each side, before fees.
    """

    symbol: str
    currency: Annotated[str, about("of the prices and results")]
    tick: DecimalStr | None
    bought: DecimalStr
    bought_average: DecimalStr | None
    sold: DecimalStr
    sold_average: DecimalStr | None
    net: Annotated[DecimalStr, about("bought less sold")]
    average: Annotated[DecimalStr | None, about("average price of the net; null: there is none")]
    mid: Annotated[DecimalStr | None, about("the newest of any venue; null: older than five minutes")]
    notional: Annotated[DecimalStr, about("of both sides")]
    realised: Annotated[DecimalStr, about("+ is gain")]
    open: Annotated[
        DecimalStr | None, about("the net at the mid against its average, + is gain; null: no mid")
    ]
    fees: Annotated[
        DecimalStr | None,
        about(
            "paid, in the row's currency at current rates, below zero for rebates; "
            "null: a fill's fee or a rate is not known"
        ),
    ]
    after_fees: Annotated[DecimalStr | None, about("realised and open less the fees")]


class DayTotals(TypedDict):
    """Sums over all symbols in the reporting currency. A sum is null if one of its parts is unknown or has no rate."""

    notional: DecimalStr | None
    realised: DecimalStr | None
    open: DecimalStr | None
    result: Annotated[DecimalStr | None, about("realised and open")]
    fees: Annotated[DecimalStr | None, about("paid; below zero for rebates")]
    after_fees: Annotated[DecimalStr | None, about("realised and open less the fees")]


class Balances(TypedDict):
    as_of: EpochMs
    currency: Annotated[str, about("the reporting currency")]
    accounts: list[AccountBalances]
    together: Annotated[
        list[Holding], about("over these accounts; an order of several accounts reserves its rest once")
    ]
    value: Annotated[DecimalStr | None, about(f"of all accounts, {VALUE}")]
    value_known: Annotated[DecimalStr, about("of what has a value")]
    whose: Annotated[Literal["own", "desk"], about("whose fills the symbols count")]
    since: Annotated[EpochMs, about("midnight UTC")]
    symbols: list[SymbolDay]
    today: DayTotals
