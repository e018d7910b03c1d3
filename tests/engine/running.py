"""The real engine in this process, on the test database, with the real gateway."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from execution.core.orders.terms import parse_order_request
from execution.core.states import ORDER_FINAL
from execution.core.types import Quote
from execution.engine.clock import Clock, SystemClock
from execution.engine.db.database import Database
from execution.engine.doorbell import Bells, listen
from execution.engine.engine import Engine, Helpers
from execution.engine.lease import Lease
from execution.engine.quotes import QuoteBoard
from execution.models import (
    Account,
    Credential,
    CredentialState,
    Environment,
    Installation,
    Order,
    User,
    Venue,
)
from execution.selectors.decisions.markets import MarketDetails
from execution.selectors.decisions.sessions import AccountDetails
from execution.services.orders.amend import order_amend
from execution.services.orders.orders import order_submit
from execution.venues.gateway import open_gateway
from execution.venues.market_gateway import open_market_gateway
from execution.venues.protocol import Gateway, MarketGateway
from execution.verification.chaos.books import books_problems
from tests.acceptance.dialects import DIALECTS
from tests.desk.running import wait_until
from tests.engine.exchange import Exchange
from tests.invariants import check_order
from tests.paper.keys import secret_of
from tests.patience import PATIENCE

STOPPED_WITHIN = 15 * PATIENCE  # seconds


def now() -> datetime:
    return datetime.now(UTC)


def open_market(details: MarketDetails, clock: Callable[[], datetime] = now) -> MarketGateway:
    """Open the real gateway without a key."""
    return open_market_gateway(
        exchange_id=details.exchange, options=details.options, clock=clock, network=details.network
    )


class EngineThread:
    """An engine with a loop of its own; ``lost`` holds the reason when its lease was lost."""

    def __init__(
        self,
        open_gateway_of: Callable[[AccountDetails], Gateway],
        doorbell_url: str | None = None,
        *,
        open_market_of: Callable[[MarketDetails], MarketGateway] = open_market,
        clock: Clock | None = None,
    ) -> None:
        self.lost: list[str] = []
        self._doorbell_url = doorbell_url
        self._open_gateway = open_gateway_of
        self._open_market = open_market_of
        self._clock = clock or SystemClock()
        self._engine: Engine | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="engine under test", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._loop is not None and self._engine is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._engine.stop)
        if self._thread.ident is None:
            return  # the test failed before it started the engine
        self._thread.join(STOPPED_WITHIN)
        assert not self._thread.is_alive(), f"the engine did not stop within {STOPPED_WITHIN} s"
        assert self._failure is None, f"the engine failed: {self._failure!r}"

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001  the test that stops it says so
            self._failure = error

    async def _main(self) -> None:
        clock = self._clock
        database = Database.opened(clock)
        self._loop = asyncio.get_running_loop()
        self._engine = Engine(
            clock=clock,
            database=database,
            lease=Lease(clock, on_lost=self.lost.append),
            open_gateway=self._open_gateway,
            open_market=self._open_market,
            publish_quote=_nobody_reads,
            helpers=self._helpers,
        )
        await self._engine.run()
        await database.close()

    @property
    def quotes(self) -> QuoteBoard:
        """Return the quotes that the engine knows."""
        assert self._engine is not None, "the engine has not started"
        return self._engine.parts.quotes

    def poke(self, order_pk: int) -> None:
        """Have the order's driver look again."""
        if self._loop is not None and self._engine is not None:
            self._loop.call_soon_threadsafe(self._engine.poke_order, order_pk)

    def _helpers(self, engine: Engine) -> Helpers:
        """Wake over Redis, as in a worker. Without it, rows are polled."""
        if self._doorbell_url is None:
            return {}
        bells = Bells(engine.poke_order, engine.poke_account, engine.want_book)
        return {"doorbell": partial(listen, self._doorbell_url, bells)}


def _nobody_reads(_venue_pk: int, _symbol: str, _quote: Quote) -> None:
    """Publish nothing, because these tests have no pages."""


