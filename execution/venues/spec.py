"""The ways in which exchanges differ, as the types of an ``ExchangeSpec``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from execution.core.types import MarketStatus
from execution.venues.protocol import AccountQuestion

Call = Literal[
    "create", "cancel", "find", "open_orders", "closed_orders", "trades", "balances", "markets",
    "permissions", "fees", "quote", "book", "candles", "public_trades", "time", "switch",
    "all_open_orders", "all_trades", "order_trades",
    "stream_token", "ended_orders", "book_snapshot", "cancel_all",
]  # fmt: skip


#: A wildcard in a path to a list in an answer. It stands for a key that the request chose, with the only list there.
ANY_LIST = "*"


@dataclass(frozen=True, slots=True)
class Limits:
    """A rate limit: ``budget`` units per ``window`` seconds, and the cost of each call. ``reserve`` units are for
    cancels only.

    With ``decay`` there is no window. A counter falls by ``decay`` units a second, and may not pass ``budget``.
    """

    budget: float
    window: float
    reserve: float
    costs: Mapping[Call, float] = field(default_factory=dict)
    decay: float | None = None
    #: What the exchange counts by. All clients on one host share a limit that is counted by "address".
    counted_by: Literal["address", "account"] = "account"
    #: Whether the exchange counts each symbol separately.
    by_symbol: bool = False
    #: The cost of a cancel by its order's age, as pairs (seconds, cost). The first pair with more seconds than the age
    #: counts; without one the cancel is free.
    cancel_by_age: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class UsedHeader:
    """The header that reports in each answer how many units are used in the current ``window`` of seconds.

    ``name`` is in lower case. Windows begin at multiples of ``window`` on the exchange's clock. ``limit`` is the
    number of units that the exchange allows all programs at one address together in one window.
    """

    name: str
    limit: float
    window: float


@dataclass(frozen=True, slots=True)
class Paging:
    """The way from one page of a list to the next.

    ``whole`` means that one answer has the whole list. ``from_id`` requests entries from an id upwards, and
    ``before_id`` entries below the id of the last raw entry. ``cursor`` requests a page by the cursor that the last
    answer contained. ``offset`` and ``page`` request a page by the number of entries or pages that come before it.
    """

    way: Literal["whole", "from_id", "before_id", "cursor", "offset", "page"]
    #: ccxt's parameter that asks for the next page.
    param: str = ""
    #: The number of entries on a full page.
    size: int = 0
    #: The path to the cursor in the answer, or to the id in a raw entry.
    at: tuple[str, ...] = ()
    #: Whether ``size`` goes to ccxt as its limit. kraken has no such parameter.
    sends_size: bool = True


WHOLE = Paging("whole")


@dataclass(frozen=True, slots=True)
class CandlePages:
    """The way to request a market's five-minute candles.

    ``size`` is the number of candles per request, at least two. A request that begins just before a candle returns
    all candles of the next ``size`` candle lengths, except perhaps the last one. It may also return later candles. An
    empty answer means that nobody traded in that time. It is not the end of the list. ``newest_only`` means that the
    exchange lists only its newest candles, whatever the request.
    """

    #: For an unknown exchange. No known exchange returns fewer at once.
    size: int = 100
    newest_only: bool = False


@dataclass(frozen=True, slots=True)
class RawFees:
    """The place of the fees in a raw trade, for an exchange of which ccxt reads one fee or none.

    ``at`` is the field with a list of entries, the JSON text of a list, or a single entry. ``amounts`` are the fields
    of an entry that may hold the amount. The first that exists is used. With ``beside`` these fees are added to those
    that ccxt reads. Otherwise they replace them.
    """

    at: str
    amounts: tuple[str, ...]
    currency: str
    #: Whether a fee that is charged is written below zero.
    negated: bool = False
    beside: bool = False


@dataclass(frozen=True, slots=True)
class RawBalances:
    """The place of an account's figures in a balance answer, for an exchange where ccxt reads the wrong fields.

    ``at`` is the path to a list of entries, or to a mapping from currency to entry. ``currency`` is the field with
    the currency, in an entry of a list. The free amount is the sum of ``free`` less ``held_back``; the locked amount
    is the sum of ``locked``. A missing field counts as zero if it is in ``optional``. Otherwise it makes the figure
    unknown.
    """

    at: tuple[str | int, ...]
    free: tuple[str, ...]
    locked: tuple[str, ...]
    held_back: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class StreamOrders:
    """The names of fields in a private stream's raw order that ccxt does not read, for exchanges that send only
    changes.

    ``order_id`` is the field by which the messages about one order are found. A field that a message omits keeps its
    earlier value.
    """

    order_id: str
    client_id: str
    #: The cumulative filled quantity.
    filled: str


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode in which the account must be, and the request that reads the mode.

    ``at`` is the path to the mode in the answer. ``refusal`` is the message for an account in another mode.
    """

    method: str
    address: str
    at: tuple[str, ...]
    expected: tuple[Any, ...]
    refusal: str


