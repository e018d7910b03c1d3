"""The current problems of the desk, found in the rows that the wall shows and in a few more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from execution.core.alerts.grouping import Finding, Patience
from execution.core.alerts.kinds import AlertKind
from execution.core.faults import DISK
from execution.core.limits.kinds import LIMIT_SPECS, SUMMED, LimitLevel
from execution.core.orders.view import HARMLESS_REJECTIONS, PATIENT_REJECTIONS, Rejections
from execution.core.states import ChildStatus
from execution.models import Account, ChildOrder, Difference, DifferenceKind, Order, TradingLimit, Worker
from execution.payloads.encode import moment_of
from execution.payloads.wall import WallAccount, WallPanels
from execution.selectors.alerts.doors import access_undecided, logins_attacked
from execution.selectors.decisions.limits import limit_of, usage_of
from execution.selectors.decisions.notional import order_notionals
from execution.selectors.decisions.rejections import rejections_of
from execution.selectors.wall.desk import Wall
from execution.selectors.wall.orders import Held

#: An alert is raised after this many refusals in a row; ten pause the order (core/algorithms/decide.py).
REFUSALS_TOLD = 3
#: Refusals older than this no longer count as a run.
REFUSED_WITHIN = timedelta(minutes=10)
#: While other engines run, a lost engine is shown for this long.
LOST_SHOWN = timedelta(minutes=5)
#: Sums over many rows are made this often. A limit is reported when this share of it is used.
SUMS_EVERY = timedelta(seconds=4)
NEAR = Decimal("0.8")
#: Activity of others at an account. The account's page shows it; it is no fault of the books.
NOT_OURS = (DifferenceKind.FOREIGN, DifferenceKind.UNREADABLE)
DOWN = frozenset({"failing", "down", "not_polled", "not_held"})


@dataclass(slots=True)
class Findings:
    """Remembers, in a process that looks for alerts, the data last read and the start of each problem."""

    wall: Wall = field(default_factory=Wall)
    patience: Patience = field(default_factory=Patience)
    refusals: dict[int, tuple[int, Rejections]] = field(default_factory=dict)
    #: The time at which limits and failed logins were last summed up, and the findings.
    sums: tuple[datetime, list[Finding]] | None = None

    def read(self, now: datetime) -> list[Finding]:
        """Return every problem that has lasted for the minimum time of its kind."""
        panels = self.wall.read(now)["panels"]
        held = self.wall.held
        lost = list(engines_lost(now))
        found = [
            *orders_behind(held),
            *orders_paused(held, panels),
            *children_unknown(held, panels),
            *self._refused(held, now),
            *accounts_down(panels["accounts"], is_driven=not any(one.subject == "none" for one in lost)),
            *quotes_stale(panels["accounts"]),
            *lost,
            *notices(panels),
            *differences(),
            *approvals_waiting(held, panels, now),
            *self._summed_up(now),
        ]
        return self.patience.lasting(found, now)

    def _summed_up(self, now: datetime) -> list[Finding]:
        """Return findings about limits, failed logins and undecided requests. Search for them only every few seconds.

        A search at each call would read too many rows.
        """
        if self.sums is None or now - self.sums[0] >= SUMS_EVERY:
            self.sums = (now, [*limits_used(now), *logins_attacked(now), *access_undecided(now)])
        return self.sums[1]

    def _refused(self, held: Mapping[int, Held], now: datetime) -> Iterator[Finding]:
        """Find orders with several refused children in a row; recount an order only when its version has changed."""
        recent = ChildOrder.objects.filter(
            account__in=Account.objects.all(),
            ended_at__gte=now - REFUSED_WITHIN,
            status__in=[ChildStatus.REJECTED, ChildStatus.CANCELLED],
        ).exclude(reason="")
        pks = set(recent.values_list("order_id", flat=True)) & set(held)
        stale = [pk for pk in pks if self.refusals.get(pk, (None,))[0] != held[pk].row["version"]]
        known = {pk: one for pk, one in self.refusals.items() if pk in pks and pk not in stale}
        fresh = {
            order.pk: (order.version, rejections_of(order)) for order in Order.objects.filter(pk__in=stale)
        }
        self.refusals = {**known, **fresh}
        for pk, (_, run) in self.refusals.items():
            if run.count >= REFUSALS_TOLD and run.kind not in HARMLESS_REJECTIONS | PATIENT_REJECTIONS:
                text = f"{run.count} children of {_named(held[pk])} in a row were refused: {run.why}"
                yield _of_order(AlertKind.REFUSALS, pk, held[pk], text)


def _named(held: Held) -> str:
    row = held.row
    return f"{row['side'].upper()} {row['symbol']} ({row['id']})"


def _of_order(
    kind: AlertKind, pk: int, held: Held, text: str, subject: str = "", since: datetime | None = None
) -> Finding:
    return Finding(
        kind=kind,
        subject=subject or held.row["id"],
        text=text,
        scope=f"trader {held.trader_pk}",
        order_pk=pk,
        trader_pk=held.trader_pk,
        since=since,
    )


def orders_behind(held: Mapping[int, Held]) -> Iterator[Finding]:
    for pk, one in held.items():
        if one.row["behind"] and not one.row["needs_person"]:
            waits = one.row["waits"]
            text = f"{_named(one)} is behind its schedule{f': {waits}' if waits else ''}"
            yield _of_order(AlertKind.BEHIND_SCHEDULE, pk, one, text)


def orders_paused(held: Mapping[int, Held], panels: WallPanels) -> Iterator[Finding]:
    """Find live orders that wait for a person, whatever the cause of the pause."""
    said = {alert["order"]: alert["text"] for alert in panels["alerts"]}
    for pk, one in held.items():
        if one.row["needs_person"]:
            why = said.get(one.row["id"]) or one.row["reason"]
            yield _of_order(AlertKind.ORDER_PAUSED, pk, one, f"{_named(one)} waits for a person: {why}")


def children_unknown(held: Mapping[int, Held], panels: WallPanels) -> Iterator[Finding]:
    by_id = {one.row["id"]: (pk, one) for pk, one in held.items()}
    for child in panels["unknown"]:
        if (found := by_id.get(child["order"])) is None:
            continue
        since = moment_of(child["since"])
        text = (
            f"child {child['child']} of {_named(found[1])} on {child['account']}, "
            f"sent at {since:%H:%M:%S} UTC: {child['reason']}"
        )
        yield _of_order(
            AlertKind.CHILD_UNKNOWN, *found, text, subject=f"{child['order']}.{child['child']}", since=since
        )


def accounts_down(accounts: Iterable[WallAccount], *, is_driven: bool) -> Iterator[Finding]:
    """Find accounts that cannot trade.

    ``is_driven`` is False if no engine runs. In that case accounts without an engine are left out, because
    ``engines_lost`` already finds the cause.
    """
    down = [one for one in accounts if one["cause"] in DOWN and (is_driven or one["cause"] != "not_held")]
    venues = _venues() if down else {}
    for account in down:
        why = f"{account['words']}: {account['error']}" if account["error"] else account["words"]
        venue = venues.get(account["label"], account["exchange"])
        yield Finding(
            AlertKind.ACCOUNT_DOWN, account["id"], f"account {account['label']} at {venue}: {why}", venue
        )


def quotes_stale(accounts: Iterable[WallAccount]) -> Iterator[Finding]:
    stale = [account for account in accounts if account["cause"] == "stale"]
    venues = _venues() if stale else {}
    for account in stale:
        venue = venues.get(account["label"], account["exchange"])
        yield Finding(
            AlertKind.MARKET_DATA_STALE,
            account["words"].partition(":")[0],
            f"{venue}: {account['words']}",
            venue,
        )


def _venues() -> dict[str, str]:
    return dict(Account.objects.values_list("label", "venue__label"))


def engines_lost(now: datetime) -> Iterator[Finding]:
    """Find engines whose lease ran out. An engine that is stopped on purpose ends its lease itself."""
    workers = list(Worker.objects.order_by("pk"))
    running = [one for one in workers if one.stopped_at is None and one.lease_until > now]
    lost = [
        one
        for one in workers
        if one.lease_until <= now and (one.stopped_at is None or one.stopped_at >= one.lease_until)
    ]
    if lost and not running and lost[-1] == workers[-1]:
        text = "no engine runs: nothing is traded and nothing is cancelled"
        yield Finding(AlertKind.ENGINE_LOST, "none", text, since=lost[-1].lease_until)
    for one in lost:
        if now - one.lease_until < LOST_SHOWN:
            text = f"engine {one} is lost: its lease ran out at {one.lease_until:%H:%M:%S} UTC"
            yield Finding(AlertKind.ENGINE_LOST, one.boot_id, text, since=one.lease_until)


def notices(panels: WallPanels) -> Iterator[Finding]:
    for notice in panels["notices"]:
        kind = AlertKind.DISK_LOW if notice["part"] == DISK else AlertKind.ENGINE_FAILING
        subject = f"{notice['where']} {notice['part']}"
        yield Finding(kind, subject, f"{notice['where']}: {notice['text']}")


def approvals_waiting(held: Mapping[int, Held], panels: WallPanels, now: datetime) -> Iterator[Finding]:
    """Find orders that wait for approval.

    When half of the time until a request expires has passed, its finding gets a new subject. So people are alerted
    again.
    """
    pks = {one.row["id"]: pk for pk, one in held.items()}
    for row in panels["approvals"]:
        pk = pks.get(row["order"])
        asked, until = moment_of(row["requested_at"]), moment_of(row["expires_at"])
        what = f"{row['side'].upper()} {row['quantity']} {row['symbol']} ({row['order']}) of {row['trader']}"
        text = f"{what} waits for approval until {until:%H:%M:%S} UTC"
        yield Finding(AlertKind.APPROVAL_WAITING, row["id"], text, order_pk=pk)
        if now - asked >= (until - asked) / 2:
            text = f"{what} still waits for approval, and expires at {until:%H:%M:%S} UTC"
            yield Finding(AlertKind.APPROVAL_WAITING, f"{row['id']} late", text, order_pk=pk)


def limits_used(now: datetime) -> Iterator[Finding]:
    """Find limits on open or daily notional that are exceeded or used to a large part.

    A limit may be exceeded after a person lowered it, or after prices have moved.
    """
    rows = list(TradingLimit.objects.filter(ended_at=None, kind__in=SUMMED).exclude(level=LimitLevel.SOFT))
    used = usage_of(rows, order_notionals(now), now) if rows else {}
    for row in rows:
        amount, limit = used.get(row.pk), limit_of(row)
        if amount is None or amount < row.value * NEAR:
            continue
        is_broken = amount > row.value
        kind = AlertKind.LIMIT_BROKEN if is_broken else AlertKind.LIMIT_NEAR
        label = LIMIT_SPECS[limit.kind].label.lower()
        text = f"{label} of {limit.whose}: {limit.amount(amount)} of {limit.amount(row.value)} are used"
        yield Finding(kind, row.public_id, text)


def differences() -> Iterator[Finding]:
    found = Difference.objects.filter(resolved_at=None).exclude(kind__in=NOT_OURS)
    for row in found.select_related("account", "child__order"):
        order = None if row.child is None else row.child.order
        about = "" if order is None else f", order {order.public_id}"
        yield Finding(
            AlertKind.DIFFERENCE,
            row.public_id,
            f"{row.account.label} {row.symbol}: {DifferenceKind(row.kind).label} {row.key}{about}",
            f"trader {order.trader_id}" if order is not None else f"account {row.account.label}",
            order_pk=None if order is None else order.pk,
            trader_pk=None if order is None else order.trader_id,
            since=row.opened_at,
        )
