"""The ccxt.pro class of an exchange with what the gateway needs changed. The only subclass of ccxt."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

import aiohttp
from ccxt.base import errors as ccxt_errors

from execution.core.account_options import option_problems
from execution.core.addresses import ONLY_LOOPBACK, Network
from execution.core.problems import Refused
from execution.venues import request_context
from execution.venues.errors import Redactor, retry_after_of
from execution.venues.exchanges import exchange_class
from execution.venues.options import closed_except, configuration
from execution.venues.quirks import ExchangeSpec, quirks_of
from execution.venues.reach import AddressRefused, Reach, reach_of

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
    """A ccxt.pro client that has not connected and can reach nothing but what ``network`` may.

    ``ValueError`` for an unknown exchange, an option that may not be set or that ccxt does not take, and an
    address that belongs to another environment.
    """
    made_of = client_class(exchange_id)
    if problems := option_problems(exchange_id, options, network):
        raise ValueError(str(Refused(problems)))
    quirks = quirks_of(exchange_id)
    config = configuration(
        quirks=quirks,
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
    client.reach = reach_of(exchange_id, network)
    if "urls" in options:
        client.urls["api"] = closed_except(client.urls["api"], options["urls"].get("api"))
    else:
        client.reach.close_unused(client)
    client.reach.refuse_client(client)
    return client


@functools.cache
def client_class(exchange_id: str) -> type[Any]:
    """The exchange's class with our manners; made once, because ccxt adds methods to it."""
    base: Any = exchange_class(exchange_id)
    quirk = quirks_of(exchange_id)

    class VenueClient(base):  # type: ignore[misc]  # ccxt is untyped
        rateLimiterAlgorithm = "rollingWindow"  # noqa: N815  # ccxt's name; read by its constructor
        number = str  # exact; Decimal here would lose fees inside ccxt
        quirks: ExchangeSpec = quirk
        reach: Reach
        session: Any

        def open(self, lazy: bool = False) -> None:
            """ccxt's session, with our guard around every request: of REST and websockets, through a proxy or not."""
            is_new = self.session is None
            super().open(lazy)
            if is_new and self.session is not None:
                self.session.detach()
                self.session = aiohttp.ClientSession(
                    connector=self.tcp_connector, middlewares=(self.reach.guard,)
                )

        def get_socks_proxy_session(self, socksProxy: Any) -> Any:  # noqa: ARG002, N803  # ccxt's name
            raise AddressRefused("a socks proxy cannot be used: its session would have no guard")

        async def fetch(self, url: str, *args: Any, **kwargs: Any) -> Any:
            talk = request_context.current()
            talk.answer = talk.retry_after = talk.status = None
            answer = checked_answer(await super().fetch(url, *args, **kwargs), url, self.quirks)
            talk.answer = answer
            return answer

        def on_rest_response(self, *args: Any, **kwargs: Any) -> Any:
            headers: Mapping[str, str] = args[4]
            lowered = {name.lower(): value for name, value in headers.items()}
            talk = request_context.current()
            talk.status, talk.retry_after = args[0], retry_after_of(lowered.get("retry-after"))
            return super().on_rest_response(*args, **kwargs)

        def sign(self, *args: Any, **kwargs: Any) -> Any:
            sign = functools.partial(super().sign, *args, **kwargs)
            return signed_for(request_context.current().valid_for, self, sign)

        def parse_orders(self, orders: Any, *args: Any, **kwargs: Any) -> Any:
            parsed = super().parse_orders(checked_list(orders, self.quirks), *args, **kwargs)
            request_context.current().entries = list(
                orders
            )  # afterwards: ccxt parses the trades of each order
            return parsed

        def parse_trades(self, trades: Any, *args: Any, **kwargs: Any) -> Any:
            parsed = super().parse_trades(checked_list(trades, self.quirks), *args, **kwargs)
            request_context.current().entries = list(trades)
            return parsed

        def amount_to_precision(self, symbol: Any, amount: Any) -> Any:  # noqa: ARG002
            # Quantities were checked against the lot; ccxt would truncate.
            return exact_digits(amount)

        def price_to_precision(self, symbol: Any, price: Any) -> Any:  # noqa: ARG002
            # Prices were checked against the tick; ccxt would round half up, for a buy to the worse.
            return exact_digits(price)

        def get_exceptions_by_url(self, url: Any, exact_or_broad: Any) -> Any:
            if self.quirks.error_map is None:
                return super().get_exceptions_by_url(url, exact_or_broad)
            return self.exceptions.get(self.quirks.error_map, {}).get(exact_or_broad, {})

        def handle_event_stream_terminated(self, client: Any, message: Any) -> None:  # noqa: ARG002
            # ccxt rejects a future that nobody awaits here: the stream would stay silent for ever.
            client.on_error(ccxt_errors.NetworkError(f"{self.id} ended the user data stream"))

        def handle_subscription_status(self, client: Any, message: Any, *args: Any) -> Any:
            channel = (message.get("arg") or {}).get("channel") if isinstance(message, dict) else None
            client.confirmed_channels.add(channel)
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


