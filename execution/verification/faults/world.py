"""One seed: a desk of engines, exchanges, people and a database, from its start to its verdict."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.conf import settings

from execution.core.guarantees import GUARANTEES, guarantees_of
from execution.core.types import Book, Quote
from execution.engine import cancel_together
from execution.engine.account_session import GatewayFactory
from execution.engine.market_session import MarketGatewayFactory
from execution.models import Account, Order, Venue
from execution.selectors.decisions.markets import MarketDetails
from execution.selectors.decisions.sessions import AccountDetails
from execution.selectors.quote_signatures import sign
from execution.selectors.quotes import book_key, book_to_json, quote_key, quote_latest, quote_to_json
from execution.venues.exchanges import spec_of
from execution.venues.protocol import Gateway, MarketGateway
from execution.verification.faults import outside, wallets
from execution.verification.faults.another_program import spend_elsewhere
from execution.verification.faults.books import (
    books_problems,
    cancels_forgotten,
    guard_problems,
    orders_problems,
    unfinished,
)
from execution.verification.faults.ceilings import LIMITED, set_drawn_limits
from execution.verification.faults.exchange import SYMBOL, Exchange
from execution.verification.faults.fault_injector import FaultInjector
from execution.verification.faults.gateway import SimulatedGateway
from execution.verification.faults.memory import open_memory
from execution.verification.faults.mild import Mild, MildInjector
from execution.verification.faults.people import People
from execution.verification.faults.polls import Polls
from execution.verification.faults.process import Process
from execution.verification.faults.rows import ACCOUNTS, drawn_order, hold
from execution.verification.faults.verdict import Verdict
from execution.verification.faults.virtual import StandsStill, VirtualLoop, at
from execution.verification.faults.watch import Watch
from execution.verification.late_orders import punctuality

TICK_EVERY = 0.4  # seconds between moves of a market
#: Seconds after the end of the faults at which people cancel the orders that still run.
GIVES_UP = 14.0
#: Seconds after the end of the faults at which all orders have ended and the books are equal.
CONVERGES = 120.0
#: Without faults, a cancel is confirmed so many seconds after its request: a lease may have to run out first.
CANCELS_WITHIN = 20.0
REMEMBERED = 4000  #: lines of the log
#: Under mild faults: the number of orders in a seed, and the seconds in which all of them end.
MILD_ORDERS, MILD_SECONDS = 4, 95.0


class World:
    """Everything that is simulated for one seed: engines, exchanges, people and a database. Call ``run`` once."""

    def __init__(self, seed: int, source: bytes, mild: Mild | None = None) -> None:
        """Set up the simulation.

        With ``mild`` it has the faults of an ordinary day, and orders must complete on time.
        """
        self.seed = seed
        self._mild = mild
        self.loop: asyncio.AbstractEventLoop = VirtualLoop()
        self.actor: Process | None = None
        self.is_over = False
        self.verdict = Verdict(seed)
        self.abandoned_futures: list[asyncio.Future[None]] = []
        self._source = source
        self._hash = hashlib.sha256()
        self._bell_random = self.random("bell")
        self._processes: list[Process] = []
        self._started = 0
        self._last_arrival = 0.0
        self._longest_arrival = 0.0
        self._failed = asyncio.Event()
        self.shared: dict[str, str] = {}

    def random(self, purpose: str) -> Random:
        """Return a random stream for one purpose. Draws from it do not change those for other purposes."""
        return Random(f"{self.seed}:{purpose}")  # noqa: S311

    # --- what everybody calls ---------------------------------------------------------------------

    def now(self) -> datetime:
        return at(self.loop.time())

    def tell(self, text: str) -> None:
        if self.is_over:
            return
        line = f"{self.loop.time():8.3f} {text}"
        self._hash.update(line.encode())
        self.verdict.log.append(line)
        if len(self.verdict.log) > REMEMBERED:
            del self.verdict.log[: REMEMBERED // 2]

    def fail(self, text: str) -> None:
        """Record a violation. The seed then ends."""
        if not self.verdict.violation and not self.is_over:
            self.verdict.violation = text
            self.tell(f"VIOLATION {text}")
            self._failed.set()

    def note_quote(self, exchange: Exchange, quote: Quote) -> None:
        self.watch.note_quote(exchange, replace(quote, at=self.now()))

    def note_read(self, process: Process, account: str, what: str, begun: datetime) -> None:
        self.watch.note_read(process, account, what, begun)

    def put_quote(self, venue_pk: int, symbol: str, quote: Quote) -> None:
        key = quote_key(venue_pk, symbol)
        self.shared[key] = sign(key, quote_to_json(quote))

    def put_book(self, venue_pk: int, symbol: str, book: Book) -> None:
        key = book_key(venue_pk, symbol)
        self.shared[key] = sign(key, book_to_json(book))

    def ring(self, message: dict[str, Any]) -> None:
        """Send the wake-up message of a commit to all engines. A fault may lose, delay or repeat it."""
        if self.injector.strikes("bell lost"):
            return
        late = self.injector.seconds(2.0) if self.injector.strikes("bell late") else 0.001
        for _ in range(2 if self.injector.strikes("bell twice") else 1):
            self.loop.call_later(late, self._hear, message)

    def _hear(self, message: dict[str, Any]) -> None:
        for process in self._processes:
            if process.is_dead:
                continue
            if "order" in message:
                process.engine.poke_order(message["order"])
            if "account" in message:
                process.engine.poke_account(message["account"])

    def interfere(self, kind: str, after: float) -> None:
        self.loop.create_task(self._guarded(lambda: self.people.interfere(kind, after)))

    def requested(self, arrives: float) -> None:
        """Remember a request under way. It arrives at ``arrives`` even if its sender dies."""
        self._last_arrival = max(self._last_arrival, arrives)

    @property
    def is_shared(self) -> bool:
        """Return True if more than one engine is alive. An engine that stands still counts as alive."""
        return len(self._processes) > 1

    def claimed(self) -> None:
        """After a takeover, wake each process that stands still until another process has taken over its order or
        account.

        The process wakes before the new owner's next write, or up to half a second later.
        """
        for process in self._processes:
            held = process.held_for
            if held is None or self.watch.owner_of(*held) in (None, process.lease.worker_pk):
                continue
            if self.injector.one_in(4):
                self.loop.call_later(self.injector.seconds(0.5), process.thaw)
            else:
                process.thaw()

    def decided(self, process: Process, order_pk: int) -> None:
        owner = self.watch.owner_of("order_pk", order_pk)
        if owner != process.lease.worker_pk:
            self.fail(
                f"I9: worker {process.lease.worker_pk} decided for order {order_pk}, which is {owner}'s"
            )

    # --- processes --------------------------------------------------------------------------------

    def start(self) -> None:
        self._started += 1
        skew = self.random(f"skew {self._started}").uniform(-0.2, 0.2)
        name = f"engine-{self._started}"
        self.tell(f"{name} starts")
        self._processes.append(Process(self, name, skew, self._gateways))

    def died(self, process: Process) -> None:
        """Record the death of a process. Its supervisor starts a new one some seconds later."""
        if process in self._processes:
            self._processes.remove(process)
        if not self.is_over:
            self.loop.call_later(self._bell_random.uniform(0.3, 5.0), self._start_if_on)

    def _start_if_on(self) -> None:
        if not self.is_over:
            self.start()

    def restart(self) -> None:
        """Restart a worker as a person does: tell it to stop."""
        if self._processes:
            self._bell_random.choice(self._processes).engine.stop()

    def _gateways(self, process: Process) -> tuple[GatewayFactory, MarketGatewayFactory]:
        error = self.random(f"clock {process.name}").uniform(-0.2, 0.2)

        def gateway(details: AccountDetails) -> Gateway:
            return SimulatedGateway(process, self.exchanges[details.label], details.label, error)

        def market(details: MarketDetails) -> MarketGateway:
            return SimulatedGateway(process, self._markets[details.label], "", error)

        return gateway, market

    # --- the run ----------------------------------------------------------------------------------

    def run(self) -> Verdict:
        with outside.replaced(self):
            try:
                self.loop.run_until_complete(self._live())
            except StandsStill as still:
                self.fail(f"I16: {still}")
            self._end()
        self.verdict.digest = self._hash.hexdigest()
        self.verdict.seconds = self.loop.time()
        self.verdict.struck = self.injector.struck
        return self.verdict

    def _prepare(self) -> None:
        shape = self.random("shape")
        memory = self._memory = open_memory(self._source)
        skew = shape.uniform(-0.2, 0.2)

        def database_now() -> datetime:
            return at(self.loop.time() + skew)

        memory.set_clock(database_now)
        self.polls = Polls(memory.connection, database_now, self.fail)
        memory.wrote = self.polls.wrote
        count = shape.choice((1, 1, 1, 1, 2, 3))
        self.accounts = shape.sample(list(ACCOUNTS), count)
        switch = self.random("switch")
        Account.objects.filter(label__in=self.accounts).update(
            is_active=True, is_exclusive=switch.random() < 0.5
        )
        self._held = wallets.drawn(
            self.random("money"), self.accounts, wallets.POOR if self._mild is None else 0.0
        )
        hold(self._held)
        set_drawn_limits(self.random("limits"), self.accounts, LIMITED if self._mild is None else 0.0)
        self._accounts_by_pk = dict(Account.objects.values_list("pk", "label"))
        self._venues_by_account = dict(Account.objects.values_list("pk", "venue_id"))
        # Short enough that it fires on engines that are away for a while, where the exchange takes that.
        settings.TRANCHE_SWITCH_SECONDS = switch.choice((2, 5, 10))
        # A seed has few children at a time.
        cancel_together.AT_LEAST = switch.choice((1, 2, 3))
        self.injector = self._faults()
        self.injector.tell = self.tell
        markets = self._markets = {name: self._exchange(name) for name in sorted(set(ACCOUNTS.values()))}
        self.exchanges = {label: markets[ACCOUNTS[label]] for label in self.accounts}
        self.watch = Watch(
            memory.connection,
            exchange_of=lambda pk: self.exchanges[self._accounts_by_pk[pk]],
            now=self.now,
            actor=lambda: self.actor,
            fail=self.fail,
            is_priced=self._is_priced,
        )
        for exchange in markets.values():
            exchange.accepted = self.watch.accepted
        memory.verdict, memory.committed = self._commit_verdict, self.watch.committed
        orders, actions = shape.choice((1, 1, 2, 2, 3)), shape.choice((0, 0, 2, 4, 8))
        if self._mild is not None:
            orders, actions = MILD_ORDERS, 0
        draw = drawn_order if self._mild is None else self._mild.order
        self.people = People(self, self.random("people"), self.accounts, orders, actions, draw)
        self._engines, self._stormy = shape.choice((1, 1, 2, 2, 3)), shape.uniform(5, 15)
        if self._mild is not None:
            self._stormy = MILD_SECONDS

    def _faults(self) -> FaultInjector:
        random = self.random("weather")

        def states(client_id: str) -> Iterable[str]:
            return self.watch.states_of(client_id)

        if self._mild is None:
            return FaultInjector(random, states)
        return MildInjector(random, states, self._mild.kinds, self.loop.time)

    def _exchange(self, name: str) -> Exchange:
        """Return a venue with the guarantees of a drawn real exchange."""
        random = self.random(f"exchange {name}")
        exchange_id = self.random(f"guarantees {name}").choice(sorted(GUARANTEES))
        Venue.objects.filter(label=name).update(exchange=exchange_id)
        self.tell(f"{name} promises what {exchange_id} does")
        guarantees = guarantees_of(exchange_id)
        opening = {label: held for label, held in self._held.items() if ACCOUNTS[label] == name}
        if (within := guarantees.arrives_within) is not None:
            self._longest_arrival = max(self._longest_arrival, within.total_seconds())
        exchange = Exchange(name, random, self.injector, self.loop.time, guarantees, opening)
        exchange.switch_random = self.random(f"switch {name}")
        exchange.cancels_all = spec_of(exchange_id).cancels_all
        return exchange

    def _is_priced(self, account_pk: int) -> bool:
        quote = quote_latest(self._venues_by_account[account_pk], SYMBOL)
        return quote is not None and quote.is_sane

    def _commit_verdict(self) -> str:
        if self.actor is None and self.people.is_cut_off:
            return "crash_after"
        kinds = {"commit refused": "refuse", "commit lost": "lose"}
        if self.actor is not None:
            kinds |= {"crash before the commit": "crash_before", "crash after the commit": "crash_after"}
        else:
            kinds |= {"web dies after the commit": "crash_after"}
        return next((verdict for kind, verdict in kinds.items() if self.injector.strikes(kind)), "")

    async def _live(self) -> None:
        self._prepare()
        for number in range(self._engines):
            self.loop.call_later(number * 0.2, self.start)
        for exchange in {exchange.name: exchange for exchange in self.exchanges.values()}.values():
            self.loop.create_task(self._tick(exchange))
        if self._mild is None:
            self.loop.create_task(self._guarded(lambda: spend_elsewhere(self)))
        self.loop.create_task(self._guarded(self.people.launch))
        self.loop.create_task(self._guarded(lambda: self.people.act_randomly(self._stormy)))
        await self._until_failed(self._stormy)
        if self._failed.is_set():
            return
        self._judge(orders_problems())
        if self._mild is not None:
            self.verdict.orders, self.verdict.punctuality = (
                Order.objects.count(),
                punctuality(Order.objects.all()),
            )
        self.tell("the faults end")
        self.injector.is_clear = True
        for process in list(self._processes):
            process.thaw()
        await self._heal()

    async def _heal(self) -> None:
        begun = self.loop.time()
        while not self._failed.is_set():
            passed = self.loop.time() - begun
            if passed >= 2:
                self.people.heal(gives_up=passed > GIVES_UP)
            await self._until_failed(1.0)
            if passed > CANCELS_WITHIN:
                before = self.now() - timedelta(seconds=CANCELS_WITHIN)
                self._judge(cancels_forgotten(before, self.exchanges))
            left = unfinished() if not self.people.is_sending else ["tickets to be sent"]
            if not left:
                left = list(books_problems(self.exchanges))
                if any(line.startswith("I3") for line in left):
                    break
            if not left and self.loop.time() > self._last_arrival:
                break
            if passed > CONVERGES + self._longest_arrival:
                self.fail(f"I16: {passed:.0f} s after the faults ended: {'; '.join(left)}")
        self._judge([*orders_problems(), *books_problems(self.exchanges), *guard_problems()])

    def _judge(self, problems: Iterable[str]) -> None:
        for problem in problems:
            self.fail(problem)

    async def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001  a fault of the services, or of the simulation itself
            self.fail(f"a person's request failed: {error!r}")

    async def _until_failed(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._failed.wait()

    async def _tick(self, exchange: Exchange) -> None:
        while True:
            exchange.tick()
            await asyncio.sleep(TICK_EVERY)

    def _end(self) -> None:
        """End all tasks. Nothing that they still do has an effect."""
        self.is_over = True
        for _ in range(20):
            tasks = asyncio.all_tasks(self.loop)
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            with suppress(StandsStill):  # the seed has said so already
                self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()
        self._memory.discard()
