"""The payloads of accounts, their markets, and the newest quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from typing_extensions import TypedDict

from execution.core.types import MarketStatus
from execution.payloads.fields import DecimalStr, about

BAND = "a factor of the venue's reference price; null: no bound, or none known"


class Key(TypedDict):
    """The public facts of an account's key. The key itself is never shown."""

    state: str
    last_four: str
    checked_at: datetime | None
    permissions: Mapping[str, Any]


class Account(TypedDict):
    id: str
    label: str
    venue: str
    exchange: str
    environment: str
    symbols: Sequence[str]
    is_active: bool
    key: Annotated[Key | None, about("for admins only; null without a key")]


class Accounts(TypedDict):
    accounts: list[Account]


class Quote(TypedDict):
    bid: DecimalStr
    ask: DecimalStr
    mid: DecimalStr | None
    at: datetime
    age_seconds: float


class Market(TypedDict):
    """Rules and fees of a symbol at an account, and its newest quote, however old that is."""

    account: str
    account_id: str
    venue: str
    symbol: str
    base: str
    quote_currency: str
    tick: DecimalStr
    lot: DecimalStr
    min_quantity: DecimalStr
    min_notional: DecimalStr
    max_quantity: Annotated[DecimalStr | None, about("of one order; null: not limited")]
    max_notional: Annotated[DecimalStr | None, about("of one order; null: not limited")]
    buy_band_low: Annotated[DecimalStr | None, about(BAND)]
    buy_band_high: Annotated[DecimalStr | None, about(BAND)]
    sell_band_low: Annotated[DecimalStr | None, about(BAND)]
    sell_band_high: Annotated[DecimalStr | None, about(BAND)]
    status: Annotated[MarketStatus, about("what the market takes now")]
    status_word: Annotated[str, about("the venue's own word for it, if it has one")]
    maker_fee: Annotated[DecimalStr | None, about("a fraction: 0.001 is ten basis points")]
    taker_fee: DecimalStr | None
    refreshed_at: datetime
    quote: Quote | None


class Markets(TypedDict):
    markets: list[Market]
