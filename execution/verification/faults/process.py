"""An engine's process in the simulation.

At any call to the outside the process can die or stand still. A dead process is replaced by a new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from django.db import OperationalError

from execution.core.types import Book, Quote
from execution.engine.account_session import GatewayFactory
from execution.engine.db.database import Database
from execution.engine.db.worker_pool import PriorityWorkerPool
from execution.engine.engine import Engine, Helpers
from execution.engine.lease import RENEW_EVERY, LeaseTerm
from execution.engine.market_session import MarketGatewayFactory
from execution.services.engine.apply_decision import Applied, Written
from execution.verification.faults.exchange import Exchange
from execution.verification.faults.fault_injector import FaultInjector
from execution.verification.faults.memory import Crashed
from execution.verification.faults.polls import Polls, name_of
from execution.verification.faults.virtual import VirtualClock

T = TypeVar("T")

#: After a lost lease the host waits this long for open answers, and then ends the process.
FACTS_PATIENCE = 3.0
#: Statements that depend much on rows read earlier. Here a process may stand still while others write.
RACED = {"decision_apply": "held at a decision", "child_submit": "held at a submit"}
#: Verbs that take over orders or accounts from another process. An account can trade only once it is reconciled.
CLAIMS = ("orders_claim", "accounts_claim", "account_reconciled", "account_symbol_read")
#: The longest time in seconds that a process stands still until another one has taken over.
MAX_HOLD = 12.0
#: The longest time of a statement in seconds. A slower one counts as refused.
SLOWEST_DATABASE = 2.5


class Surroundings(Protocol):
    """The parts of the simulated world around a process that the process uses."""

    loop: asyncio.AbstractEventLoop
    is_over: bool
    injector: FaultInjector
    #: The process whose statement the database runs now. The watch and the faults of a commit need it.
    actor: Process | None
    polls: Polls
    #: The futures for which dead processes wait.
    abandoned_futures: list[asyncio.Future[None]]

    @property
    def is_shared(self) -> bool: ...

    def tell(self, text: str) -> None: ...

    def note_read(self, process: Process, account: str, what: str, begun: datetime) -> None: ...

    def note_quote(self, exchange: Exchange, quote: Quote) -> None: ...

    def died(self, process: Process) -> None: ...

    def interfere(self, kind: str, after: float) -> None: ...

    def requested(self, arrives: float) -> None: ...

    def claimed(self) -> None: ...

    def decided(self, process: Process, order_pk: int) -> None: ...

    def put_quote(self, venue_pk: int, symbol: str, quote: Quote) -> None: ...

    def put_book(self, venue_pk: int, symbol: str, book: Book) -> None: ...


class Process:
    """One engine with everything that it uses. Once the process is dead, its calls never return."""

    def __init__(
        self,
        world: Surroundings,
        name: str,
        skew: float,
        gateways: Callable[[Process], tuple[GatewayFactory, MarketGatewayFactory]],
    ) -> None:
        self.world = world
        self.name = name
        self.is_dead = False
        #: The seconds that the present statement waited between its call and its run.
        self.held = 0.0
        #: The order or the child for which the process stands still until another process has taken it over.
        self.held_for: tuple[str, int] | None = None
        self._awake = asyncio.Event()
        self._awake.set()
        self.clock = VirtualClock(world.loop, skew=skew, gate=self.gate)
        self.lease = VirtualLease(self)
        open_gateway, open_market = gateways(self)
        self.engine = Engine(
            clock=self.clock,
            database=FaultyDatabase(self),
            lease=self.lease,
            open_gateway=open_gateway,
            open_market=open_market,
            publish_quote=world.put_quote,
            publish_book=world.put_book,
            helpers=_no_helpers,
        )
        self.task = world.loop.create_task(self._run(), name=name)

    async def _run(self) -> None:
        try:
            await self.engine.run()
        except Exception as error:  # noqa: BLE001  the host ends the process then
            self.world.tell(f"{self.name} the engine failed: {error!r}")
            self.crash("engine failed")
            return
        self.world.tell(f"{self.name} stopped")
        self.is_dead = True
        self.world.died(self)

    def crash(self, why: str) -> None:
        """Die as after kill -9: from now on nothing that the process does has any effect."""
        if not self.is_dead:
            self.is_dead = True
            self.world.tell(f"{self.name} DIES {why}")
            self.world.died(self)

    def freeze(self, seconds: float) -> None:
        """Stand still for ``seconds``, as a suspended machine does. Requests under way arrive nevertheless."""
        self._awake.clear()
        self.world.tell(f"{self.name} FROZEN for {seconds:.2f} s")
        self.world.loop.call_later(seconds, self.thaw)

    def hold(self, kind: str, call: partial[Any]) -> None:
        """Stand still before a database statement, while a person acts or until another process has taken over.

        ``kind`` is the kind of the fault, and ``call`` the statement.
        """
        injector = self.world.injector
        if self.world.is_shared and injector.one_in(2):
            self.held_for = subject_of(call)
            self.freeze(MAX_HOLD)
            return
        seconds = injector.seconds(9.0, 0.1)
        self.freeze(seconds)
        self.world.interfere(kind, seconds / 2)

    def thaw(self) -> None:
        self.held_for = None
        self._awake.set()

    async def gate(self) -> None:
        """Return when the process may go on. A frozen process waits here. For a dead one this never returns."""
        if self.world.is_over:
            raise asyncio.CancelledError
        if not self.is_dead:
            self._may_suffer()
        while not self._awake.is_set() and not self.is_dead:
            await self._awake.wait()
        if self.is_dead:
            await self.never()

    async def never(self) -> None:
        """Wait for ever.

        The simulation stores the future for which the task waits. Otherwise the garbage collector would end the task.
        """
        nothing: asyncio.Future[None] = self.world.loop.create_future()
        self.world.abandoned_futures.append(nothing)
        await nothing

    def _may_suffer(self) -> None:
        injector = self.world.injector
        if injector.strikes("crash"):
            self.crash("at a boundary")
        elif injector.strikes("frozen"):
            self.freeze(injector.seconds(9.0, 0.3))

    def lost(self, reason: str) -> None:
        """End the process because it has lost its lease.

        As in a real worker, it may still record facts before it ends.
        """
        self.world.tell(f"{self.name} lost its lease: {reason}")
        self.world.loop.call_later(FACTS_PATIENCE, self.crash, "lost its lease")


def subject_of(call: partial[Any]) -> tuple[str, int]:
    """Return the order or child that a statement of ``RACED`` is about: the parameter's name and the primary key."""
    name = "child_pk" if "child_pk" in call.keywords else "order_pk"
    return name, call.keywords[name]


