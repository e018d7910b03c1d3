"""The stored view of a decision, as compact JSON, so that the same decision can be repeated years later.

A view is stored in two parts, both compressed. The shared part changes seldom: parameters, plan, forecast, market
rules. The moment part has everything else. ``read_view`` makes the same view from both parts. Each part contains
``FORMAT``, which must be raised when a field changes.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from execution.core.orders.plans import SlicePlan
from execution.core.orders.terms import parse_parameters
from execution.core.orders.view import AccountView, ChildView, Opposing, OrderView, Rejections
from execution.core.orders.volume_gaps import VolumeGaps
from execution.core.states import OrderStatus
from execution.core.types import Book, Market, Quote, Side, Traded

FORMAT = 1
#: Level of the compression. A higher level takes twice the time and saves only a hundredth of the bytes.
LEVEL = 6


class RecordUnreadable(Exception):
    """An error for bytes that this version cannot read, because they have another format or were changed."""


@dataclass(frozen=True, slots=True)
class Shared:
    """The part of a view that many decisions of an order have in common."""

    format: int
    algorithm: str
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    start_at: datetime
    end_at: datetime
    extended: timedelta
    parameters: dict[str, Any]
    slices: tuple[SlicePlan, ...]
    forecast: Mapping[str, Any]
    #: Label and market by account, in the order that settles ties.
    accounts: dict[str, tuple[str, Market]]


#: A number from an exchange, which may be NaN or infinite. ``Quote.is_sane`` checks it.
_Odd = Annotated[Decimal, Field(allow_inf_nan=True)]
#: Bid, ask, size of the bid, size of the ask, and time.
_Quote = tuple[_Odd, _Odd, _Odd | None, _Odd | None, datetime]


@dataclass(frozen=True, slots=True)
class _AtAccount:
    account: str
    quote: _Quote | None
    book: Book | None
    free: Decimal | None
    blocked: str
    feed: str
    desk: Mapping[Decimal, Decimal]
    opposing: Opposing | None


@dataclass(frozen=True, slots=True)
class _Moment:
    format: int
    shared: str
    now: datetime
    status: OrderStatus
    outcome: OrderStatus | None
    outcome_reason: str
    done: Decimal
    children: tuple[ChildView, ...]
    accounts: tuple[_AtAccount, ...]
    rejections: Rejections
    halted: str
    arrival_mid: Decimal | None
    memo: Mapping[str, Any]
    traded: tuple[Traded, ...]
    traded_since_start: Decimal | None
    volume_gaps: VolumeGaps
    unattended: str
    held_back: str


_SHARED, _MOMENT = TypeAdapter(Shared), TypeAdapter(_Moment)


def shared_of(view: OrderView) -> Shared:
    """Return the part of a view that changes seldom.

    If two decisions have equal parts, their bytes are equal too, so they are stored once.
    """
    return Shared(
        format=FORMAT,
        algorithm=view.algorithm,
        side=view.side,
        quantity=view.quantity,
        limit_price=view.limit_price,
        start_at=view.start_at,
        end_at=view.end_at,
        extended=view.extended,
        parameters=view.parameters.model_dump(mode="json"),
        slices=view.slices,
        forecast=view.forecast,
        accounts={each.account: (each.label, each.market) for each in view.accounts},
    )


def shared_bytes(shared: Shared) -> tuple[str, bytes]:
    """Return two things for a shared part: the digest that identifies it, and its bytes to store."""
    text = _SHARED.dump_json(shared)
    return digest_of(text), zlib.compress(text, LEVEL)


def moment_bytes(view: OrderView, shared_digest: str) -> bytes:
    """Return the bytes to store for the part of a view that changes often. They include the shared part's digest."""
    moment = _Moment(
        format=FORMAT,
        shared=shared_digest,
        now=view.now,
        status=view.status,
        outcome=view.outcome,
        outcome_reason=view.outcome_reason,
        done=view.done,
        children=view.children,
        accounts=tuple(_at_account(each) for each in view.accounts),
        rejections=view.rejections,
        halted=view.halted,
        arrival_mid=view.arrival_mid,
        memo=view.memo,
        traded=view.traded,
        traded_since_start=view.traded_since_start,
        volume_gaps=view.volume_gaps,
        unattended=view.unattended,
        held_back=view.held_back,
    )
    return zlib.compress(_MOMENT.dump_json(moment), LEVEL)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_view(shared_body: bytes, moment_body: bytes) -> OrderView:
    """Return the stored view. Raise ``RecordUnreadable`` if a part cannot be read or they do not belong together."""
    try:
        text = zlib.decompress(shared_body)
        shared, moment = _SHARED.validate_json(text), _MOMENT.validate_json(zlib.decompress(moment_body))
    except (zlib.error, ValidationError) as error:
        raise RecordUnreadable(f"the record cannot be read: {error}") from error
    if (shared.format, moment.format) != (FORMAT, FORMAT):
        raise RecordUnreadable(f"the record has format {moment.format}; this version reads {FORMAT}")
    if moment.shared != digest_of(text):
        raise RecordUnreadable("the record was changed: its two parts are not of one decision")
    return OrderView(
        now=moment.now,
        status=moment.status,
        outcome=moment.outcome,
        outcome_reason=moment.outcome_reason,
        side=shared.side,
        quantity=shared.quantity,
        done=moment.done,
        limit_price=shared.limit_price,
        start_at=shared.start_at,
        end_at=shared.end_at,
        parameters=parse_parameters(shared.algorithm, shared.parameters),
        slices=shared.slices,
        children=moment.children,
        accounts=tuple(_account_view(each, *shared.accounts[each.account]) for each in moment.accounts),
        algorithm=shared.algorithm,
        rejections=moment.rejections,
        halted=moment.halted,
        arrival_mid=moment.arrival_mid,
        forecast=shared.forecast,
        extended=shared.extended,
        memo=moment.memo,
        traded=moment.traded,
        traded_since_start=moment.traded_since_start,
        volume_gaps=moment.volume_gaps,
        unattended=moment.unattended,
        held_back=moment.held_back,
    )


def _at_account(venue: AccountView) -> _AtAccount:
    quote = venue.quote
    return _AtAccount(
        account=venue.account,
        quote=None if quote is None else (quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.at),
        book=venue.book,
        free=venue.free,
        blocked=venue.blocked,
        feed=venue.feed,
        desk=venue.desk,
        opposing=venue.opposing,
    )


def _account_view(kept: _AtAccount, label: str, market: Market) -> AccountView:
    return AccountView(
        account=kept.account,
        label=label,
        market=market,
        quote=None if kept.quote is None else Quote(*kept.quote),
        book=kept.book,
        free=kept.free,
        blocked=kept.blocked,
        feed=kept.feed,
        desk=kept.desk,
        opposing=kept.opposing,
    )
