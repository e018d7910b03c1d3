"""The differences between exchanges: the types of an ``ExchangeSpec``."""

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


#: In the way to a list of an answer: the one list that is there, under a name that the request gave.
ANY_LIST = "*"


@dataclass(frozen=True, slots=True)
class Limits:
    """``budget`` units per ``window`` seconds, of which ``reserve`` are for cancels only, and the cost of each call.

    With ``decay`` it is a counter instead. It falls by so many units a second and never passes the budget.
    """

    budget: float
    window: float
    reserve: float
    costs: Mapping[Call, float] = field(default_factory=dict)
    decay: float | None = None
    #: Clients of one host share what is counted by its address.
    counted_by: Literal["address", "account"] = "account"
    #: Whether each symbol is counted by itself.
    by_symbol: bool = False
    #: What a cancel costs by the age of its order: (seconds, cost) of the first that it is younger than, else nothing.
    cancel_by_age: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class UsedHeader:
    """The header, in lower case, in which each answer tells the units used in this ``window`` of seconds.

    Windows begin on the clock's multiples. ``limit`` is the sum that the exchange allows all programs of an address
    in one window.
    """

    name: str
    limit: float
    window: float


@dataclass(frozen=True, slots=True)
class Paging:
    """The order of the pages of one list.

    ``whole``: one answer holds everything. ``from_id``: upwards from an id. ``before_id``: below the id of the last
    raw entry. ``cursor``: the answer names the next page. ``offset``, ``page``: pages are counted.
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
class CandlePages:
    """The way to request a market's five-minute candles.

    ``size``: the number of candles per request, at least two. A request from a moment before a candle returns every
    candle of so many candle lengths, except perhaps the last. It may return later ones. An empty answer is a quiet
    stretch and not the end. ``newest_only``: the exchange lists only the newest ones, whatever the request.
    """

    #: An unknown exchange: none was found that gives fewer at once.
    size: int = 100
    newest_only: bool = False


@dataclass(frozen=True, slots=True)
class RawFees:
    """The place of a raw trade's fees, for an exchange of which ccxt reads only one fee, or none.

    ``at``: the field that holds a list, its JSON text, or a single entry. ``amounts``: the fields of an entry; the
    first that exists counts. ``beside``: these fees are added to ccxt's instead of replacing them.
    """

    at: str
    amounts: tuple[str, ...]
    currency: str
    #: Whether they are below zero where they are charged.
    negated: bool = False
    beside: bool = False


@dataclass(frozen=True, slots=True)
class RawBalances:
    """The place of an account's figures in a balance answer, for an exchange where ccxt reads the wrong fields.

    ``at``: the path to a list of entries, or to a mapping of them by currency. ``currency``: the field with the
    currency in an entry of a list. Free is the sum of ``free`` less ``held_back``, locked the sum of ``locked``. A
    missing field in ``optional`` is zero. If another field is missing, the figure is unknown.
    """

    at: tuple[str | int, ...]
    free: tuple[str, ...]
    locked: tuple[str, ...]
    held_back: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class StreamOrders:
    """The place of the fields that ccxt does not read in a private stream's raw order, for exchanges that send
    only changes.

    Earlier values of an order, by ``order_id``, still hold.
    """

    order_id: str
    client_id: str
    #: The cumulative quantity that is filled.
    filled: str


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode in which the account must be, and the request that reads it. ``refusal`` is the message for another
    mode.
    """

    method: str
    address: str
    at: tuple[str, ...]
    expected: tuple[Any, ...]
    refusal: str


@dataclass(frozen=True, slots=True)
class SwitchCall:
    """The call that arms a dead-man's switch: ccxt's method, and its parameter in seconds.

    ``off`` disarms. ``trigger_at`` is the path to the time when the switch fires. An answer without it confirms
    nothing.
    """

    method: str
    param: str
    trigger_at: tuple[str | int, ...]
    off: int = 0


#: Keys that lead into a raw answer.
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusField:
    """A field of a raw market that tells its status by a word in lower case.

    A word that is not listed halts the market, because nobody knows its meaning.
    """

    name: str
    words: Mapping[str, MarketStatus]


def status_flag(name: str, status: MarketStatus) -> StatusField:
    """Return a field whose value true means this status."""
    return StatusField(name, {"true": status, "false": MarketStatus.OPEN})


@dataclass(frozen=True, slots=True)
class MarketFields:
    """The fields of a raw market that ccxt's structure lacks.

    ``status``: the first field that does not say open decides; without any word ccxt's ``active`` does. Maximums are
    those of a limit order: the smallest that exists, else ccxt's. ``buy_ratio`` and ``sell_ratio`` are the allowed
    distances above the reference price for a buy and below it for a sell, as fractions. ``has_filters``: bands are
    in ``filters``.
    """

    status: tuple[StatusField, ...] = ()
    max_quantity: tuple[Path, ...] = ()
    max_notional: tuple[Path, ...] = ()
    buy_ratio: Path | None = None
    sell_ratio: Path | None = None
    has_filters: bool = False
    #: The distance of prices, where it is not one in the last decimal.
    tick: Path | None = None


