"""``manage.py journal``: verify the chains of journals and audit, or print their heads.

It also prints the SQL that gives the application's role its rights on PostgreSQL.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from execution.models.append_only import rights_sql
from execution.payloads.journal import BreakRow
from execution.selectors.chains import (
    audit_breaks,
    audit_count,
    break_words,
    heads,
    heads_breaks,
    orders_verify,
)
from execution.selectors.retained import orders_dropped

#: Exit codes other than 0: a chain is broken, and the command could not be carried out.
BROKEN, FAILED = 3, 1


class Command(BaseCommand):
    help = "The chains of the orders' journal and of the audit (docs/reference/journal.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, title="what to do")
        verify = verbs.add_parser("verify", help="name each entry that is changed, missing or out of order")
        verify.add_argument("--heads", type=Path, metavar="FILE", help="heads that were written out before")
        write = verbs.add_parser("heads", help="write out the heads of all chains")
        write.add_argument(
            "--out", type=Path, required=True, metavar="FILE", help="a new file; - for the output"
        )
        rights = verbs.add_parser("rights", help="print the SQL for the application's role on PostgreSQL")
        rights.add_argument("role", help="the role that web and workers log in as; not the tables' owner")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        verbs = {"verify": self._verify, "heads": self._heads, "rights": self._rights}
        verbs[options["verb"]](options)

    def _verify(self, options: dict[str, Any]) -> None:
        broken, orders, entries = 0, 0, audit_count()
        for one in audit_breaks():
            broken += self._say(one)
        after: int | None = 0
        while after is not None:
            block = orders_verify(after=after)
            after, orders, entries = block.last, orders + block.orders, entries + block.entries
            for one in block.breaks:
                broken += self._say(one)
        if options["heads"] is not None:
            for one in heads_breaks(_lines(options["heads"]), orders_dropped()):
                broken += self._say(one)
        self.stdout.write(f"{entries:,} entries of {orders:,} orders and the audit: {broken:,} breaks")
        if broken:
            raise CommandError(f"the journal is broken: {broken:,} breaks", returncode=BROKEN)

    def _say(self, one: BreakRow) -> int:
        self.stdout.write(break_words(one))
        return 1

    def _heads(self, options: dict[str, Any]) -> None:
        path: Path = options["out"]
        if str(path) == "-":
            for line in _written():
                self.stdout.write(line)
            return
        count = 0
        try:
            with path.open("x", encoding="utf-8") as file:
                for line in _written():
                    file.write(f"{line}\n")
                    count += 1
        except OSError as error:
            raise CommandError(f"the heads cannot be written: {error}", returncode=FAILED) from error
        self.stdout.write(f"{count:,} heads in {path}")

    def _rights(self, options: dict[str, Any]) -> None:
        for statement in rights_sql(options["role"]):
            self.stdout.write(statement)


def _written() -> Iterator[str]:
    return (json.dumps(head) for head in heads())


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            yield from map(_head, file)
    except (OSError, ValueError) as error:
        raise CommandError(f"the heads of {path} cannot be read: {error}", returncode=FAILED) from error


def _head(line: str) -> dict[str, Any]:
    head: dict[str, Any] = json.loads(line)
    needed = {"chain", "version", "hash"} | ({"order"} if head.get("chain") == "order" else set())
    if not needed <= set(head):
        raise ValueError(f"{line.strip()[:80]!r} is no head")
    return head