@dataclass(frozen=True, slots=True)
class SwitchCall:
    """The call that arms a dead-man's switch: ccxt's method, and its parameter in seconds.

    ``off`` is the value that disarms. ``trigger_at`` is the path to the time at which the switch fires. An answer
    without that time is no confirmation.
    """

    method: str
    param: str
    trigger_at: tuple[str | int, ...]
    off: int = 0


#: A path of keys in a raw answer.
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusField:
    """A field of a raw market that shows the market's status by a word, which is compared in lower case.

    A word that is not in ``words`` halts the market, because its meaning is unknown.
    """

    name: str
    words: Mapping[str, MarketStatus]


def status_flag(name: str, status: MarketStatus) -> StatusField:
    """Return a field whose value true means ``status``, and whose value false means open."""
    return StatusField(name, {"true": status, "false": MarketStatus.OPEN})


@dataclass(frozen=True, slots=True)
class MarketFields:
    """The fields of a raw market that ccxt's structure lacks.

    Of the fields in ``status``, the first whose word does not mean open sets the status. If the market has none of
    these fields, ccxt's ``active`` decides. ``max_quantity`` and ``max_notional`` are fields with maximums of limit
    orders. The smallest of these maximums is used, or ccxt's if there is none. ``buy_ratio`` is the allowed distance
    of a buy above the reference price, ``sell_ratio`` that of a sell below it, both as fractions. ``has_filters``
    means that the price bands are in the field ``filters``.
    """

    status: tuple[StatusField, ...] = ()
    max_quantity: tuple[Path, ...] = ()
    max_notional: tuple[Path, ...] = ()
    buy_ratio: Path | None = None
    sell_ratio: Path | None = None
    has_filters: bool = False
    #: The tick, on an exchange where it is more than one in the last decimal.
    tick: Path | None = None


