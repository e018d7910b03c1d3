"""``manage.py why CHILD``: print the inputs of a child's decision, and check that they still give that decision."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from execution.core.numbers import grouped
from execution.core.orders.view import PlaceChild
from execution.selectors.decisions.why import Verdict, child_why

#: Exit codes other than 0: the child or its stored view is missing, and the check gives another decision.
NOTHING, DIFFERENT = 1, 3


class Command(BaseCommand):
    help = "Decide again on what a child was decided on, and compare (docs/reference/journal.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("child", help="its client id, or the order's id, a slash and the child's number")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        why = child_why(options["child"])
        if why is None:
            raise CommandError(f"there is no child {options['child']}", returncode=NOTHING)
        self.stdout.write(f"child {why.child}")
        for name, words in why.inputs:
            self.stdout.write(f"  {name:<18} {words}")
        self.stdout.write(f"recorded    {_words(why.recorded)}")
        if why.decided is not None:
            self.stdout.write(f"decided now {_words(why.decided)}")
        if why.verdict is not Verdict.SAME:
            code = NOTHING if why.verdict is Verdict.NOT_KEPT else DIFFERENT
            raise CommandError(f"{why.verdict}: {why.problem}", returncode=code)
        self.stdout.write("the same command")


def _words(command: PlaceChild) -> str:
    price = "the market" if command.price is None else grouped(command.price)
    return (
        f"{command.purpose} {grouped(command.quantity)} at {price} on {command.account}, "
        f"{command.type}, {command.time_in_force}: {command.why}"
    )