@dataclass(frozen=True, slots=True)
class ExchangeSpec:
    """The differences of one exchange. The defaults are cautious."""

    #: Configuration that ccxt's class needs, below what the venue's options say.
    config: Mapping[str, Any] = field(default_factory=dict)
    #: Our limit on calls by weight; None: derived from ccxt's ``rateLimit``.
    limits: Limits | None = None
    #: A second limit that counts orders alone.
    order_limits: Limits | None = None
    #: The limit on calls without a key, where they are counted apart. None: accounts and market data share ``limits``.
    public_limits: Limits | None = None
    #: Both limits by the tier of the account, which the venue's option ``tier`` names; the first without it.
    tiers: Mapping[str, tuple[Limits, Limits]] = field(default_factory=dict)
    #: Answers by which the exchange locks a key or an address out for a while, and the length of the first pause.
    locked_out: re.Pattern[str] | None = None
    lockout: timedelta = timedelta(minutes=1)
    #: The header that says when the limit is free again, and in which unit of time it does.
    reset_header: tuple[str, Literal["at_ms", "at_s", "in_ms"]] | None = None
    #: The header that tells how much of the limit on calls is used.
    used_header: UsedHeader | None = None
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
    #: or fields of the body, with what each holds: the moment, the time of the request, or the milliseconds.
    validity_fields: Mapping[str, Literal["until", "timestamp", "milliseconds"]] = field(default_factory=dict)
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
    #: What is asked for when the private stream begins.
    stream_params: Mapping[str, bool] = field(default_factory=dict)
    #: How it tells of an order, where ccxt reads too little of that.
    stream_orders: StreamOrders | None = None
    #: How pages follow each other; for a list that is not here, a page that may be full is a failed read,
    pages: Mapping[Call, Paging] = field(default_factory=dict)
    #: and this is the smallest size that any page may have.
    page: int = 50
    #: How many orders can be looked up together, by ccxt's ``fetch_orders_by_ids``
    orders_at_once: int = 1
    #: or among the newest that have ended, of all symbols.
    lists_ended: bool = False
    #: The parameter that narrows a symbol's trades to an order, and what is sent beside it. Its cost is
    #: ``order_trades``. None: where that costs as much as the trades of the symbol.
    order_trades: tuple[str, Mapping[str, str]] | None = None
    #: Lists that can be asked for without a symbol; their costs are ``all_open_orders`` and ``all_trades``.
    without_symbol: frozenset[AccountQuestion] = frozenset()
    #: How pages of candles follow each other.
    candles: CandlePages = CandlePages()
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
    #: Where it holds the figures, if they are not those that ccxt takes.
    balances: RawBalances | None = None
    #: What the suffixes mean under which it lists parts of a currency: as free as the rest of it, or held back.
    balance_suffixes: Mapping[str, Literal["free", "locked"]] = field(default_factory=dict)
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
    #: The reach of its call that cancels all open orders. None: each is cancelled by itself.
    cancels_all: Literal["symbol", "account"] | None = None
    #: Its dead-man's switch for all orders of an account; its seconds are among the guarantees.
    switch: SwitchCall | None = None
    #: A mode without which the account is refused when it is opened.
    mode: Mode | None = None
    #: Answers that say that the request came too late, whatever ccxt calls them.
    too_late: re.Pattern[str] | None = None
    #: Refusals of the key that ccxt reports as something else; the order of such an answer does not exist.
    refusal: re.Pattern[str] | None = None
    #: Answers of the exchange that are plain text. Any other text is a page, which says nothing of an order or a key.
    plain_answer: re.Pattern[str] | None = None
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
    #: The raw field of a trade that names the fee's currency; without it ccxt guesses, and the fee is unknown.
    fee_currency_field: str | None = None
    #: Where it lists fees that ccxt does not read.
    raw_fees: RawFees | None = None
    #: The raw fields of a trade, or of the order with which a stream tells it, that hold a rebate and its currency.
    rebate_fields: tuple[str, str] | None = None
    #: What a raw market says of its status, maximums and price band.
    market: MarketFields = MarketFields()
    #: Whether ccxt's ``authenticate()`` returns when the private stream is confirmed.
    authenticate_confirms: bool = False
    #: The channel whose subscription is confirmed by a message; the private stream has begun with it.
    confirmed_channel: str | None = None
    #: A channel without which the exchange closes a private stream on which nothing happens.
    heartbeat_channel: str | None = None
    #: Whether the amount that ccxt gives a streamed order is what is filled of it; the quantity is unknown then.
    stream_amount_is_filled: bool = False
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
    #: Whether ccxt keeps best quotes among its tickers.
    quotes_in_tickers: bool = False
    #: Whether ccxt reads a snapshot over REST before it follows a book, at the cost of ``book_snapshot``.
    snapshot_over_rest: bool = True
    #: Levels of a book to subscribe to, and of that snapshot; None: as many as ccxt asks for by itself.
    book_depth: int | None = None
    #: The raw field of a streamed public trade that says how many trades it sums up, with consecutive ids.
    trade_count_field: str | None = None
    #: Whether the ids of a symbol's public trades follow each other, so that one that is missing shows.
    consecutive_trade_ids: bool = False
    #: Public trades of one page over REST,
    public_trades_page: int = 100
    #: and ccxt's parameter that asks for trades from an id on, oldest first. None: only the newest can be had.
    public_trades_from: str | None = None
    #: In which steps ccxt tells the exchange's time.
    time_step: timedelta = timedelta(0)
    #: Each signed request needs a higher nonce than all before it, in the order in which they arrive.
    nonce_grows: bool = False
    #: The domain in which an answer of the live exchange may name the host of its websockets.
    own_domain: str | None = None