@dataclass(frozen=True, slots=True)
class ExchangeSpec:
    """The peculiarities of one exchange. The defaults are cautious, for an exchange that the desk does not know."""

    #: Configuration that ccxt's class needs. The venue's own options override it.
    config: Mapping[str, Any] = field(default_factory=dict)
    #: The limit on calls, by their cost. None: derived from ccxt's ``rateLimit``.
    limits: Limits | None = None
    #: A second limit, on orders alone.
    order_limits: Limits | None = None
    #: The limit on calls without a key, if they are counted separately. None: market data and accounts share
    #: ``limits``.
    public_limits: Limits | None = None
    #: Both limits for each tier of an account. The venue's option ``tier`` chooses one; without it the first counts.
    tiers: Mapping[str, tuple[Limits, Limits]] = field(default_factory=dict)
    #: Texts by which the exchange locks a key or an address out for a while, and the length of the first pause after
    #: that.
    locked_out: re.Pattern[str] | None = None
    lockout: timedelta = timedelta(minutes=1)
    #: The header with the time at which the limit is free again, and its unit: a time in ms or s, or a number of ms.
    reset_header: tuple[str, Literal["at_ms", "at_s", "in_ms"]] | None = None
    #: The header that reports how much of the limit on calls is used.
    used_header: UsedHeader | None = None
    #: Parameters sent with every create.
    create_params: Mapping[str, str] = field(default_factory=dict)
    #: Parameters sent with a limit order that is immediate-or-cancel.
    ioc_params: Mapping[str, str] = field(default_factory=lambda: {"timeInForce": "IOC"})
    #: ccxt's parameter for our client id in a create. None: our id may not arrive, so the exchange is refused.
    client_id_param: str | None = None
    #: The form of client ids that the exchange accepts.
    client_id_rule: re.Pattern[str] = re.compile(r"[A-Za-z0-9]{1,18}")
    #: The way to limit the validity of a create: a parameter with milliseconds from its timestamp on,
    validity_param: str | None = None
    #: or a header with the end in milliseconds of the exchange's clock, or an option that ccxt's ``sign`` reads,
    validity_header: str | None = None
    validity_option: str | None = None
    #: or fields of the body, each with its meaning: the end, the time of the request, or the number of milliseconds.
    validity_fields: Mapping[str, Literal["until", "timestamp", "milliseconds"]] = field(default_factory=dict)
    #: Whether ``fetch_order`` and ``cancel_order`` accept ``clientOrderId`` in place of the exchange's id.
    by_client_id: bool = False
    #: Whether both accept our client id, with ``client_id_prefix``, as if it were the exchange's id.
    client_id_as_id: bool = False
    #: Whether our id finds an order only while it is open. A closed order must then be searched for in lists.
    finds_open_only: bool = False
    #: The parameters that narrow lists of orders to one order: by the exchange's id, and by ours. They replace
    #: ``fetch_order``.
    id_filter: str | None = None
    client_id_filter: str | None = None
    #: The parameter in which ``cancel_order`` accepts our id, on an exchange where ``fetch_order`` does not.
    cancel_param: str | None = None
    #: The prefix that ccxt adds to our client ids. It is removed when an order is read.
    client_id_prefix: str = ""
    #: Raw fields with the filled quantity. If none is present, ccxt's figure is ignored, because ccxt defaults to 0.
    filled_fields: tuple[str, ...] = ()
    #: The raw field of a private stream's trade that holds our client id.
    stream_trade_client_id: str | None = None
    #: Parameters of the subscription to the private stream.
    stream_params: Mapping[str, bool] = field(default_factory=dict)
    #: The fields of the private stream's orders that ccxt does not read.
    stream_orders: StreamOrders | None = None
    #: The way through the pages of each list. For a list that is not here, a page that may be full is a failed read,
    pages: Mapping[Call, Paging] = field(default_factory=dict)
    #: and a page with this many entries may be full.
    page: int = 50
    #: The number of orders that one request can look up, by ccxt's ``fetch_orders_by_ids``,
    orders_at_once: int = 1
    #: or, if this is True, in the list of the newest ended orders of all symbols.
    lists_ended: bool = False
    #: The parameter that narrows a symbol's trades to one order, and further parameters. The cost is ``order_trades``.
    #: None: that would cost as much as all trades of the symbol.
    order_trades: tuple[str, Mapping[str, str]] | None = None
    #: Lists that the exchange gives for all symbols at once. Their costs are ``all_open_orders`` and ``all_trades``.
    without_symbol: frozenset[AccountQuestion] = frozenset()
    #: The way through the pages of candles.
    candles: CandlePages = CandlePages()
    #: The longest stretch of time that one request for closed orders or trades may cover.
    stretch: timedelta | None = None
    #: Lists in answers that have a cursor even if the list is empty. ccxt fails on that, so the cursor is removed.
    cursor_beside: tuple[str, ...] = ()
    #: A field of every good answer. ccxt takes an answer of HTTP 200 without it for "there is none".
    answer_field: str | None = None
    #: Patterns of addresses, each with the path to the list in the answer. ccxt reads anything but a list as an empty
    #: one.
    lists_at: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = ()
    #: Whether ccxt's ``parse_orders`` and ``parse_trades`` always get a list. kraken's may get a mapping.
    lists: bool = True
    #: A raw field of every good balance answer.
    balance_field: str | None = None
    #: The place of the figures in a balance answer, if ccxt reads the wrong ones.
    balances: RawBalances | None = None
    #: The meaning of the suffixes under which the exchange lists parts of a currency: free to trade as usual, or
    #: locked.
    balance_suffixes: Mapping[str, Literal["free", "locked"]] = field(default_factory=dict)
    #: Whether every good answer to a cancel has the order's status.
    cancel_tells_status: bool = False
    #: Whether every good answer to a cancel has the order's id.
    cancel_tells_id: bool = False
    #: ccxt's method that reads the permissions of a key, and the name in ``urls["api"]`` of its address.
    permissions_call: tuple[str, str] | None = None
    #: Whether the balance answer has the account's own fee rates, as ``commissionRates``.
    fees_with_balance: bool = False
    #: Otherwise ccxt's method that reads the rates, with its parameters. In its answer a charge is below zero.
    fees_call: tuple[str, Mapping[str, str]] | None = None
    #: The scope of the exchange's call that cancels all open orders. None: it has none, and each order is cancelled
    #: alone.
    cancels_all: Literal["symbol", "account"] | None = None
    #: The dead-man's switch for all orders of an account. Its seconds are among the exchange's guarantees.
    switch: SwitchCall | None = None
    #: The mode that an account needs. An account in another mode is refused at opening.
    mode: Mode | None = None
    #: Texts by which the exchange says that a request came too late, whatever error ccxt makes of them.
    too_late: re.Pattern[str] | None = None
    #: Texts that refuse the key, but that ccxt reports as another error. An order with such an answer does not exist.
    refusal: re.Pattern[str] | None = None
    #: Answers that are plain text. Any other text is a web page, which says nothing about an order or a key.
    plain_answer: re.Pattern[str] | None = None
    #: Texts that refuse an order, but that ccxt reports as a general error, each with the kind of refusal.
    refused: tuple[tuple[re.Pattern[str], str], ...] = ()
    #: Texts that ccxt reports as a refusal although the order may exist.
    may_exist: re.Pattern[str] | None = None
    #: Words in a failed look-up that mean that there is no such order, besides ccxt's ``OrderNotFound``.
    not_found: re.Pattern[str] | None = None
    #: Words in the error or the raw answer of a cancel that mean that there is no such open order.
    cancel_gone: re.Pattern[str] | None = None
    #: The currency of a market buy's quantity. None: as ccxt declares. A market buy in quote currency is never sent.
    market_buys: Literal["base", "quote"] | None = None
    #: The raw field of a trade with the fee's currency. Without a value there the fee is unknown, because ccxt
    #: guesses.
    fee_currency_field: str | None = None
    #: The place of fees in a trade that ccxt does not read.
    raw_fees: RawFees | None = None
    #: The raw fields with a rebate and its currency, in a trade or in the order message that a stream sends for a
    #: trade.
    rebate_fields: tuple[str, str] | None = None
    #: The fields of a raw market with its status, maximums and price band.
    market: MarketFields = MarketFields()
    #: Whether ccxt's ``authenticate()`` returns only when the exchange has confirmed the private stream.
    authenticate_confirms: bool = False
    #: A channel of the private stream whose subscription the exchange confirms. The confirmation starts the stream.
    confirmed_channel: str | None = None
    #: A channel to subscribe to as well, because the exchange would close a private stream without messages.
    heartbeat_channel: str | None = None
    #: Whether ccxt puts the filled quantity into the ``amount`` of a streamed order. The order's quantity is then
    #: unknown.
    stream_amount_is_filled: bool = False
    #: Whether a charged fee is below zero in the stream. ccxt corrects the sign only for lists.
    stream_fees_negated: bool = False
    #: Whether every order update of the stream has all fields, so that ccxt need not merge it with earlier ones.
    complete_updates: bool = False
    #: The name of ccxt's error map to use for every host. ccxt's binance chooses the map only for the real hosts.
    error_map: str | None = None
    #: Further names of the exchange's host besides ccxt's ``hostname``. ccxt's source has them in a comment.
    hostnames: tuple[str, ...] = ()
    #: The header and its value that mark a request to the test network, if the test network shares the live host.
    test_header: tuple[str, str] | None = None
    #: Names in ``urls["api"]`` that still have live addresses in ccxt's test mode. ccxt does not use them in that
    #: mode.
    closed_in_test: tuple[str, ...] = ()
    #: Whether ccxt stores streamed best bids and asks in ``tickers`` instead of ``bidsasks``.
    quotes_in_tickers: bool = False
    #: Whether ccxt reads a snapshot over REST before it streams a book. Its cost is ``book_snapshot``.
    snapshot_over_rest: bool = True
    #: The number of levels of a streamed book and of its snapshot. None: ccxt's default.
    book_depth: int | None = None
    #: The raw field of a streamed public trade with the number of trades that it merges. Their ids are consecutive.
    trade_count_field: str | None = None
    #: Whether the ids of a symbol's public trades are consecutive, so that a missing trade shows.
    consecutive_trade_ids: bool = False
    #: The number of public trades on one page over REST,
    public_trades_page: int = 100
    #: and ccxt's parameter that requests trades from an id on, oldest first. None: only the newest can be read.
    public_trades_from: str | None = None
    #: The step in which ccxt gives the exchange's time, such as whole seconds.
    time_step: timedelta = timedelta(0)
    #: Whether each signed request needs a higher nonce than all requests that arrived before it.
    nonce_grows: bool = False
    #: The domain of websocket hosts that only an answer of the live exchange names.
    own_domain: str | None = None
