"""``manage.py install``: set up tables, keyring, installation and first people (docs/how-to/deployment.md).

``manage.py desk`` does all of this by itself, and adds paper exchanges.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandParser

from execution.launcher.bootstrap import Bootstrap
from execution.models import Installation


class Command(BaseCommand):
    help = "Bring the database to where web and workers can start; run it on a worker's host. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--new-alert-keyring",
            action="store_true",
            help="make a keyring of alerts although the installation has one: it is lost, and so are its channels",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        bootstrap = Bootstrap(
            var=Path(settings.VAR),
            keyring=Path(settings.TRANCHE_KEYRING),
            alert_keyring=Path(settings.TRANCHE_ALERT_KEYRING),
            environment=settings.TRANCHE_ENVIRONMENT,
            paper_ports={},
            keeps_alert_key=not options["new_alert_keyring"],
        )
        created = bootstrap.run()
        self.stdout.write(f"the database is ready; its keyring is {bootstrap.keyring}")
        if bootstrap.has_moved_alert_keyring():
            self.stdout.write("the keyring of the process that sends alerts is elsewhere, and stays as it is")
        else:
            self.stdout.write(f"the keyring of the process that sends alerts is {bootstrap.alert_keyring}")
        sealing = Installation.objects.values_list("sealing_key", "alert_sealing_key").get()
        self.stdout.write(f"for the environment of the web hosts: TRANCHE_SEALING_KEYS={','.join(sealing)}")
        if created:
            self.stdout.write(f"created {', '.join(created)}: their passwords are in {bootstrap.people_file}")
