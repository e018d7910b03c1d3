"""``manage.py route``: show the smart order router's split over books from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.problems import Refused
from execution.core.routing.book_files import read_number, route_answer, route_books
from execution.core.strict_json import read_json
from execution.core.types import Side


class Command(BaseCommand):
    help = "Split a quantity over the books in a file: most of it first, then the best cash after fees."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--books", type=Path, required=True, metavar="FILE.json")
        parser.add_argument("--side", choices=[side.value for side in Side], required=True)
        parser.add_argument("--quantity", required=True, help="base currency, above 0")
        parser.add_argument("--json", action="store_true", help="the answer as JSON")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        try:
            quantity = read_number("--quantity", options["quantity"], may_be_zero=False)
            found = route_books(_read(options["books"]), Side(options["side"]), quantity)
        except Refused as refusal:
            raise CommandError("\n".join(problem.message for problem in refusal.problems)) from None
        answer = route_answer(found)
        self.stdout.write(json.dumps(answer) if options["json"] else _text(answer, found.why))


def _read(path: Path) -> Any:
    try:
        return read_json(path.read_bytes(), exact=True)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}") from None


def _text(answer: dict[str, Any], why: str) -> str:
    lines = [f"{'venue':<16}{'gets':>20}{'alone, net cash':>28}"]
    for name, cash in answer["single_venue"].items():
        lines.append(f"{name:<16}{answer['allocation'].get(name, '-'):>20}{cash or '-':>28}")
    figures = ("filled", "unfilled", "net_cash", "average_price")
    lines += [f"{name.replace('_', ' '):<16}{answer[name] or '-':>20}" for name in figures]
    return "\n".join([*lines, why])
