"""Growing pauses between attempts."""

from __future__ import annotations

from execution.core.retry_pause import RetryPause


def test_pauses_double_up_to_the_longest_and_begin_anew() -> None:
    pause = RetryPause(5, 30)
    assert [pause.seconds() for _ in range(4)] == [5, 10, 20, 30]
    pause.reset()
    assert pause.seconds() == 5
