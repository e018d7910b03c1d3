"""``manage.py packages``: check and list the desk's libraries, without the network (docs/how-to/deployment.md)."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from execution.verification.supply.advisories import known_vulnerabilities, read_advisories
from execution.verification.supply.bom import bill_of_materials
from execution.verification.supply.installed import Component, Missing, changed_files, components_of
from execution.verification.supply.pins import Project, pin_problems, read_project


class Command(BaseCommand):
    help = (
        "Check the libraries against the pins, write the bill of materials, look for known vulnerabilities."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name, words in (
            ("bom", "write the bill of materials: CycloneDX, JSON"),
            ("pins", "compare what is installed with the pins, and each file with its distribution's record"),
            ("audit", "look for what is installed in a copy of the OSV database"),
        ):
            each = actions.add_parser(name, help=words)
            each.add_argument("--dev", action="store_true", help="with the libraries of developers")
            if name == "audit":
                each.add_argument(
                    "--advisories", type=Path, required=True, help="a zip file or a folder of JSON"
                )

    def handle(self, *_args: Any, **options: Any) -> None:
        project = read_project(Path(settings.BASE_DIR) / "pyproject.toml")
        wanted = (*project.runtime, *(project.development if options["dev"] else ()))
        try:
            installed = components_of(wanted)
        except Missing as error:
            raise CommandError(str(error)) from error
        if options["action"] == "bom":
            self.stdout.write(json.dumps(bill_of_materials(project, installed), indent=2))
        elif options["action"] == "pins":
            self._pins(project, installed)
        else:
            self._audit(installed, options["advisories"])

    def _pins(self, project: Project, installed: Mapping[str, Component]) -> None:
        self._end(
            [*pin_problems(project, installed), *changed_files(installed)],
            f"{len(installed)} libraries are those that are pinned, and their files are as their records have them",
        )

    def _audit(self, installed: Mapping[str, Component], path: Path) -> None:
        try:
            found = known_vulnerabilities(installed, read_advisories(path))
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise CommandError(f"the advisories cannot be read: {error}") from error
        self._end([str(each) for each in found], f"nothing is known against {len(installed)} libraries")

    def _end(self, problems: Sequence[str], all_well: str) -> None:
        """Print each problem on its own line. End with status 1 if there is one, else print ``all_well``."""
        for problem in problems:
            self.stderr.write(problem)
        if problems:
            raise CommandError(f"{len(problems)} problems")
        self.stdout.write(all_well)
