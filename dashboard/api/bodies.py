"""The bodies and filters of the API's requests. execution/payloads has the answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StrictBool, StrictInt

from execution.core.limits.kinds import LimitKind, LimitLevel, LimitScope
from execution.core.orders.basket import MAX_NAME, MAX_ROWS
from execution.core.orders.bulk import MAX_ORDERS
from execution.core.orders.presets import MAX_PRESET_NAME, LimitMode
from execution.core.orders.terms import ALGORITHMS, MAX_REFERENCE
from execution.core.types import Side, Unit
from execution.services.orders.basket_confirmation import BasketConfirmation
from execution.services.orders.confirmation import Confirmation
from execution.services.records.reasons import MAX_REASON_LENGTH

Text = Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")]


def one_of(names: list[str]) -> dict[str, Any]:
    # Said in the document; judged where the ticket's fields are judged, too.
    return {"enum": names}


class Body(Schema):
    """The base of request bodies. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


# --- orders --------------------------------------------------------------------------------------


class Confirms(Body):
    """Your confirmations, where the order needs them: an unusual price, a large quantity, and exceeded soft limits."""

    confirm_limit: StrictBool = Field(
        default=False,
        description="confirms a limit price on the wrong side of the mid by more than the collar",
    )
    confirm_i_would: StrictBool = Field(
        default=False,
        description="confirms an I-would price on the wrong side of the mid by more than the collar",
    )

    confirm_quantity: str = Field(
        default="",
        max_length=40,
        description="the quantity once more, above your threshold or where the order's worth is not known",
    )
    limit_reasons: dict[str, str] = Field(
        default={},
        max_length=20,
        description="why each soft limit may be exceeded, by the kind of the limit; kept in the order's journal",
    )

    def confirmation(self) -> Confirmation:
        return Confirmation(
            quantity=self.confirm_quantity,
            limit=self.confirm_limit,
            i_would=self.confirm_i_would,
            on_ticket=False,
            limit_reasons=self.limit_reasons,
        )


class OrderBody(Confirms):
    symbol: str = Field(description="such as BTC/USDT", examples=["BTC/USDT"])
    side: str = Field(json_schema_extra=one_of([side.value for side in Side]))
    quantity: str = Field(description="a decimal number as a string, above 0", examples=["0.25"])
    unit: str = Field(
        description="unit of the quantity: base or quote currency",
        json_schema_extra=one_of([unit.value for unit in Unit]),
    )
    algorithm: str = Field(json_schema_extra=one_of(list(ALGORITHMS)))
    parameters: dict[str, Any] = Field(
        default={},
        description="the algorithm's parameters; durations in seconds, numbers as strings",
    )
    accounts: list[str] = Field(description="public ids or labels", min_length=1, max_length=20)
    limit_price: str | None = Field(default=None, description="null: no limit")
    client_reference: str = Field(
        default="", description=f"your own reference, at most {MAX_REFERENCE} characters"
    )


class BasketBody(Body):
    """Orders that the desk creates together or not at all.

    Each order has the same confirmations as an order sent alone.
    """

    name: str = Field(default="", max_length=MAX_NAME, description="your own name for it")
    orders: list[OrderBody] = Field(
        min_length=1,
        max_length=MAX_ROWS,
        description="the rows, in their sequence; a reason for a limit that several exceed stands in the first",
    )
    confirm_notional: str = Field(
        default="",
        max_length=40,
        description="bought and sold together once more, within 1 %, above your threshold",
    )

    def confirmation(self) -> BasketConfirmation:
        rows = {number: order.confirmation() for number, order in enumerate(self.orders, start=1)}
        return BasketConfirmation(rows, self.confirm_notional)


class PresetBody(Body):
    """An algorithm with its parameters under a name. It has no side, quantity, start, end or price."""

    name: str = Field(max_length=MAX_PRESET_NAME)
    symbol: str | None = Field(default=None, max_length=80, description="null: any symbol")
    algorithm: str = Field(json_schema_extra=one_of(list(ALGORITHMS)))
    parameters: dict[str, Any] = Field(
        default={}, description="the algorithm's parameters; durations in seconds, numbers as strings"
    )
    accounts: list[str] = Field(
        default=[], max_length=20, description="public ids or labels; empty: the ticket keeps its own"
    )
    limit_mode: str = Field(
        default="leave",
        description="the ticket's limit price: leave it, have none, or take the one beside the mid",
        json_schema_extra=one_of([mode.value for mode in LimitMode]),
    )
    replaces: StrictBool = Field(
        default=False, description="overwrites the preset of this name for this algorithm and symbol"
    )


class ActionBody(Body):
    reason: str = Field(default="", max_length=MAX_REASON_LENGTH, description="kept in the order's journal")


