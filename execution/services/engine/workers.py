"""The leases of workers, and their claims on orders, accounts and markets.

Only the database's clock decides when a lease has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from execution.core.states import ORDER_DRIVEN, OrderStatus
from execution.models import Account, ChildOrder, Credential, Installation, Order, Venue, Worker
from execution.models.prepared import Compiled
from execution.services.accounts.accounts import IN_USE
from execution.services.records.order_transition import pause_for_person

Row = TypeVar("Row", Account, Order, Venue)

#: After a longer time without a running worker, orders are paused.
AWAY_AFTER = timedelta(seconds=60)


def database_now() -> datetime:
    """Return the database's clock, UTC."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")
            (text,) = cursor.fetchone()
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        cursor.execute("SELECT clock_timestamp()")
        (instant,) = cursor.fetchone()
        return instant.astimezone(UTC)  # type: ignore[no-any-return]


@transaction.atomic
def worker_start(*, boot_id: str, host: str, process_id: int, lease: timedelta) -> Worker:
    """Register a running engine with its first lease. Raises ``IntegrityError`` when ``boot_id`` was used before."""
    now = database_now()
    return Worker.objects.create(
        boot_id=boot_id, host=host, process_id=process_id, started_at=now, lease_until=now + lease
    )


@transaction.atomic
def worker_renew(*, worker_pk: int, lease: timedelta) -> bool:
    """Prolong the lease if it has not ended. Return False if it has ended.

    In that case other workers may have claimed this worker's rows.
    """
    now = database_now()
    renewed = Worker.objects.filter(pk=worker_pk, stopped_at=None, lease_until__gt=now).update(
        lease_until=now + lease
    )
    if renewed:
        Installation.objects.update(last_alive_at=now)
    return renewed == 1


@transaction.atomic
def worker_stop(*, worker_pk: int) -> bool:
    """Mark the worker as stopping. Return True if no other worker runs."""
    now = database_now()
    Worker.objects.filter(pk=worker_pk, stopped_at=None).update(stopped_at=now)
    # Two that stop at once meet on this row, or each would count on the other; after its own row, as a renewal.
    Installation.objects.select_for_update(no_key=True).first()
    return not Worker.objects.filter(stopped_at=None, lease_until__gt=now).exists()


@transaction.atomic
def worker_release(*, worker_pk: int) -> None:
    """Release everything that the worker owns, for others to claim at once."""
    Order.objects.filter(owner_id=worker_pk).update(owner=None)
    Account.objects.filter(owner_id=worker_pk).update(owner=None)
    Venue.objects.filter(market_owner_id=worker_pk).update(market_owner=None)


def _released(owner: str) -> Q:
    """Return the filter for rows that may be claimed: they have no owner, or the owner is marked as stopped."""
    return Q(**{owner: None}) | Q(**{f"{owner}__stopped_at__isnull": False})


def _free(now: datetime, owner: str = "owner") -> Q:
    return _released(owner) | Q(**{f"{owner}__lease_until__lte": now})


def _end_expired() -> None:
    """Mark workers whose lease has ended as stopped, each in a statement of its own.

    The statement waits for a renewal that has begun, and no renewal succeeds after it. So a worker whose renewal
    succeeded never loses its rows.
    """
    expired = Worker.objects.filter(stopped_at=None, lease_until__lte=database_now())
    for pk in list(expired.order_by("pk").values_list("pk", flat=True)):
        now = database_now()
        Worker.objects.filter(pk=pk, stopped_at=None, lease_until__lte=now).update(stopped_at=now)


_KEYS = Credential.objects.filter(account=OuterRef("pk"))
_UNSETTLED = ChildOrder.objects.filter(account=OuterRef("pk"), is_settled=False)
#: The accounts that workers claim. An account counts while it is open and has a key in use. Afterwards it counts until
#: no child there is unsettled, so that cancels are still sent and fills recorded.
_SERVED = Q(environment__in=Installation.objects.values("environment")) & (
    (Q(is_active=True) & Q(Exists(_KEYS.filter(state__in=IN_USE))))
    | (Q(Exists(_UNSETTLED)) & Q(Exists(_KEYS)))
)
_HELD = Account.objects.filter(venue=OuterRef("pk"), is_active=True)
# Every engine asks for free rows several times a second, and mostly finds none.
_FREE_ACCOUNTS = Compiled(
    lambda now, worker: (
        Account.objects.filter(_free(now) & ~Q(owner_id=worker) & _SERVED)
        .order_by("pk")
        .values_list("pk", flat=True)
        .distinct()
    ),
    now=datetime,
    worker=int,
)
_FREE_MARKETS = Compiled(
    lambda now, worker: (
        Venue.objects.filter(_free(now, "market_owner"), Exists(_HELD.filter(owner_id=worker)))
        .order_by("pk")
        .values_list("pk", flat=True)
    ),
    now=datetime,
    worker=int,
)
_FREE_ORDERS = Compiled(
    lambda now, worker, waited_since: (
        Order.objects.filter(
            _free(now),
            Q(accounts__owner_id=worker)
            | Q(due_at__lte=waited_since)
            | Q(due_at=None, created_at__lte=waited_since),
            status__in=ORDER_DRIVEN,
        )
        .order_by(F("due_at").asc(nulls_first=True), "pk")
        .values_list("pk", flat=True)
        .distinct()
    ),
    now=datetime,
    worker=int,
    waited_since=datetime,
)


