"""``manage.py api_token USER``: create a bearer token for the API and print it, alone, this one time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from execution.core.problems import Refused
from execution.models import Scope, User
from execution.services.desk.tokens import DEFAULT_LIFETIME, MAX_LIFETIME, token_create


class Command(BaseCommand):
    help = "Make an API token for a person and print it, alone and once. Only its hash is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="USER", help="the person's name")
        parser.add_argument("--name", default="", help="what it is for, as the person's page shows it")
        parser.add_argument(
            "--days",
            type=int,
            default=DEFAULT_LIFETIME.days,
            help=f"how long it is valid (default {DEFAULT_LIFETIME.days}, at most {MAX_LIFETIME.days})",
        )

        parser.add_argument(
            "--scopes", default=",".join(Scope.values), help="read, trade, halt, with commas (default all)"
        )
        parser.add_argument(
            "--from", dest="addresses", default="", help="addresses and networks, with commas (default any)"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        person = User.objects.filter(username=options["user"]).first()
        if person is None:
            names = ", ".join(User.objects.order_by("username").values_list("username", flat=True))
            raise CommandError(f"there is no person {options['user']!r}; there are {names or 'none'}")
        try:
            # An absurd number of days would not even be a timedelta.
            lifetime = timedelta(days=max(-1, min(options["days"], MAX_LIFETIME.days * 100)))
            _, text = token_create(
                person=person,
                name=options["name"],
                lifetime=lifetime,
                scopes=_separated(options["scopes"]),
                addresses=_separated(options["addresses"]),
                now=timezone.now(),
            )
        except Refused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(text)


def _separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
