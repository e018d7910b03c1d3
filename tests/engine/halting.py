"""Halts at chosen moments of a real engine's own loop."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection

from execution.core.orders.view import PlaceChild
from execution.engine import order_driver, order_submitter
from execution.models import ChildOrder, Halt, User
from execution.selectors.decisions.order_view import build_order_view
from execution.services import halts
from execution.services.children.children import child_submit
from execution.services.engine.apply_decision import Applied, decision_apply
from execution.services.halts import HaltRequest, halt_preview, halt_set
from tests.engine.running import now

#: Where in the loop a halt may strike, each for an order in its scope.
MOMENTS = (
    "before look",
    "look to decide",
    "before intend",
    "intend to submit",
    "before submit",
    "submit to send",
)


#: The strike that the thread is setting.
_here = threading.local()


@dataclass(eq=False)
class Strike:
    """A halt that waits for its moment; ``committed`` is its place in the order of everything that happened."""

    request: HaltRequest
    moment: str
    #: How many such moments go by before.
    skips: int
    #: In the engine's own database thread, or in another one that races with what comes next.
    inline: bool
    #: Seconds that the other thread waits first.
    delay: float
    #: Whether the process that sets it dies before the sweep.
    dies: bool
    covers: frozenset[int]
    person: User
    done: threading.Event = field(default_factory=threading.Event)
    committed: int = 0
    #: Its moment did not come, and it was set at another.
    forced: bool = False
    halt: Halt | None = None

    @property
    def name(self) -> str:
        return (
            f"{self.request.scope} {self.request.subject} {self.moment} inline={self.inline} dies={self.dies}"
        )

    def fire(self) -> None:
        if self.inline:
            self._set()
        else:
            threading.Thread(target=self._set_and_close, name="halting").start()

    def _set_and_close(self) -> None:
        time.sleep(self.delay)
        try:
            self._set()
        finally:
            connection.close()

    def _set(self) -> None:
        _here.strike = self
        try:
            phrase = halt_preview(person=self.person, request=self.request, now=now())["phrase"]
            self.halt = halt_set(
                person=self.person, request=self.request, phrase=phrase, reason=self.name, now=now()
            )
        finally:
            self.done.set()


class Loop:
    """The engine's steps, watched: each is numbered when it begins and when it ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._count = itertools.count(1)
        self._lock = threading.Lock()
        self._armed: list[Strike] = []
        #: Children submitted and decisions with a child written: (begun, order's primary key).
        self.went: list[tuple[int, int]] = []
        look, apply, submit = build_order_view, decision_apply, child_submit
        sweep = halts.halt_sweep

        def watched_view(**given: Any) -> Any:
            self._at("before look", given["order_pk"])
            snapshot = look(**given)
            self._at("look to decide", given["order_pk"])
            return snapshot

        def watched_apply(**given: Any) -> Any:
            intends = any(isinstance(command, PlaceChild) for command in given["decision"].commands)
            if intends:
                self._at("before intend", given["order_pk"])
            begun = next(self._count)
            written = apply(**given)
            if intends and written.applied is Applied.DONE:
                self.went.append((begun, given["order_pk"]))
                self._at("intend to submit", given["order_pk"])
            return written

        def watched_submit(**given: Any) -> Any:
            order_pk = ChildOrder.objects.values_list("order_id", flat=True).get(pk=given["child_pk"])
            self._at("before submit", order_pk)
            begun = next(self._count)
            submitted = submit(**given)
            if submitted is not None:
                self.went.append((begun, order_pk))
                self._at("submit to send", order_pk)
            return submitted

        def watched_sweep(*, halt_pk: int, now: Any) -> None:
            strike: Strike = _here.strike
            strike.committed = next(self._count)
            if not strike.dies:
                sweep(halt_pk=halt_pk, now=now)

        monkeypatch.setattr(order_driver, "build_order_view", watched_view)
        monkeypatch.setattr(order_driver, "decision_apply", watched_apply)
        monkeypatch.setattr(order_submitter, "child_submit", watched_submit)
        monkeypatch.setattr(halts, "halt_sweep", watched_sweep)

    def arm(self, strike: Strike) -> None:
        with self._lock:
            self._armed.append(strike)

    def _at(self, moment: str, order_pk: int) -> None:
        with self._lock:
            due = [s for s in self._armed if s.moment == moment and order_pk in s.covers]
            strike = next((s for s in due if s.skips == 0), None)
            for other in due:
                other.skips -= 1
            if strike is not None:
                self._armed.remove(strike)
        if strike is not None:
            strike.fire()

    def fire_now(self, strike: Strike) -> None:
        """Fire a strike now whose moment did not come."""
        with self._lock:
            waits = strike in self._armed
            if waits:
                self._armed.remove(strike)
                strike.forced = True
        if waits:
            strike.fire()

    def mark(self) -> int:
        return next(self._count)

    def slipped(self, strike: Strike, until: int) -> list[tuple[int, int]]:
        """Return the rows in the halt's scope that a step wrote or took although it began after the halt's commit."""
        return [
            (begun, pk) for begun, pk in self.went if strike.committed < begun < until and pk in strike.covers
        ]