def accounts_claim(*, worker_pk: int, most: int) -> list[Account]:
    """Claim accounts that no running worker holds, up to this worker's share.

    Each claim raises the account's fence, the number of its takeovers.

    The database's write lock is taken only if some account is free, because engines call this many times a second.
    """
    candidates = [pk for (pk,) in _FREE_ACCOUNTS.values(now=database_now(), worker=worker_pk)][:most]
    if not candidates:
        return []
    _end_expired()
    return _take(Account, worker_pk, candidates[: _share_left(worker_pk)])


def _share_left(worker_pk: int) -> int:
    """Return how many more accounts this worker may claim, if all running workers share the accounts equally.

    The worker that holds an account drives its orders too. A dead worker is included until its lease ends.
    """
    running = Worker.objects.filter(stopped_at=None, lease_until__gt=database_now()).count()
    owners = list(Account.objects.filter(_SERVED).values_list("owner_id", flat=True))
    return max(0, -(-len(owners) // max(running, 1)) - owners.count(worker_pk))


@transaction.atomic
def _take(
    model: type[Row], worker_pk: int, candidates: list[int], *, owner: str = "owner", fence: str = "fence"
) -> list[Row]:
    """Claim the candidates that are still free. ``owner`` and ``fence`` are names of fields of the model."""
    claimed = []
    # In one order everywhere, or two engines that claim at once could wait for each other.
    for pk in sorted(candidates):
        rows = model._default_manager.select_for_update(of=("self",), no_key=True)
        row = rows.filter(_released(owner), pk=pk).first()
        if row is not None:
            setattr(row, f"{owner}_id", worker_pk)
            setattr(row, fence, getattr(row, fence) + 1)
            row.save(update_fields=[owner, fence])
            claimed.append(row)
    return claimed


def markets_claim(*, worker_pk: int) -> list[int]:
    """Claim the markets of each venue where this worker holds an account, unless a running worker watches them.

    Return the venues' primary keys. Each claim raises the fence, the number of takeovers.
    """
    candidates = [pk for (pk,) in _FREE_MARKETS.values(now=database_now(), worker=worker_pk)]
    if not candidates:
        return []
    _end_expired()
    taken = _take(Venue, worker_pk, candidates, owner="market_owner", fence="market_fence")
    return [venue.pk for venue in taken]


def orders_claim(*, worker_pk: int, most: int, patience: timedelta, now: datetime) -> list[tuple[int, int]]:
    """Claim orders that no running worker drives.

    Return each order's primary key and its fence, the number of its takeovers.

    An order is claimed at once if this worker holds one of its accounts. Any other order is claimed only after it has
    been due for ``patience``. So a worker that holds an account of the order has the first chance. An order is claimed
    even if its account is closed and belongs to no worker, so that the order can still end.
    """
    waited_since = now - patience
    found = _FREE_ORDERS.values(now=database_now(), worker=worker_pk, waited_since=waited_since)
    candidates = [row[0] for row in found][:most]
    if not candidates:
        return []
    _end_expired()
    return [(order.pk, order.fence) for order in _take(Order, worker_pk, candidates)]


_OWNED_ORDERS = Compiled(
    lambda worker: Order.objects.filter(owner_id=worker, status__in=ORDER_DRIVEN).values_list(
        "pk", "fence", "version"
    ),
    worker=int,
)
_OWNED_ACCOUNTS = Compiled(
    lambda worker: Account.objects.filter(_SERVED, owner_id=worker).values_list("pk", "fence"), worker=int
)


_OWNED_MARKETS = Compiled(
    lambda worker: Venue.objects.filter(market_owner_id=worker).values_list("pk", "market_fence"), worker=int
)


@dataclass(frozen=True, slots=True)
class Owned:
    """The rows that a worker owns, by primary key.

    For accounts and markets the value is the fence, the number of takeovers. For orders it is the fence and the
    version.
    """

    orders: dict[int, tuple[int, int]]
    accounts: dict[int, int]
    markets: dict[int, int]


def owned(*, worker_pk: int) -> Owned:
    """Return the orders, accounts and markets that a worker owns now."""
    orders = {pk: (fence, version) for pk, fence, version in _OWNED_ORDERS.values(worker=worker_pk)}
    return Owned(
        orders, dict(_OWNED_ACCOUNTS.values(worker=worker_pk)), dict(_OWNED_MARKETS.values(worker=worker_pk))
    )


@transaction.atomic
def pause_if_away(*, now: datetime) -> list[str]:
    """Pause working orders if no worker ran for more than a minute. Return their public ids.

    A worker calls this function before it registers itself. If another worker runs, nothing is paused.
    """
    at = database_now()
    installation = Installation.objects.select_for_update(no_key=True).first()
    if installation is None or installation.last_alive_at is None:
        return []
    away = at - installation.last_alive_at
    if away < AWAY_AFTER or Worker.objects.filter(stopped_at=None, lease_until__gt=at).exists():
        return []
    paused = []
    working = Order.objects.select_for_update(of=("self",), no_key=True).filter(status=OrderStatus.WORKING)
    for order in working.order_by("pk"):
        reason = f"the desk was away for {away.total_seconds():.0f} s"
        pause_for_person(order, reason=reason, now=now, paused_at=installation.last_alive_at)
        paused.append(order.public_id)
    installation.last_alive_at = at
    installation.save(update_fields=["last_alive_at"])
    return paused
