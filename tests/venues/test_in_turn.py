"""Signed requests leave in the order of their signatures, and nobody waits for another's answer."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from ccxt.base import errors as ccxt_errors

from execution.venues.in_turn import InTurn, note_sent


async def test_a_later_request_overtakes_none_and_answers_are_waited_for_side_by_side() -> None:
    turn, signed, arrived = InTurn(), list[int](), list[int]()
    waiting = most = 0

    async def ask(number: int) -> int:
        nonlocal waiting, most
        signed.append(number)
        for _ in range(5 - number):  # the first one's connection takes longest
            await asyncio.sleep(0)
        arrived.append(number)
        note_sent()
        waiting += 1
        most = max(most, waiting)
        for _ in range(50):
            await asyncio.sleep(0)
        waiting -= 1
        return number

    answers = await asyncio.gather(*(turn.send(partial(ask, number), again=True) for number in range(5)))
    assert arrived == signed == answers == [0, 1, 2, 3, 4]
    assert most == 5


async def test_a_request_that_cannot_be_sent_holds_up_no_other() -> None:
    turn = InTurn()

    async def fails() -> None:
        raise ConnectionError("refused")

    async def works() -> str:
        return "sent"

    with pytest.raises(ConnectionError):
        await turn.send(fails, again=True)
    assert await asyncio.wait_for(turn.send(works, again=True), 1) == "sent"
    note_sent()  # nothing of this task is under way


@pytest.mark.parametrize(("again", "refused", "asked"), [(True, 1, 2), (True, 2, 2), (False, 1, 1)])
async def test_what_was_refused_for_its_nonce_is_asked_again_unless_it_is_a_create(
    again: bool, refused: int, asked: int
) -> None:
    turn, times = InTurn(), 0

    async def ask() -> int:
        nonlocal times
        times += 1
        if times <= refused:
            raise ccxt_errors.InvalidNonce("EAPI:Invalid nonce")
        return times

    if refused < asked:
        assert await turn.send(ask, again=again) == asked
    else:
        with pytest.raises(ccxt_errors.InvalidNonce):
            await turn.send(ask, again=again)
    assert times == asked
    assert await asyncio.wait_for(turn.send(ask, again=False), 1) == asked + 1


async def test_after_three_refused_nonces_in_a_row_none_is_asked_again() -> None:
    """After ten some exchanges lock the key out."""
    turn, times = InTurn(), 0

    async def ask() -> None:
        nonlocal times
        times += 1
        raise ccxt_errors.InvalidNonce("EAPI:Invalid nonce")

    for _ in range(4):
        with pytest.raises(ccxt_errors.InvalidNonce):
            await turn.send(ask, again=True)
    assert times == 5, "two of the first, one of each other"
