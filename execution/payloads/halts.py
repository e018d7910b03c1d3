"""The payloads of a halt, its progress, and its preview."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from execution.payloads.fields import DecimalStr, EpochMs, OptionalText, SideText, about


class HaltChild(TypedDict):
    """A child that a halt still has to cancel, and the reason why the child is not cancelled yet."""

    order: str
    account: str
    symbol: str
    side: SideText
    quantity: DecimalStr
    filled: DecimalStr
    status: str
    reason: Annotated[str, about("why it is still open; empty while the cancel is on its way")]


class HaltCount(TypedDict):
    """The orders and children that a halt would pause and cancel on one account."""

    account: str
    orders: int
    children: int
    notional: Annotated[
        dict[str, DecimalStr | None],
        about("open quantity times price, by quote currency; null where a price is unknown"),
    ]


class HaltPreview(TypedDict):
    """The effect of a halt if it were set now."""

    kind: str
    scope: str
    subject: str
    phrase: Annotated[str, about("what the supervisor types to confirm it")]
    orders: int
    children: int
    accounts: list[HaltCount]


class HaltNotice(TypedDict):
    """A halt in force, as the line above every page shows it to the people whom it concerns."""

    id: str
    kind: str
    scope: str
    subject: Annotated[
        str,
        about('"the desk", an account, a trader, a symbol, an algorithm or an order\'s id'),
    ]
    reason: str
    set_by: str
    set_at: EpochMs


class HaltRow(HaltNotice):
    """A halt in force, or a lifted one, with its progress."""

    swept_at: Annotated[EpochMs | None, about("when the orders were paused and the cancels requested")]
    flat_at: Annotated[EpochMs | None, about("when the exchanges had confirmed that nothing is open")]
    time_to_flat: Annotated[int | None, about("milliseconds from set_at to flat_at")]
    lifted_by: OptionalText
    lifted_at: EpochMs | None
    lift_reason: OptionalText
    keeps_time: Annotated[bool, about("whoever lifted it gave its orders back the time that it took")]
    orders: int
    children: int
    settled: int
    open: Annotated[list[HaltChild], about("what is still open, and why")]


class HaltedOrder(TypedDict):
    """An order that a halt paused, and that is still paused."""

    id: str
    symbol: str
    trader: str


class HaltDetail(HaltRow):
    """A halt with the orders that wait for a person because of this halt."""

    waiting: list[HaltedOrder]


class Halts(TypedDict):
    halts: list[HaltRow]