class ResumeBody(ActionBody):
    mode: Literal["catch_up", "shift"] = Field(
        description="catch_up keeps the schedule's times, shift moves them by the time lost"
    )


class ChosenOrderBody(Body):
    id: Text = Field(description="public id")
    terms_version: StrictInt | None = Field(
        default=None,
        ge=1,
        le=2**31 - 1,
        description="version of the order's terms that you have seen, from the preview; required to extend",
    )


class BulkBody(ActionBody):
    """One action on many orders. Each order is changed on its own, so a refused order does not stop the
    others.
    """

    orders: list[ChosenOrderBody] = Field(min_length=1, max_length=MAX_ORDERS)


class BulkResumeBody(BulkBody):
    mode: Literal["catch_up", "shift"] = Field(
        description="catch_up keeps the schedules' times, shift moves them by the time lost"
    )


class BulkExtendBody(BulkBody):
    by: str | StrictInt = Field(
        description="how much later the orders end: seconds, or text such as 30m", examples=["30m"]
    )


class BulkUrgencyBody(BulkBody):
    urgency: str = Field(description="from 0 passive to 1 aggressive", examples=["0.8"])


class ChangesBody(Confirms):
    """Changes to an order. A field that is left out stays as it is; null removes its value."""

    quantity: str | None = Field(
        default=None, description="in base currency; at least the filled quantity and what may still fill"
    )
    limit_price: str | None = Field(default=None, description="null removes the limit")
    parameters: dict[str, Any] = Field(
        default={},
        description="duration or end_at, and the algorithm's parameters that may change while the order runs",
    )


class AmendBody(ChangesBody):
    terms_version: StrictInt = Field(
        ge=1, le=2**31 - 1, description="version of the order's terms that the changes are based on"
    )
    reason: str = Field(default="", max_length=MAX_REASON_LENGTH, description="kept in the order's journal")


# --- halts, reconciliation, the desk ---------------------------------------------------------------


class HaltAsked(Body):
    kind: str = Field(
        description="stop cancels everything; no_new_orders leaves live orders alone",
        json_schema_extra=one_of(["stop", "no_new_orders"]),
    )
    scope: str = Field(
        json_schema_extra=one_of(["desk", "account", "trader", "symbol", "algorithm", "order"])
    )
    subject: str = Field(
        default="",
        description="an account, a trader, a symbol, an algorithm or an order's id; empty for the desk",
    )


class HaltBody(HaltAsked):
    phrase: str = Field(description="the phrase from the preview")
    reason: str = Field(description="kept in the audit log and shown on every order that it pauses")


class ReasonBody(Body):
    reason: str


class LiftBody(ReasonBody):
    keeps_time: StrictBool = Field(
        default=False,
        description="the plans of the orders that it paused move by the time of the halt; fixed ends stay",
    )


class HaltsAsked(Schema):
    """Selects the halts to list."""

    lifted: bool = Field(default=False, description="former halts instead of those in force")


class LimitBody(ReasonBody):
    kind: str = Field(json_schema_extra=one_of([kind.value for kind in LimitKind]))
    scope: str = Field(json_schema_extra=one_of([scope.value for scope in LimitScope]))
    subject: str = Field(
        default="",
        max_length=150,
        description="a trader's name, an account's label, a symbol; empty for the desk",
    )
    level: str = Field(json_schema_extra=one_of([level.value for level in LimitLevel]))
    value: str = Field(description="a decimal number as a string, 0 or more", examples=["5000000"])
    currency: str = Field(
        default="", max_length=40, description="of a notional; empty: the desk's reporting currency"
    )


class ApprovalsAsked(Schema):
    """Selects the requests to list."""

    decided: bool = Field(default=False, description="the last ones decided instead of those that wait")


class ApproveBody(Body):
    kinds: list[str] = Field(description="the kinds of limits that you have seen exceeded", max_length=20)
    reason: str = Field(default="", max_length=MAX_REASON_LENGTH)


class AlertsAsked(Schema):
    """Selects the alerts to list."""

    state: Literal["open", "acknowledged", "ended"] = Field(default="open", description="newest first")
    kind: Text = Field(default="", description="such as overfill; empty: every kind")
    owner: Text = Field(default="", description="name of the person who owns it; empty: whoever does")


class NoteBody(Body):
    note: str = Field(
        default="", max_length=MAX_REASON_LENGTH, description="kept with the alert and in the audit log"
    )


class AttachBody(ReasonBody):
    exchange_id: str = Field(description="the exchange's own order id")


class AbsentBody(ReasonBody):
    phrase: str = Field(description="ABSENT and the child's client id")


class EndedBody(ReasonBody):
    phrase: str = Field(description="ENDED and the child's client id")


class MarketsAsked(Schema):
    """Selects the markets to list. Without a filter, all markets are listed."""

    symbol: Text = ""
    account: Text = Field(default="", description="public id or label")
