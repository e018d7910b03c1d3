"""Rotates a keyring in a process that kills itself at its n-th step, for every n, and judges what a second run makes.

A program of tests/services/test_rotation.py: the loop that forks must be no test's, which has threads. Arguments: a
database of a desk with sealed keys, its keyring, and a folder. Prints a line of JSON for each kill.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import django

#: What a process does with files and with the database: each call is a step before which it may die.
FILE_CALLS = ("open", "fsync", "replace", "unlink", "close")


class Steps:
    """Counts the steps of a process and ends it, as a power cut would, before the one that is given."""

    def __init__(self, last: int) -> None:
        self.left = last

    def step(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.step()
            return call(*arguments, **named)

        return counted

    def statement(self, execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        self.step()
        found = execute(sql, values, many, context)
        self.step()
        return found


def in_a_fork(work: Callable[[], None]) -> int:
    """Return how a child that did ``work`` ended: 0, or minus the signal."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # nothing may return into the parent's loop
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def use(database: Path, keyring: Path) -> None:
    from django.conf import settings
    from django.db import connections

    connections["default"].settings_dict["NAME"] = str(database)
    settings.TRANCHE_KEYRING = str(keyring)


def rotate_and_die(database: Path, keyring: Path, last: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    use(database, keyring)
    connection.ensure_connection()
    steps = Steps(last)
    for name in FILE_CALLS:
        setattr(os, name, steps.before(getattr(os, name)))
    with connection.execute_wrapper(steps.statement):
        call_command("keyring", "rotate", stdout=StringIO())


def rotate_again(database: Path, keyring: Path) -> None:
    """Rotate to the end, and judge: one new key, and everything opens with it alone, for its account, unchanged."""
    from django.core.management import call_command

    from execution.engine.keyring import Keyring
    from execution.models import Credential, Installation

    use(database, keyring)
    before = dict(Credential.objects.values_list("pk", "last_four"))
    call_command("keyring", "rotate", stdout=StringIO())
    found = Keyring.load(keyring)
    assert len(found.keys) in (2, 3), (
        f"{len(found.keys)} keys"
    )  # 3: it was over, and this is another rotation
    assert Installation.objects.get().sealing_key == found.public_key_hex
    assert dict(Credential.objects.values_list("pk", "last_four")) == before
    current = found.current_alone()
    for one in Credential.objects.select_related("account"):
        secrets = current.open(bytes(one.sealed), bound_to=one.account.public_id)
        assert secrets == {"apiKey": f"key of {one.pk}", "secret": f"secret of {one.pk}"}, one
    assert [path.name for path in keyring.parent.iterdir() if path.name.startswith(".")] == []


def main(template: Path, keys: Path, folder: Path) -> None:
    last, ended, again = 0, 1, 0
    while ended != 0 and again == 0:
        here = folder / str(last)
        here.mkdir()
        database, keyring = here / "desk.sqlite3", here / "keyring"
        shutil.copy(template, database)
        shutil.copy2(keys, keyring)
        ended = in_a_fork(lambda: rotate_and_die(database, keyring, last))  # noqa: B023  # it is done by then
        held = len(json.loads(keyring.read_text())["private_keys"])
        again = in_a_fork(lambda: rotate_again(database, keyring))  # noqa: B023
        print(json.dumps({"step": last, "ended": ended, "keys": held, "again": again}), flush=True)
        shutil.rmtree(here)
        last += 1


if __name__ == "__main__":
    django.setup()
    main(*(Path(argument) for argument in sys.argv[1:]))