def _no_helpers(_engine: Engine) -> Helpers:
    return {}


class VirtualLease(LeaseTerm):
    """A lease with the same rules as in the product. A task of the virtual loop renews it instead of a thread."""

    def __init__(self, process: Process) -> None:
        super().__init__(process.clock, on_lost=process.lost)
        self._process = process

    def start(self) -> None:
        self.register(self._process.name)
        loop = self._process.world.loop
        loop.create_task(self._renew_for_ever(), name=f"{self._process.name} lease")

    async def _renew_for_ever(self) -> None:
        database = FaultyDatabase(self._process)
        while True:
            await self._process.clock.sleep(RENEW_EVERY)
            if self._is_given_up:
                return
            try:
                goes_on = await database.run(self.tend)
            except OperationalError:
                continue  # refused before it was asked: the next time
            if not goes_on:
                return


class FaultyDatabase(Database):
    """A database with faults: it is slow, does not answer, refuses a call, or disconnects after the commit."""

    def __init__(self, process: Process) -> None:
        super().__init__(process.clock)
        self._process = process

    async def _call(
        self, _urgency: int, call: partial[T], _lane: PriorityWorkerPool | None, *, may_join: bool = False
    ) -> T:
        del may_join  # one statement at a time: everything is alone
        process, injector = self._process, self._process.world.injector
        called = process.clock.boot()
        await process.gate()
        if injector.strikes("database slow"):
            await asyncio.sleep(injector.seconds(SLOWEST_DATABASE))
            await process.gate()
        verb = name_of(call)
        kind = RACED.get(verb)
        if kind is not None and injector.strikes(kind):
            process.hold(kind, call)
            await process.gate()
        if injector.strikes("database refuses"):
            raise OperationalError("the database is away")
        process.world.actor, process.held = process, process.clock.boot() - called
        try:
            result = process.world.polls.ask(call)
        except Crashed:
            process.crash(f"at the commit of {verb}")
            await process.never()
            raise
        finally:
            process.world.actor = None
        if verb in CLAIMS:
            process.world.claimed()
        elif isinstance(result, Written) and result.applied is Applied.DONE:
            process.world.decided(process, call.keywords["order_pk"])
        await process.gate()
        return result
