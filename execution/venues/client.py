"""The ccxt.pro class of an exchange with the changes that the gateway needs.

This is the project's only subclass of a ccxt class.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
from ccxt.base import errors as ccxt_errors

from execution.core.account_options import option_problems
from execution.core.addresses import ONLY_LOOPBACK, Network
from execution.core.problems import Refused
from execution.venues import request_context
from execution.venues.ccxt_packages import exchange_class
from execution.venues.errors import Redactor, reset_of, retry_after_of
from execution.venues.exchanges import spec_of
from execution.venues.in_turn import InTurn, sent_trace
from execution.venues.options import closed_except, configuration
from execution.venues.reach import AddressRefused, Reach, reach_of
from execution.venues.sockets import harden
from execution.venues.spec import ANY_LIST, ExchangeSpec, UsedHeader
from execution.venues.stream_messages import ToldOrders, confirmed_channels, in_parts
from execution.venues.timekeeping import exchange_time

#: The websocket addresses that the stream of this task has used, so that it can close them.
used_sockets: ContextVar[set[str] | None] = ContextVar("used_sockets", default=None)

# ccxt logs headers and bodies, keys and signatures among them, at DEBUG.
QUIET_LOGGER = logging.getLogger("execution.venues.ccxt")
QUIET_LOGGER.setLevel(logging.INFO)


def open_client(
    *,
    exchange_id: str,
    options: Mapping[str, Any],
    api_key: str,
    secret: str,
    passphrase: str | None,
    timeout: float,
    network: Network = ONLY_LOOPBACK,
) -> Any:
    """Return an unconnected ccxt.pro client that reaches only the addresses that ``network`` allows.

    Raise ``ValueError`` for an unknown exchange, for an option that is forbidden or unknown to ccxt, and for an
    address of another environment.
    """
    made_of = client_class(exchange_id)
    if problems := option_problems(exchange_id, options, network):
        raise ValueError(str(Refused(problems)))
    spec = spec_of(exchange_id)
    config = configuration(
        spec=spec,
        options=options,
        api_key=api_key,
        secret=secret,
        passphrase=passphrase,
        timeout=timeout,
    )
    try:
        client = made_of({**config, "logger": QUIET_LOGGER})
    except Exception as error:
        text = Redactor((api_key, secret, passphrase))(error)
        raise ValueError(f"ccxt does not take the options: {type(error).__name__}: {text}") from error
    client.told_orders = ToldOrders()
    client.in_turn = InTurn()
    client.heed_used = lambda *_: None
    client.reach = reach_of(exchange_id, network)
    if "urls" in options:
        client.urls["api"] = closed_except(client.urls["api"], options["urls"].get("api"))
    else:
        client.reach.close_unused(client)
    client.reach.refuse_client(client)
    return client


def open_public_client(
    *, exchange_id: str, options: Mapping[str, Any], timeout: float, network: Network = ONLY_LOOPBACK
) -> Any:
    """Return a client without a key, for public market data. Raises ``ValueError`` as ``open_client`` does."""
    return open_client(
        exchange_id=exchange_id,
        options=options,
        api_key="",
        secret="",
        passphrase=None,
        timeout=timeout,
        network=network,
    )


@functools.cache
def client_class(exchange_id: str) -> type[Any]:
    """Return the exchange's ccxt class with the desk's changes.

    All clients of an exchange share one class, because ccxt adds methods to the class of each client.
    """
    base: Any = exchange_class(exchange_id)
    exchange_spec = spec_of(exchange_id)

    class VenueClient(base):  # type: ignore[misc]  # ccxt is untyped
        rateLimiterAlgorithm = "rollingWindow"  # noqa: N815  # ccxt's name; read by its constructor
        number = str  # exact; Decimal here would lose fees inside ccxt
        spec: ExchangeSpec = exchange_spec
        reach: Reach
        session: Any
        told_orders: ToldOrders
        in_turn: InTurn
        heed_used: Callable[[float, UsedHeader, float], None]

        def open(self, lazy: bool = False) -> None:
            """Open ccxt's HTTP session. The desk's guard then checks every REST and websocket request, also those
            through a proxy.
            """
            is_new = self.session is None
            super().open(lazy)
            if is_new and self.session is not None:
                self.session.detach()
                self.session = aiohttp.ClientSession(
                    connector=self.tcp_connector,
                    middlewares=(self.reach.guard,),
                    trace_configs=[sent_trace()],
                )

        def get_socks_proxy_session(self, socksProxy: Any) -> Any:  # noqa: ARG002, N803  # ccxt's name
            raise AddressRefused("a socks proxy cannot be used: its session would have no guard")

        async def fetch(self, url: str, *args: Any, **kwargs: Any) -> Any:
            talk = request_context.current()
            talk.answer = talk.retry_after = talk.status = None
            answer = checked_answer(await super().fetch(url, *args, **kwargs), url, self.spec)
            talk.answer = answer
            return answer

        def on_rest_response(self, *args: Any, **kwargs: Any) -> Any:
            headers: Mapping[str, str] = args[4]
            lowered = {name.lower(): value for name, value in headers.items()}
            talk = request_context.current()
            now = datetime.fromtimestamp(self.milliseconds() / 1000, UTC)
            talk.status, talk.is_page = args[0], is_page(args[5], self.spec.plain_answer)
            talk.retry_after = retry_after_of(lowered.get("retry-after"), now)
            if talk.retry_after is None and self.spec.reset_header is not None and talk.status in PAUSING:
                name, unit = self.spec.reset_header
                talk.retry_after = reset_of(lowered.get(name), unit, now)
            if (used := self.spec.used_header) is not None and lowered.get(used.name, "").isdigit():
                self.heed_used(float(lowered[used.name]), used, exchange_time(self) / 1000)
            return super().on_rest_response(*args, **kwargs)

        def sign(self, path: Any, api: Any, method: Any, params: Any, *args: Any) -> Any:
            talk = request_context.current()
            if talk.valid_for is not None and self.spec.validity_fields:
                talk.timestamp = exchange_time(self)
                params = {**params, **validity_fields(self.spec, talk.timestamp, talk.valid_for)}
            sign = functools.partial(super().sign, path, api, method, params, *args)
            try:
                return signed_for(talk.valid_for, self, sign)
            finally:
                talk.timestamp = None

        def nonce(self) -> Any:
            # kucoin and bitget want the time of the signature in the body too.
            return request_context.current().timestamp or super().nonce()

        async def fetch2(self, path: Any, api: Any = "public", *args: Any, **kwargs: Any) -> Any:
            ask = functools.partial(super().fetch2, path, api, *args, **kwargs)
            if self.spec.nonce_grows and "public" not in api:
                return await self.in_turn.send(ask, again=request_context.current().valid_for is None)
            return await ask()

        def parse_orders(self, orders: Any, *args: Any, **kwargs: Any) -> Any:
            parsed = super().parse_orders(checked_list(orders, self.spec), *args, **kwargs)
            # Afterwards: ccxt parses the trades of each order.
            request_context.current().entries = list(orders)
            return parsed

        def parse_trades(self, trades: Any, *args: Any, **kwargs: Any) -> Any:
            parsed = super().parse_trades(checked_list(trades, self.spec), *args, **kwargs)
            request_context.current().entries = list(trades)
            return parsed

        def parse_ohlcvs(self, ohlcvs: Any, market: Any = None, *args: Any, **kwargs: Any) -> Any:
            rows, timeless = timed_rows(self, ohlcvs, market)
            request_context.current().timeless = timeless
            return super().parse_ohlcvs(rows, market, *args, **kwargs)

        def amount_to_precision(self, symbol: Any, amount: Any) -> Any:  # noqa: ARG002
            # Quantities were checked against the lot; ccxt would truncate.
            return exact_digits(amount)

        def price_to_precision(self, symbol: Any, price: Any) -> Any:  # noqa: ARG002
            # Prices were checked against the tick; ccxt would round half up, for a buy to the worse.
            return exact_digits(price)

        def get_exceptions_by_url(self, url: Any, exact_or_broad: Any) -> Any:
            if self.spec.error_map is None:
                return super().get_exceptions_by_url(url, exact_or_broad)
            return self.exceptions.get(self.spec.error_map, {}).get(exact_or_broad, {})

        def order_book(self, *args: Any, **kwargs: Any) -> Any:
            book = super().order_book(*args, **kwargs)
            for side in (book["bids"], book["asks"]):
                # ccxt sorts levels by their price: as text, with kraken and coinbase, and as floats with others.
                side.storeArray = functools.partial(
                    lambda store, level: store(_exact_level(level)), side.storeArray
                )
            return book

        def create_ws_auth(self, *args: Any) -> Any:
            # ccxt's coinbase keeps a token until after its end, and would connect again with it in vain.
            self.options["wsToken"] = None
            return super().create_ws_auth(*args)

        def handle_event_stream_terminated(self, client: Any, message: Any) -> None:  # noqa: ARG002
            # ccxt rejects a future that nobody awaits here: the stream would stay silent for ever.
            client.on_error(ccxt_errors.NetworkError(f"{self.id} ended the user data stream"))

        def handle_message(self, client: Any, message: Any) -> None:
            # kraken: ccxt does nothing with the confirmation of a subscription.
            if isinstance(message, dict) and message.get("method") == "subscribe":
                client.confirmed_channels.update(confirmed_channels(message))
            for part in in_parts(message, self.spec):
                super().handle_message(client, part)

        def parse_ws_order(self, order: Any, *args: Any, **kwargs: Any) -> Any:
            if (fields := self.spec.stream_orders) is None:
                return super().parse_ws_order(order, *args, **kwargs)
            whole = self.told_orders.whole(order, fields)
            parsed = super().parse_ws_order(whole, *args, **kwargs)
            # ccxt takes kraken's numeric reference for our id, and works the quantity out.
            return {
                **parsed,
                "clientOrderId": whole.get(fields.client_id),
                "filled": whole.get(fields.filled),
            }

        def parse_order_book_bid_ask(self, *args: Any, **kwargs: Any) -> Any:
            return _exact_level(super().parse_order_book_bid_ask(*args, **kwargs))

        def handle_subscription_status(self, client: Any, message: Any, *args: Any) -> Any:
            client.confirmed_channels.update(confirmed_channels(message))
            return super().handle_subscription_status(client, message, *args)

        def ws_dial_delay(self, url: Any) -> float:  # noqa: ARG002
            return 0.0  # streams have their own back-off; ccxt's grows to 30 s

        def client(self, url: Any) -> Any:
            is_new = url not in (self.clients or {})
            socket = super().client(url)
            if is_new:
                socket.confirmed_channels = set()
                harden(socket)
            if (used := used_sockets.get()) is not None:
                used.add(url)
            return socket

    VenueClient.__name__ = exchange_id
    return VenueClient


#: Statuses by which an exchange asks for a pause. With other statuses, the header with the reset time only describes
#: the limit.
PAUSING = frozenset({403, 418, 429})


def is_page(body: Any, plain_answer: re.Pattern[str] | None = None) -> bool:
    """Return True if an answer looks like a web page: it is not JSON, not empty, and does not match
    ``plain_answer``.
    """
    text = (body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")).strip()
    if plain_answer is not None and plain_answer.fullmatch(text):
        return False
    return bool(text) and not text.startswith(("{", "[", '"'))


def _exact_level(level: Any) -> list[Any]:
    """Return a book's level with its price and size as exact numbers. ccxt finds a level by its price, so equal
    prices need the same form.
    """
    price, size, *more = level
    return [Decimal(str(price)), Decimal(str(size or 0)), *more]


def signed_for(valid_for: int | None, client: Any, sign: Callable[[], Any]) -> Any:
    """Return the request that ``sign`` signs, such that the exchange refuses it after ``valid_for`` milliseconds.

    For some exchanges the validity is an option of the client, which is set only during the signing. Signing does not
    await anything, so no other request can use that option.
    """
    spec: ExchangeSpec = client.spec
    if valid_for is None:
        return sign()
    if spec.validity_option is not None:
        before = client.options[spec.validity_option]
        client.options[spec.validity_option] = valid_for
        try:
            return sign()
        finally:
            client.options[spec.validity_option] = before
    request = sign()
    if spec.validity_header is not None and request.get("headers") is not None:
        until = exchange_time(client) + valid_for
        request["headers"] = {**request["headers"], spec.validity_header: str(until)}
    return request


def validity_fields(spec: ExchangeSpec, timestamp: int, valid_for: int) -> dict[str, Any]:
    """Return the request fields by which the exchange refuses the request if it arrives late.

    Times are in milliseconds.
    """
    until = datetime.fromtimestamp((timestamp + valid_for) / 1000, UTC)
    values = {
        "until": until.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "timestamp": timestamp,
        "milliseconds": valid_for,
    }
    return {name: values[kind] for name, kind in spec.validity_fields.items()}


def checked_answer(answer: Any, url: str, spec: ExchangeSpec) -> Any:
    """Return the answer if its form is right, else raise ``BadResponse``.

    It raises for text (a maintenance page, incomplete JSON, nothing) and for a mapping without the field that
    every good answer has. ccxt would read both as an empty list or a missing order.
    """
    if not isinstance(answer, dict | list):
        raise ccxt_errors.BadResponse("the answer is not JSON")
    field = spec.answer_field
    if field is not None and isinstance(answer, dict) and answer.get(field) is None:
        raise ccxt_errors.BadResponse(f"the answer has no {field!r}")
    for address, keys in spec.lists_at:
        if address.search(url):
            checked_list(functools.reduce(_under, keys, answer), spec)
    if isinstance(answer, dict) and any(answer.get(name) == [] for name in spec.cursor_beside):
        answer.pop("cursor", None)
    return answer


def _under(tree: Any, key: str) -> Any:
    if not isinstance(tree, dict):
        return None
    if key == ANY_LIST:
        return next((value for value in tree.values() if isinstance(value, list)), None)
    return tree.get(key)


def checked_list(entries: Any, spec: ExchangeSpec) -> Any:
    """Return the entries if they are a list, else raise ``BadResponse``. Some exchanges (kraken) may send a mapping
    instead.
    """
    if not isinstance(entries, list if spec.lists else dict | list):
        raise ccxt_errors.BadResponse(f"a list was expected, not {type(entries).__name__}")
    return entries


def timed_rows(client: Any, rows: Any, market: Any) -> tuple[list[Any], list[Any]]:
    """Return two lists of an answer's candles: those with a time, and those without. ccxt cannot sort a mixed list."""
    timed: list[Any] = []
    timeless: list[Any] = []
    for row in checked_list(rows, client.spec):
        (timed if _has_time(client, row, market) else timeless).append(row)
    return timed, timeless


def _has_time(client: Any, row: Any, market: Any) -> bool:
    try:
        return bool(client.parse_ohlcv(row, market)[0])
    except Exception:  # noqa: BLE001  # whatever ccxt makes of a row of another shape: it is counted
        return False


def exact_digits(value: Any) -> str | None:
    """Return a number as text with all its digits, without exponent and without trailing zeros."""
    if value is None:
        return None
    text = format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
