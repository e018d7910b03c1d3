"""``manage.py keyring``: rotate a keyring, and forget its former keys (docs/how-to/keys.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from execution.engine.key_rotation import forget, rotate
from execution.engine.keyring import KeyringError
from execution.services.accounts.resealing import ACCOUNT_KEYS, ALERT_CHANNELS


class Command(BaseCommand):
    help = (
        "Make a new key, seal everything again to it, and later forget the former keys. It can be interrupted at any "
        "point: run it again. Run it where the keyring is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        rotating = actions.add_parser("rotate", help="make a new key and seal everything again to it")
        rotating.add_argument(
            "--only-key",
            action="store_true",
            help="make the new key and stop: copy the file to the other hosts, then rotate without this",
        )
        forgetting = actions.add_parser("forget", help="take the former keys out of the file")
        for each in (rotating, forgetting):
            each.add_argument(
                "--alerts", action="store_true", help="the keyring of the process that sends alerts"
            )

    def handle(self, *_args: Any, **options: Any) -> None:
        book = ALERT_CHANNELS if options["alerts"] else ACCOUNT_KEYS
        path = Path(settings.TRANCHE_ALERT_KEYRING if options["alerts"] else settings.TRANCHE_KEYRING)
        try:
            if options["action"] == "forget":
                count = forget(path, book, now=datetime.now(UTC))
                self.stdout.write(f"{count} former keys are forgotten; copy {path} to the other hosts again")
                return
            done = rotate(path, book, now=datetime.now(UTC), only_key=options["only_key"])
        except KeyringError as error:
            raise CommandError(str(error)) from error
        made = "a new key was made" if done.made_key else "a rotation that was interrupted goes on"
        self.stdout.write(f"{path}: {made}; the current one is {done.key_id}")
        self.stdout.write(f"its public key, for TRANCHE_SEALING_KEYS of web, is {done.public_key_hex}")
        if options["only_key"]:
            self.stdout.write("copy the file to the other hosts, then run this again without --only-key")
            return
        self.stdout.write(f"{done.resealed} secrets were sealed again")
        if done.left:
            raise CommandError("left as they are: " + "; ".join(done.left))
        self.stdout.write("everything opens with the new key alone; the former keys are still in the file")
