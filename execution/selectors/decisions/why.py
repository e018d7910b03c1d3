"""The decision that placed a child, explained from its stored input and made again from it, to compare the two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from execution.core.algorithms.decide import decide
from execution.core.numbers import grouped
from execution.core.orders.view import AccountView, OrderView, PlaceChild
from execution.core.orders.view_record import RecordUnreadable, digest_of, read_view
from execution.core.types import OrderType, TimeInForce
from execution.models import ChildOrder, DecisionRecord


class Verdict(StrEnum):
    SAME = "same"  #: the same command is decided again
    DIFFERENT = "different"  #: another command is decided: the child's row was changed, or the program
    CHANGED = "changed"  #: the record is not the one that the journal names
    UNREADABLE = "unreadable"
    NOT_KEPT = "not kept"  #: older than the records, adopted, or deleted by retention


@dataclass(frozen=True, slots=True)
class Why:
    """A child, its stored decision, and the decision that the stored input (the view) gives now."""

    child: str
    recorded: PlaceChild
    verdict: Verdict
    problem: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    decided: PlaceChild | None = None
    why: str = ""


def child_why(name: str) -> Why | None:
    """Repeat a child's decision from the stored input, and return both decisions; None if there is no such child.

    ``name`` is the child's client id, or the order's id, a slash and the child's number.
    """
    child = _child(name)
    if child is None:
        return None
    recorded = _recorded(child)
    record = (
        DecisionRecord.objects.filter(order=child.order_id, first_child__lte=child.sequence)
        .select_related("context")
        .order_by("-first_child")
        .first()
    )
    if record is None or record.first_child + record.children <= child.sequence:
        return Why(child.client_id, recorded, Verdict.NOT_KEPT, "nothing is kept of what it was decided on")
    try:
        view = read_view(bytes(record.context.body), bytes(record.body))
    except RecordUnreadable as unreadable:
        return Why(child.client_id, recorded, Verdict.UNREADABLE, str(unreadable))
    decision = decide(view)
    placed = [command for command in decision.commands if isinstance(command, PlaceChild)]
    position = child.sequence - record.first_child
    decided = placed[position] if position < len(placed) else None
    verdict, problem = _verdict(child, record, recorded, decided)
    return Why(child.client_id, recorded, verdict, problem, tuple(inputs_of(view)), decided, decision.why)


def _child(name: str) -> ChildOrder | None:
    children = ChildOrder.objects.select_related("account", "slice")
    order, _, number = name.partition("/")
    if number.isdecimal():
        return children.filter(order__public_id=order, sequence=int(number)).first()
    return children.filter(client_id=name).first()


def _recorded(child: ChildOrder) -> PlaceChild:
    return PlaceChild(
        account=child.account.public_id,
        slice_number=None if child.slice is None else child.slice.number,
        purpose=child.purpose,
        type=OrderType(child.type),
        price=child.price,
        quantity=child.quantity,
        time_in_force=TimeInForce(child.time_in_force),
        why=child.why,
    )


def _verdict(
    child: ChildOrder, record: DecisionRecord, recorded: PlaceChild, decided: PlaceChild | None
) -> tuple[Verdict, str]:
    entry = child.order.journal.filter(kind="place", data__child=child.sequence).first()
    if entry is None or entry.data.get("decided_on") != digest_of(bytes(record.body)):
        return Verdict.CHANGED, "the record is not the one that the journal names: one of the two was changed"
    if decided == recorded:
        return Verdict.SAME, ""
    if decided is None:
        return Verdict.DIFFERENT, "no such child is decided now"
    names = [name for name in PlaceChild.__slots__ if getattr(decided, name) != getattr(recorded, name)]
    return Verdict.DIFFERENT, f"another {', '.join(names).replace('_', ' ')} is decided now"


def inputs_of(view: OrderView) -> Iterator[tuple[str, str]]:
    """Yield the inputs of a decision, each as its name and its value in words. Unset inputs are left out."""
    yield "time", f"{view.now:%Y-%m-%d %H:%M:%S.%f} UTC"
    yield (
        "order",
        f"{view.algorithm.upper()} {view.side.upper()} {grouped(view.quantity)} {view.base}, {view.status}",
    )
    yield "done", f"{grouped(view.done)}, {grouped(view.exposure)} under way, {grouped(view.remaining)} left"
    yield "time allowed", f"{view.start_at:%H:%M:%S} to {view.end_at:%Y-%m-%d %H:%M:%S} UTC"
    if view.limit_price is not None:
        yield "limit price", grouped(view.limit_price)
    part = next((part for part in view.slices if part.starts_at <= view.now < part.ends_at), None)
    if part is not None:
        of = f"{part.number} of {len(view.slices)}"
        yield "slice", f"{of}: {grouped(part.quantity)} until {part.ends_at:%H:%M:%S} UTC"
    if view.arrival_mid is not None:
        yield "arrival mid", grouped(view.arrival_mid)
    for each in view.accounts:
        yield f"account {each.label}", "; ".join(_account_words(view, each))
    for child in view.children:
        price = "market" if child.price is None else grouped(child.price)
        filled = f"{grouped(child.done)} of {grouped(child.quantity)} done"
        yield f"child {child.sequence}", f"{child.status}, {child.purpose} at {price}, {filled}"
    if view.rejections.count:
        yield "refused in a row", f"{view.rejections.count}: {view.rejections.why}"
    if view.traded_since_start is not None:
        yield "market's volume", f"{grouped(view.traded_since_start)} since the start"
    set_values = view.parameters.model_dump(mode="json", exclude_none=True)
    yield "parameters", ", ".join(f"{name} {value}" for name, value in sorted(set_values.items()))


def _account_words(view: OrderView, each: AccountView) -> Iterator[str]:
    if each.quote is None:
        yield "no quote"
    else:
        age = (view.now - each.quote.at).total_seconds()
        yield f"bid {grouped(each.quote.bid)}, ask {grouped(each.quote.ask)}, {age:.3f} s old"
    if each.book is not None:
        yield f"book of {len(each.book.bids)} bids and {len(each.book.asks)} asks"
    if each.free is not None:
        yield f"{grouped(each.free)} free"
    if trouble := view.trouble_at(each):
        yield trouble