def harden(socket: Any) -> None:
    """Make a websocket client of ccxt end loudly instead of falling silent.

    1. A message that cannot be handled closes the socket (ccxt's receive loop would just stop).
    2. An error while receiving closes it too (ccxt would keep a socket that nobody reads).
    3. A future that fails without anyone awaiting it is no news: its awaiters, if any, still see it.
    """
    handle, receive, future = socket.handle_message, socket.receive, socket.future

    def handle_message(message: Any) -> None:
        try:
            handle(message)
        except Exception as error:  # noqa: BLE001  # whatever a handler of ccxt raises
            socket.on_error(ccxt_errors.NetworkError(f"message not understood: {type(error).__name__}"))

    async def receive_message() -> Any:
        try:
            return await receive()
        except Exception as error:
            socket.on_error(ccxt_errors.NetworkError(f"receiving failed: {type(error).__name__}"))
            raise

    def quiet_future(message_hash: Any) -> Any:
        made = future(message_hash)
        made.remove_done_callback(_retrieve)
        made.add_done_callback(_retrieve)
        return made

    socket.handle_message, socket.receive, socket.future = handle_message, receive_message, quiet_future


def _retrieve(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


def signed_for(valid_for: int | None, client: Any, sign: Callable[[], Any]) -> Any:
    """The signed request with its validity (milliseconds), where the exchange takes one beside the parameters.

    Signing awaits nothing, so no other request sees the option.
    """
    quirks: ExchangeSpec = client.quirks
    if valid_for is None:
        return sign()
    if quirks.validity_option is not None:
        before = client.options[quirks.validity_option]
        client.options[quirks.validity_option] = valid_for
        try:
            return sign()
        finally:
            client.options[quirks.validity_option] = before
    request = sign()
    if quirks.validity_header is not None and request.get("headers") is not None:
        until = exchange_time(client) + valid_for
        request["headers"] = {**request["headers"], quirks.validity_header: str(until)}
    return request


def exchange_time(client: Any) -> int:
    """Milliseconds of the exchange's clock, as far as it is known."""
    return int(client.milliseconds()) - int(client.options.get("timeDifference") or 0)


def checked_answer(answer: Any, url: str, quirks: ExchangeSpec) -> Any:
    """The answer, if it is one: ``BadResponse`` for text (a maintenance page, half a JSON, nothing) and
    for a mapping that lacks the field every good answer has. ccxt reads both as "there is none"."""
    if not isinstance(answer, dict | list):
        raise ccxt_errors.BadResponse("the answer is not JSON")
    field = quirks.answer_field
    if field is not None and isinstance(answer, dict) and answer.get(field) is None:
        raise ccxt_errors.BadResponse(f"the answer has no {field!r}")
    for address, keys in quirks.lists_at:
        if address.search(url):
            checked_list(functools.reduce(_under, keys, answer), quirks)
    if isinstance(answer, dict) and any(answer.get(name) == [] for name in quirks.cursor_beside):
        answer.pop("cursor", None)
    return answer


def _under(tree: Any, key: str) -> Any:
    return tree.get(key) if isinstance(tree, dict) else None


def checked_list(entries: Any, quirks: ExchangeSpec) -> Any:
    """The entries, if they are a list (a mapping, for the exchange that lists so)."""
    if not isinstance(entries, list if quirks.lists else dict | list):
        raise ccxt_errors.BadResponse(f"a list was expected, not {type(entries).__name__}")
    return entries


def exact_digits(value: Any) -> str | None:
    """All digits of a number, without exponent and without trailing zeros."""
    if value is None:
        return None
    text = format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
