"""The dialects that one paper exchange speaks, and where their manners differ as an owner of orders sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.venues.conftest import options_for

PASSPHRASE = "the-passphrase"


def okx_options(base: str) -> dict[str, Any]:
    """What a venue's options are to drive the okx dialect at ``base``."""
    websocket = base.replace("http://", "ws://")
    return {"timeout_on_exit": 10, "urls": {"api": {"rest": base, "ws": f"{websocket}/ws/v5"}}}


@dataclass(frozen=True)
class Dialect:
    """``tells_state``: answers to creates and cancels carry the order's state, the former its fills too.

    ``refuses_taking``: a post-only order that would take is refused, where okx takes it and ends it at once.
    """

    exchange: str
    options: Callable[[str], dict[str, Any]]
    passphrase: str | None
    tells_state: bool
    refuses_taking: bool


BINANCE = Dialect("binance", options_for, None, True, True)
OKX = Dialect("okx", okx_options, PASSPHRASE, False, False)
DIALECTS = (BINANCE, OKX)
