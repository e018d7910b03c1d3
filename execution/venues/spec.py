"""What an exchange may do in its own way: the vocabulary of ``quirks.EXCHANGE_SPECS``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

Call = Literal[
    "create", "cancel", "find", "open_orders", "closed_orders", "trades", "balances", "markets",
    "permissions", "fees", "quote", "book", "candles", "time",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """``budget`` units per ``window`` seconds, ``reserve`` of them for cancels only; cost of each call."""

    budget: float
    window: float
    reserve: float
    costs: Mapping[Call, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paging:
    """How the pages of one list follow each other.

    ``whole``: the one answer holds everything. ``from_id``: from an id on, upwards. ``before_id``: below the
    id of the last raw entry. ``cursor``: what the answer names. ``offset``, ``page``: counted.
    """

    way: Literal["whole", "from_id", "before_id", "cursor", "offset", "page"]
    #: ccxt's parameter that asks for the next page.
    param: str = ""
    #: Entries of a full page.
    size: int = 0
    #: Where the answer names its cursor, or the raw entry its id.
    at: tuple[str, ...] = ()
    #: Whether ccxt is given the size as its limit; kraken knows none.
    sends_size: bool = True


WHOLE = Paging("whole")


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode that the account must be in, and how to ask; ``refusal`` says what is wrong otherwise."""

    method: str
    address: str
    at: tuple[str, ...]
    expected: tuple[Any, ...]
    refusal: str


@dataclass(frozen=True, slots=True)
class ExchangeSpec:
    """What one exchange does in its own way; the defaults are cautious."""

    #: Configuration that ccxt's class needs, below what the venue's options say.
    config: Mapping[str, Any] = field(default_factory=dict)
    #: Our limit on calls by weight; None: derived from ccxt's ``rateLimit``.
    limits: Limits | None = None
    #: A second limit that counts orders alone.
    order_limits: Limits | None = None
    #: Parameters sent with every create.
    create_params: Mapping[str, str] = field(default_factory=dict)
    #: Parameters sent with a limit order that is immediate or cancel.
    ioc_params: Mapping[str, str] = field(default_factory=lambda: {"timeInForce": "IOC"})
    #: ccxt's parameter for our id in a create. None: nobody knows that ours arrives, so the exchange is refused.
    client_id_param: str | None = None
    #: Which client ids the exchange takes.
    client_id_rule: re.Pattern[str] = re.compile(r"[A-Za-z0-9]{1,18}")
    #: How the exchange is told until when a create counts: a parameter in milliseconds from its timestamp,
    validity_param: str | None = None
    #: a header with the moment in milliseconds of the exchange's clock, or an option that ccxt's ``sign`` reads.
    validity_header: str | None = None
    validity_option: str | None = None
    #: Whether fetch_order and cancel_order take ``clientOrderId`` in place of the exchange's id.
    by_client_id: bool = False
    #: Whether they take our id, with the prefix, as if it were the exchange's.
    client_id_as_id: bool = False
    #: Whether our id finds an order only while it is open, so that lists must be read for a closed one.
    finds_open_only: bool = False
    #: The parameters that narrow lists of orders to one order, by its id and by ours: better than fetch_order.
    id_filter: str | None = None
    client_id_filter: str | None = None
    #: The parameter by which cancel_order takes our id where fetch_order does not.
    cancel_param: str | None = None
    #: What ccxt puts before our client ids, to be taken off again.
    client_id_prefix: str = ""
    #: Raw fields of which one must be present before a filled figure is believed: ccxt defaults to 0.
    filled_fields: tuple[str, ...] = ()
    #: The raw field of a private stream's trade that holds our client id.
    stream_trade_client_id: str | None = None
    #: How pages follow each other; for a list that is not here, a page that may be full is a failed look,
    pages: Mapping[Call, Paging] = field(default_factory=dict)
    #: and this is the smallest size that any page may have.
    page: int = 50
    #: The longest stretch of time that one request for closed orders or trades may cover.
    stretch: timedelta | None = None
    #: Lists beside which the answer names a cursor even when they are empty, on which ccxt fails.
    cursor_beside: tuple[str, ...] = ()
    #: The field without which an answer of HTTP 200 is not an answer (ccxt takes its absence for "none").
    answer_field: str | None = None
    #: Addresses, and where their answers hold a list; ccxt reads anything else there as an empty one.
    lists_at: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = ()
    #: Whether ``parse_orders`` and ``parse_trades`` of ccxt get a list; kraken's get a mapping.
    lists: bool = True
    #: The raw field of a balance answer without which it is no answer.
    balance_field: str | None = None
    #: Whether the answer to a cancel carries the order's status, so that one without it is no answer.
    cancel_tells_status: bool = False
    #: Whether it carries the order's id, so that one without it is no answer.
    cancel_tells_id: bool = False
    #: ccxt's method that tells what a key may do, and the address (in ``urls["api"]``) that it is at.
    permissions_call: tuple[str, str] | None = None
    #: Whether the balance answer tells the account's own fees, as ``commissionRates``.
    fees_with_balance: bool = False
    #: Else ccxt's method, with its parameters, whose answer tells them below zero where they are charged.
    fees_call: tuple[str, Mapping[str, str]] | None = None
    #: A mode without which the account is refused when it is opened.
    mode: Mode | None = None
    #: Answers that say that the request came too late, whatever ccxt calls them.
    too_late: re.Pattern[str] | None = None
    #: Refusals of the key that ccxt reports as something else; the order of such an answer does not exist.
    refusal: re.Pattern[str] | None = None
    #: Refusals of an order that ccxt reports as a bare error, with the kind that each is.
    refused: tuple[tuple[re.Pattern[str], str], ...] = ()
    #: Answers that ccxt reports as a refusal although the order may exist.
    may_exist: re.Pattern[str] | None = None
    #: Words by which a failed find says that there is no such order, beside ccxt's OrderNotFound.
    not_found: re.Pattern[str] | None = None
    #: Words, of the error or the raw answer, by which a cancel says that there is no such open order.
    cancel_gone: re.Pattern[str] | None = None
    #: What a market buy is sized in; None: by ccxt's declaration. One sized in quote is never sent.
    market_buys: Literal["base", "quote"] | None = None
    #: The raw field of a trade that names the fee's currency, where ccxt guesses it.
    fee_currency_field: str | None = None
    #: Whether ccxt's ``authenticate()`` returns when the private stream is confirmed.
    authenticate_confirms: bool = False
    #: The channel whose subscription is confirmed by a message; the private stream has begun with it.
    confirmed_channel: str | None = None
    #: Whether the stream's fees are below zero where they are charged, which ccxt sets right for lists only.
    stream_fees_negated: bool = False
    #: Whether every order update of the stream is complete, so that nothing need be merged from before.
    complete_updates: bool = False
    #: The error map to use whatever the host; ccxt's binance knows it for the real hosts only.
    error_map: str | None = None
    #: Names that ccxt's source gives, in a comment, for the exchange itself beside its ``hostname``.
    hostnames: tuple[str, ...] = ()
    #: The header, with its value, that makes a request one to the test network where both share a host.
    test_header: tuple[str, str] | None = None
    #: What ccxt leaves in ``urls["api"]`` at the live addresses in its test mode, and does not use there.
    closed_in_test: tuple[str, ...] = ()
    #: The domain in which an answer of the live exchange may name the host of its websockets.
    own_domain: str | None = None