@dataclass
class World:
    """An installation with a trader and paper accounts, each with a key of its own at one exchange."""

    exchange: Exchange
    trader: User = field(init=False)
    venue: Venue = field(init=False)
    #: The wall clock of accounts and tickets.
    clock: Callable[[], datetime] = now

    def __post_init__(self) -> None:
        Installation.objects.create(mark="test", environment=Environment.PAPER)
        self.trader = User.objects.create_user("trader")
        self.venue = Venue.objects.create(label="paper", exchange="binance", options=self.exchange.options)

    def account(self, label: str, venue: Venue | None = None) -> Account:
        account = Account.objects.create(
            venue=venue or self.venue, label=label, environment=Environment.PAPER, symbols=["BTC/USDT"]
        )
        account.traders.add(self.trader)
        Credential.objects.create(account=account, sealed=b"", last_four="test", state=CredentialState.ACTIVE)
        return account

    def gateway(self, details: AccountDetails) -> Gateway:
        """Return the real gateway. A test account's key is its label."""
        return open_gateway(
            exchange_id=details.exchange,
            options=details.options,
            api_key=details.label,
            secret=DIALECTS[details.exchange].secret(secret_of(details.label)),
            passphrase=f"{details.label}-passphrase",
            clock=self.clock,
            network=details.network,
        )

    def submit(self, account: Account, *, key: str = "", **changes: Any) -> Order:
        """Submit a TWAP of 0.02 BTC in two slices over ten seconds, or as ``changes`` say."""
        usual = {"duration": "10", "slices": "2", "urgency": "0.75"} if "algorithm" not in changes else {}
        parameters = usual | changes.pop("parameters", {})
        raw = {
            "symbol": "BTC/USDT",
            "side": "buy",
            "quantity": "0.02",
            "unit": "base",
            "algorithm": "twap",
            "accounts": [account.public_id],
            "parameters": parameters,
        } | changes
        request = parse_order_request(raw)
        return order_submit(person=self.trader, request=request, key=key or account.label, now=self.clock())

    def wait_open(self, accounts: Iterable[Account], within: float = 60) -> None:
        """Wait until each account is reconciled and its market's limits are known."""
        labels = [account.label for account in accounts]

        def all_open() -> bool:
            waiting = Account.objects.filter(label__in=labels, reconciled_until=None).exists()
            return not waiting and self.venue.markets.filter(symbol="BTC/USDT").exists()

        wait_until(all_open, within=within, what="accounts to be reconciled")

    def wait_final(self, orders: Iterable[Order], within: float) -> None:
        """Wait until every order is final. Fail with those that are not."""
        pks = [order.pk for order in orders]

        def left() -> list[str]:
            rows = Order.objects.filter(pk__in=pks).exclude(status__in=ORDER_FINAL)
            return [f"{order.accounts.get().label} {order.status}: {order.why}" for order in rows]

        try:
            wait_until(lambda: not left(), within=within, what="orders to be final")
        except BaseException:
            print("\n".join(left()))
            raise


def end_in(seconds: int, order: Order) -> None:
    """Amend a running order so that it ends in ``seconds``.

    A test that breaks something while an order lives gives it an hour: how long all that takes hangs on the machine.
    """
    order.refresh_from_db()
    assert order.terms is not None
    order_amend(
        public_id=order.public_id,
        person=order.trader,
        changes={"duration": str(round((now() - order.terms.start_at).total_seconds()) + seconds)},
        terms_version=order.terms.version,
        now=now(),
    )


def check_against_ledger(order: Order, ledger: dict[str, Any]) -> None:
    """Run ``check_books`` with the exchange's books of the order's own account."""
    check_books(order, ledger[order.accounts.get().label])


def check_books(order: Order, theirs: dict[str, Any]) -> None:
    """Check that the desk's books equal the exchange's, trade by trade; nothing twice, nothing open, nothing
    foreign.
    """
    check_order(order)
    problems = list(books_problems(order.children.all(), order.fills.all(), theirs))
    assert not problems, "; ".join(problems)
    assert order.filled <= order.quantity
