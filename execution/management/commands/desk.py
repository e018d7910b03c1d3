"""``manage.py desk``: start all processes of a desk on one machine, and stop them again."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandParser

from execution.launcher.bootstrap import PAPER_LABELS, Bootstrap, paper_key_ensure
from execution.launcher.environments import keep_bytecode
from execution.launcher.files import (
    lock_folder,
    move_single_paper,
    usable_paper_port,
    usable_port,
    write_private,
)
from execution.launcher.output import DeskLog
from execution.launcher.parent_death import supported
from execution.launcher.plan import Plan, refuse_bad_workers
from execution.launcher.supervisor import Supervisor

PRIVATE_UMASK = 0o077


class Command(BaseCommand):
    help = "Start the desk: Redis, three paper exchanges, workers, beat and web. Ctrl-C stops everything."
    requires_system_checks: list[str] = []  # the tests run them; a start is quick

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback)")
        parser.add_argument(
            "--port", type=int, default=8000, help="port of the pages (default 8000; 0: free)"
        )
        parser.add_argument("--var", help="folder of the state (default TRANCHE_VAR, else var/)")
        parser.add_argument("--workers", type=int, default=2, help="engine workers (default 2)")
        parser.add_argument(
            "--paper-port",
            type=int,
            default=0,
            help="the first paper exchange's; the others follow it (default: free)",
        )
        parser.add_argument(
            "--log", action="store_true", help="show the log of all processes, which desk.log has in any case"
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        """Run the desk.

        Refuse options that cannot work, lock the folder, and plan the processes. Then run them until a signal stops
        them.
        """
        refuse_bad_workers(options["workers"])
        os.umask(PRIVATE_UMASK)  # whatever a process of the desk writes is its owner's alone
        var: Path = settings.VAR
        keyrings = Path(settings.TRANCHE_KEYRING).resolve(), Path(settings.TRANCHE_ALERT_KEYRING).resolve()
        run = var / "run"
        run.mkdir(parents=True, exist_ok=True)
        keep_bytecode(var / "bytecode")
        (var / "static").mkdir(exist_ok=True)  # whitenoise warns when its folder is missing
        lock = lock_folder(run)
        port = usable_port(options["host"], options["port"], "--port")
        os.chdir(settings.BASE_DIR)
        papers = self._papers(var, options["paper_port"])
        plan = Plan(settings.BASE_DIR, var, *keyrings, options["host"], port, options["workers"], papers)
        bootstrap = Bootstrap(var, *keyrings, settings.TRANCHE_ENVIRONMENT, papers)
        log = DeskLog(var / "desk.log", shows_all=options["log"])
        if os.geteuid() == 0:
            log.line("desk", "running as root; a user of its own is better for anything but a trial")
        if not supported():
            log.line(
                "desk", "this system has no parent-death signal: after a kill -9 of the desk, stop the rest"
            )
        try:
            asyncio.run(_supervise(plan, bootstrap, log))
        finally:
            log.close()
            os.close(lock)

    def _papers(self, var: Path, port: int) -> dict[str, int]:
        if settings.TRANCHE_ENVIRONMENT != "paper":
            return {}
        paper = var / "paper"
        paper.mkdir(exist_ok=True)
        move_single_paper(paper, PAPER_LABELS[0])
        ports: dict[str, int] = {}
        for number, label in enumerate(PAPER_LABELS):
            folder = paper / label
            folder.mkdir(exist_ok=True)
            wanted = port + number if port else 0
            ports[label] = usable_paper_port(folder / "port", wanted, taken=ports.values())
            write_private(folder / "port", f"{ports[label]}\n")
            paper_key_ensure(folder)
        return ports


async def _supervise(plan: Plan, bootstrap: Bootstrap, log: DeskLog) -> None:
    await Supervisor(plan, bootstrap, log).run()
