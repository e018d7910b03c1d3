"""More people at a running desk than it starts with, and the end of what they launched."""

from __future__ import annotations

import re

from django.contrib.auth.hashers import make_password

from execution.core.states import ORDER_LIVE
from execution.models import Account, Order, Role, User
from tests.desk.database import ALIAS
from tests.desk.running import RunningDesk, wait_until
from tests.desk.visitor import Visitor

PASSWORD = "a-long-password-for-tests"
#: The tests' own hasher is one that a running desk refuses.
DESK_HASHER = "pbkdf2_sha256"


def channel_add(admin: Visitor, port: int) -> str:
    """Add a channel of signed webhooks to a program at ``port`` of this machine. Return the channel's address."""
    new = "/alert-channels/new/"
    fields = {"type": "signed", "label": "program", "takes": "everything", "least": "warning"}
    url = {"url": f"http://127.0.0.1:{port}/hook"}
    _, page = admin.post(new, fields | url, admin.get(f"{new}?type=signed"))
    found = re.search(r"/alert-channels/[a-z0-9]{8}/", page)
    assert found is not None
    return found[0]


def trader_ensure(desk: RunningDesk, name: str) -> None:
    """Ensure a trader who may use every account. The password is in ``desk.passwords``, as everybody's.

    To be called inside ``database_of``.
    """
    # A function: hashing is slow by design, and most tests find the person there.
    defaults = {"role": Role.TRADER, "password": lambda: make_password(PASSWORD, hasher=DESK_HASHER)}
    person, _ = User.objects.using(ALIAS).get_or_create(username=name, defaults=defaults)
    for account in Account.objects.using(ALIAS).all():
        account.traders.add(person)
    desk.added[name] = PASSWORD


def admin_ensure(desk: RunningDesk, name: str) -> None:
    """Ensure another admin, to be called inside ``database_of``."""
    password = make_password(PASSWORD, hasher=DESK_HASHER)
    rights = {"role": Role.ADMIN, "is_staff": True, "is_superuser": True, "password": password}
    User.objects.using(ALIAS).get_or_create(username=name, defaults=rights)
    desk.added[name] = PASSWORD


def live_orders() -> list[str]:
    return list(Order.objects.using(ALIAS).filter(status__in=ORDER_LIVE).values_list("public_id", flat=True))


def cancel_all(desk: RunningDesk) -> None:
    """Cancel every live order and wait until none is; to be called inside ``database_of``."""
    supervisor = Visitor(desk, "supervisor")
    page = supervisor.get("/wall/")
    for public_id in live_orders():
        supervisor.post(f"/orders/{public_id}/cancel/", {"reason": "not of this test"}, page)
    wait_until(lambda: not live_orders(), within=30, what="the live orders to end")
