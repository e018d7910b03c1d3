"""More people at a running desk than it starts with."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password

from execution.models import Account, Role, User
from tests.desk.database import ALIAS
from tests.desk.running import RunningDesk

PASSWORD = "a-long-password-for-tests"


def trader_ensure(desk: RunningDesk, name: str) -> None:
    """A trader who may use every account; the password stands in ``desk.passwords``, as everybody's.

    To be called inside ``database_of``.
    """
    person, _ = User.objects.using(ALIAS).get_or_create(
        username=name, defaults={"role": Role.TRADER, "password": make_password(PASSWORD)}
    )
    for account in Account.objects.using(ALIAS).all():
        account.traders.add(person)
    desk.added[name] = PASSWORD
