"""``manage.py install``: set up tables, keyring, installation and first people (docs/how-to/deployment.md).

``manage.py desk`` does all of this by itself, and adds paper exchanges.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand

from execution.launcher.bootstrap import Bootstrap
from execution.models import Installation


class Command(BaseCommand):
    help = "Bring the database to where web and workers can start; run it on a worker's host. Safe to repeat."

    def handle(self, *_args: Any, **_options: Any) -> None:
        bootstrap = Bootstrap(
            var=Path(settings.VAR),
            keyring=Path(settings.TRANCHE_KEYRING),
            alert_keyring=Path(settings.TRANCHE_ALERT_KEYRING),
            environment=settings.TRANCHE_ENVIRONMENT,
            paper_ports={},
        )
        created = bootstrap.run()
        self.stdout.write(f"the database is ready; its keyring is {bootstrap.keyring}")
        self.stdout.write(f"the keyring of the process that sends alerts is {bootstrap.alert_keyring}")
        sealing = Installation.objects.values_list("sealing_key", "alert_sealing_key").get()
        self.stdout.write(f"for the environment of the web hosts: TRANCHE_SEALING_KEYS={','.join(sealing)}")
        if created:
            self.stdout.write(f"created {', '.join(created)}: their passwords are in {bootstrap.people_file}")
