"""Random actions of people during a simulation, through the real services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import Any, Protocol, TypeVar

from django.db import DatabaseError

from execution.core.orders.terms import parse_order_request
from execution.core.problems import Refused
from execution.core.states import ORDER_FINAL, OrderStatus
from execution.models import Account, Credential, CredentialState, Halt, Order, User
from execution.selectors.halts import halts_in_force
from execution.services.accounts.credentials import credential_resume, credential_suspend
from execution.services.halts import HaltNotFound, HaltRequest, halt_lift, halt_preview, halt_set
from execution.services.orders.amend import order_amend
from execution.services.orders.orders import (
    KeyReused,
    OrderNotFound,
    order_cancel,
    order_pause,
    order_resume,
    order_submit,
)
from execution.verification.faults.fault_injector import FaultInjector
from execution.verification.faults.memory import Crashed
from execution.verification.faults.rows import drawn_order, public_id

T = TypeVar("T")

WHY = "the simulation"


class SimulationContext(Protocol):
    injector: FaultInjector

    def now(self) -> datetime: ...

    def tell(self, text: str) -> None: ...

    def fail(self, text: str) -> None: ...

    def restart(self) -> None: ...


class People:
    """The trader, supervisor and admin of a simulation. The seed determines what they do, and when.

    They submit orders, and pause, resume, amend and cancel them. They set and lift halts, suspend and resume
    keys, and restart engines.
    """

    def __init__(
        self,
        context: SimulationContext,
        random: Random,
        accounts: list[str],
        orders: int,
        actions: int,
        draw: Callable[[Random, list[str]], dict[str, Any]] = drawn_order,
    ) -> None:
        self._context = context
        self._random = random
        self._accounts = accounts
        self._made = 0
        self._tickets = [(random.random() * 3, draw(random, accounts)) for _ in range(orders)]
        self._actions = actions
        self.is_sending = True
        #: True while the web process dies at its next commit.
        self.is_cut_off = False
        self.trader = User.objects.get(username="trader")
        self.supervisor = User.objects.get(username="supervisor")
        self.admin = User.objects.get(username="admin")

    def attempt(self, what: str, verb: Callable[..., T], **given: Any) -> T | None:
        """Call the service ``verb`` as a person would, and return its result.

        Return None if the service or the database refused the call. ``what`` describes it in the event log.
        """
        try:
            done = verb(**given, now=self._context.now())
        except (Refused, OrderNotFound, HaltNotFound) as refused:
            self._context.tell(f"person {what}: refused: {refused}")
            return None
        except (DatabaseError, Crashed) as error:
            self._context.tell(f"person {what}: {error!r}")
            return None
        self._context.tell(f"person {what} {given.get('public_id', '')}")
        return done

    async def launch(self) -> None:
        """Send every ticket. A ticket that is refused is sent again, up to twelve times."""
        for number, (after, raw) in enumerate(sorted(self._tickets, key=lambda ticket: ticket[0])):
            await asyncio.sleep(after / len(self._tickets))
            await self._send(f"key-{number}", raw)
        self.is_sending = False

    async def _send(self, key: str, raw: dict[str, Any]) -> None:
        request = parse_order_request(raw)
        for _ in range(12):
            sent = self.attempt(f"sends {raw}", order_submit, person=self.trader, request=request, key=key)
            if sent is not None:
                break
            await asyncio.sleep(0.5)
        self._made += 1
        self._count_orders(key)
        if self._random.random() < 0.3:
            await asyncio.sleep(self._random.random())
            self._send_again(key, raw)
            self._count_orders(key)

    def _count_orders(self, key: str) -> None:
        """Check I8: each idempotency key has made at most one order, however often its ticket was sent."""
        if (count := Order.objects.count()) > self._made:
            self._context.fail(f"I8: key {key} was number {self._made}, and there are {count} orders")

    def _send_again(self, key: str, raw: dict[str, Any]) -> None:
        body = raw if self._random.random() < 0.5 else raw | {"quantity": "9.999"}
        self._context.injector.note("sent again")
        with suppress(Refused, KeyReused, DatabaseError, Crashed):
            order_submit(
                person=self.trader, request=parse_order_request(body), key=key, now=self._context.now()
            )

    async def act_randomly(self, seconds: float) -> None:
        """Act at random moments during the next ``seconds``."""
        moments = sorted(self._random.random() * seconds for _ in range(self._actions))
        passed = 0.0
        for moment in moments:
            await asyncio.sleep(moment - passed)
            passed = moment
            self._act_once()

    async def interfere(self, kind: str, after: float) -> None:
        """Act once, ``after`` seconds from now, while an engine's process stands still.

        The process that stands still has read its rows before this action, and writes afterwards what it decided from
        them. In half of the cases the web process dies just after the action's commit, so no message wakes the
        engines.
        """
        await asyncio.sleep(after)
        if self._context.injector.is_clear:
            return
        actions = [self._pause, self._cancel, self._halt, self._suspend]
        actions.append(self._halt if kind == "held at a submit" else self._amend)
        self.is_cut_off = self._random.random() < 0.5
        try:
            self._random.choice(actions)()
        finally:
            self.is_cut_off = False

    def _act_once(self) -> None:
        actions = (
            (self._pause, 3),
            (self._resume, 3),
            (self._amend, 3),
            (self._cancel, 1),
            (self._halt, 2),
            (self._lift, 2),
            (self._suspend, 1),
            (self._resume_key, 1),
            (self._restart, 1),
        )
        self._random.choices([action for action, _ in actions], [weight for _, weight in actions])[0]()

    # --- actions ----------------------------------------------------------------------------------

    def _any_order(self, *statuses: OrderStatus) -> Order | None:
        found = Order.objects.exclude(status__in=ORDER_FINAL).select_related("terms").order_by("pk")
        orders = list(found.filter(status__in=statuses) if statuses else found)
        return self._random.choice(orders) if orders else None

    def _pause(self) -> None:
        if (order := self._any_order(OrderStatus.WORKING, OrderStatus.SCHEDULED)) is not None:
            self._context.injector.note("pause")
            self.attempt("pause", order_pause, public_id=order.public_id, person=self.trader, reason=WHY)

    def _resume(self) -> None:
        if (order := self._any_order(OrderStatus.PAUSED)) is not None:
            self._context.injector.note("resume")
            self.resume(order, self._random.choice(("catch_up", "shift")))

    def resume(self, order: Order, mode: str = "catch_up") -> None:
        self.attempt(
            "resume", order_resume, public_id=order.public_id, person=self.trader, reason=WHY, mode=mode
        )

    def _cancel(self) -> None:
        if (order := self._any_order()) is not None:
            self._context.injector.note("cancel")
            self.cancel(order)

    def cancel(self, order: Order) -> None:
        self.attempt("cancel", order_cancel, public_id=order.public_id, person=self.trader, reason=WHY)

    def _amend(self) -> None:
        order = self._any_order()
        if order is None or order.terms is None:
            return
        changes: dict[str, Any] = {}
        if self._random.random() < 0.5:
            changes["quantity"] = str(
                (order.quantity * self._random.randint(3, 18) / 10).quantize(order.quantity)
            )
        if self._random.random() < 0.5:
            distance = self._random.randint(-20, 60) / 100
            changes["limit_price"] = f"{100 + (distance if order.side == 'buy' else -distance):.2f}"
        if self._random.random() < 0.4:
            changes["duration"] = str(self._random.randint(5, 20))
        self._context.injector.note("amend")
        self.attempt(
            f"amend {changes}",
            order_amend,
            public_id=order.public_id,
            person=self.trader,
            changes=changes,
            terms_version=order.terms.version,
        )

    def _halt(self) -> None:
        scope = self._random.choice(("desk", "account", "trader", "symbol"))
        subject = {
            "desk": "",
            "account": self._random.choice(self._accounts),
            "trader": "trader",
            "symbol": "BTC/USDT",
        }[scope]
        request = HaltRequest(self._random.choice(("stop", "stop", "no_new_orders")), scope, subject)
        phrase = halt_preview(person=self.supervisor, request=request, now=self._context.now())["phrase"]
        self._context.injector.note("halt")
        given: dict[str, Any] = {
            "person": self.supervisor,
            "request": request,
            "phrase": phrase,
            "reason": WHY,
        }
        self.attempt(f"halt {scope}", halt_set, **given)

    def _lift(self) -> None:
        for halt in list(halts_in_force())[:1]:
            self._context.injector.note("lift")
            self.lift(halt)

    def lift(self, halt: Halt) -> None:
        self.attempt("lift", halt_lift, public_id=halt.public_id, person=self.supervisor, reason=WHY)

    def _suspend(self) -> None:
        self._context.injector.note("key suspended")
        account = public_id(self._random.choice(self._accounts))
        self.attempt("suspend", credential_suspend, person=self.admin, account_id=account, reason=WHY)

    def _resume_key(self) -> None:
        for credential in Credential.objects.filter(state=CredentialState.SUSPENDED)[:1]:
            self._context.injector.note("key resumed")
            self.resume_key(credential.account)

    def resume_key(self, account: Account) -> None:
        self.attempt(
            "resume key", credential_resume, person=self.admin, account_id=account.public_id, reason=WHY
        )

    def _restart(self) -> None:
        self._context.injector.note("restart")
        self._context.restart()

    # --- when the faults are over ------------------------------------------------------------------

    def heal(self, *, gives_up: bool) -> None:
        """Lift every halt, and resume keys and paused orders.

        With ``gives_up``, cancel all orders that have not ended.
        """
        for halt in halts_in_force():
            self.lift(halt)
        for credential in Credential.objects.filter(state=CredentialState.SUSPENDED).select_related(
            "account"
        ):
            self.resume_key(credential.account)
        for order in Order.objects.exclude(status__in=[*ORDER_FINAL, OrderStatus.CLOSING]).order_by("pk"):
            if gives_up:
                self.cancel(order)
            elif order.status == OrderStatus.PAUSED:
                self.resume(order)
