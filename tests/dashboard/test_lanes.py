"""The requests that count as a stop, and the threads that requests take in turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from dashboard.api.document import api
from dashboard.handler import lane_of
from dashboard.lanes import FairThreadPool, LaneFull
from dashboard.stops import is_stop

STOPPING_OPERATIONS = {
    *("order_pause", "order_cancel", "halt_preview", "halt_set", "unknown_cancel"),
    *("orders_pause", "orders_pause_preview", "orders_cancel", "orders_cancel_preview"),
    *("basket_pause", "basket_pause_preview", "basket_cancel", "basket_cancel_preview"),
}
#: Pages by method and name; those with an action by their action.
STOPPING_PAGES = {
    *("POST /orders/abc12345/pause/", "POST /orders/abc12345/cancel/"),
    *(f"POST /orders/bulk/{action}/{part}" for action in ("pause", "cancel") for part in ("", "review/")),
    *("GET /halts/new/", "POST /halts/new/", "GET /halts/new/preview/", "POST /halts/new/preview/"),
    *("POST /reconciliation/abc12345/cancel/", "POST /accounts/abc12345/suspend/"),
}
ACTIONS = (
    "pause",
    "resume",
    "cancel",
    "suspend",
    "check",
    "replace",
    "look",
    "attach",
    "absent",
    "export.csv",
)


def page_paths(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    """Yield every address of the pages, with an id and each action where it takes them."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            path = "/" + str(pattern.pattern).replace("<slug:public_id>", "abc12345")
            yield from (path.replace("<slug:action>", action) for action in ACTIONS)


def test_every_operation_of_the_api_is_a_stop_or_none() -> None:
    document = api.get_openapi_schema()
    found = {
        operation["operationId"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if is_stop(method.upper(), path.replace("{public_id}", "abc12345"))
    }
    assert found == STOPPING_OPERATIONS


def test_every_page_is_a_stop_or_none() -> None:
    pages = next(
        part.url_patterns
        for part in get_resolver().url_patterns
        if isinstance(part, URLResolver) and str(part.pattern) == ""
    )
    asked = {f"{method} {path}" for path in page_paths(pages) for method in ("GET", "POST")}
    assert {text for text in asked if is_stop(*text.split(" "))} == STOPPING_PAGES


def test_a_resume_a_lift_and_what_looks_like_a_stop_are_none() -> None:
    for text in (
        "POST /orders/abc12345/resume/",
        "POST /api/v1/orders/abc12345/resume",
        "POST /halts/abc12345/lift/",
        "POST /api/v1/halts/abc12345/lift",
        "GET /api/v1/halts",
        "GET /orders/abc12345/cancel/",
        "POST /orders/abc12345/cancel/more/",
        "POST /orders/a/b/cancel/",
        "POST /orders/abc12345/cancel/\n",
    ):
        assert not is_stop(*text.split(" ", 1)), text


def test_files_exports_and_everything_else_have_lanes_of_their_own() -> None:
    for method, path, lane in (
        ("POST", "/halts/new/", "halts"),
        ("POST", "/orders/abc12345/cancel/", "stops"),
        ("GET", "/static/dashboard/desk.css", "files"),
        ("GET", "/orders/export.csv", "exports"),
        ("POST", "/login/", "logins"),
        ("GET", "/livez", "files"),
        ("GET", "/metrics", "monitors"),
        ("GET", "/login/", "reads"),
        ("GET", "/orders/", "reads"),
        ("POST", "/orders/abc12345/resume/", "reads"),
    ):
        assert lane_of(method, path) == lane


class Job:
    """A request that stays on its thread until it is let go."""

    def __init__(self, lane: FairThreadPool, who: int) -> None:
        self.go = threading.Event()
        self.begun = asyncio.Event()
        self.thread = ""
        self.task = asyncio.create_task(self._run(lane, who))

    async def _run(self, lane: FairThreadPool, who: int) -> None:
        loop = asyncio.get_running_loop()
        async with lane.thread(who) as thread:
            self.begun.set()
            self.thread = await loop.run_in_executor(thread, self._work)

    def _work(self) -> str:
        assert self.go.wait(20)
        return threading.current_thread().name

    async def end(self) -> None:
        self.go.set()
        await asyncio.wait_for(self.task, 20)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_nobody_has_more_than_half_of_a_lane_and_turns_are_taken_in_turn() -> None:
    lane = FairThreadPool("test", threads=4, waiting=100)
    greedy = [Job(lane, 1) for _ in range(6)]
    await settle()
    assert [job.begun.is_set() for job in greedy] == [True, True, False, False, False, False]
    others = [Job(lane, 2), Job(lane, 3)]
    await settle()
    assert all(job.begun.is_set() for job in others), "two threads were kept for others"
    late = Job(lane, 4)
    await settle()
    assert not late.begun.is_set()
    await greedy[0].end()
    await asyncio.wait_for(greedy[2].begun.wait(), 20)
    assert not late.begun.is_set(), "who had waited longer came first"
    await greedy[1].end()
    await asyncio.wait_for(late.begun.wait(), 20)
    assert not greedy[3].begun.is_set(), "then it was the other's turn"
    for job in (*greedy[2:], *others, late):
        await job.end()
    assert len({job.thread for job in (*greedy, *others, late)}) <= 4


async def test_a_lane_that_is_full_refuses_and_one_that_left_makes_room() -> None:
    lane = FairThreadPool("test", threads=1, waiting=1)
    first, second = Job(lane, 1), Job(lane, 2)
    await settle()
    with pytest.raises(LaneFull, match="1 requests wait in the lane test"):
        async with lane.thread(3):
            pass
    second.task.cancel()
    await settle()
    third = Job(lane, 3)
    await settle()
    assert not third.begun.is_set()
    await first.end()
    await third.end()
    assert third.thread == "test-0_0"


async def test_a_thread_whose_request_was_given_up_is_free_only_when_it_has_ended() -> None:
    lane = FairThreadPool("test", threads=1, waiting=10)
    given_up = Job(lane, 1)
    await settle()
    given_up.task.cancel()
    await settle()
    following = Job(lane, 2)
    await settle()
    assert not following.begun.is_set()
    given_up.go.set()
    await following.end()
