"""``manage.py story ORDER``: print the events of one order from all processes (docs/how-to/monitoring.md)."""

from __future__ import annotations

import json
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.texts import visible
from execution.selectors.orders.story import Event, order_by_name, order_story


class Command(BaseCommand):
    help = "Print what happened to an order, oldest first: its journal, children, fills, polls and audit. Reads only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("order", metavar="ORDER", help="its id, or the number that engines log as order=")
        parser.add_argument(
            "--json", action="store_true", help="a JSON object a line, with all that is known"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        order = order_by_name(options["order"])
        if order is None:
            raise CommandError(f"there is no order {options['order']!r}")
        if not options["json"]:
            self.stdout.write(
                visible(f"{order}: {order.status}, filled {order.filled}, logged as order={order.pk}")
            )
        for event in order_story(order):
            self.stdout.write(_json(event) if options["json"] else _line(event))


def _line(event: Event) -> str:
    at = event.at.isoformat(timespec="milliseconds").removesuffix("+00:00")
    child = f" [{event.child}]" if event.child else ""
    return visible(f"{at}Z {event.source:<7} {event.actor}{child} {event.text}")


def _json(event: Event) -> str:
    found = {
        "at": event.at.isoformat(),
        "source": event.source,
        "actor": event.actor,
        "child": event.child or None,
        "text": event.text,
        "data": event.data,
    }
    return json.dumps(found, default=str)
