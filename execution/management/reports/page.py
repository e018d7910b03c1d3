"""The page of a report: facts, charts by Plotly, and the text that the command prints, in one file."""

from __future__ import annotations

import json
import os
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.template import Context, Engine
from django.utils.safestring import mark_safe

PARTS = Path(__file__).parent
SUFFIXES = (".html", ".htm")

#: A trace or a layout, as Plotly's script takes it. A colour is the name of a token, such as ``--buy``.
Figure = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with its title and a sentence that says what it shows."""

    title: str
    words: str
    traces: Sequence[Figure]
    layout: Figure = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"traces": list(self.traces), "layout": dict(self.layout)}


@dataclass(frozen=True, slots=True)
class Report:
    """A report of one run. ``printed`` is the text that the command prints without ``--json``."""

    title: str
    charts: Sequence[Chart]
    printed: str


def add_report_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write what was found as a page of charts, too"
    )


def check_report(path: Path | None) -> None:
    """Raise ``CommandError`` before a run if its report could not be written after it."""
    if path is None:
        return
    if path.suffix.lower() not in SUFFIXES:
        raise CommandError(f"--report {path}: its name must end with .html")
    if path.exists():
        raise CommandError(f"--report {path}: it is there already. A report replaces no file")
    if not path.absolute().parent.is_dir():
        raise CommandError(f"--report {path}: there is no folder {path.absolute().parent}")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise CommandError(f"--report {path}: the folder {path.absolute().parent} cannot be written")


def write_report(path: Path, report: Report) -> None:
    """Write the page, whole or not at all. Raise ``CommandError`` if it cannot be written."""
    text = html(report, datetime.now(UTC))
    name = ""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.absolute().parent, prefix=".", suffix=".part", delete=False
        ) as file:
            name = file.name
            file.write(text)
        os.replace(name, path)
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise CommandError(f"--report {path} cannot be written: {error}") from None


def html(report: Report, now: datetime) -> str:
    """Return the page with its styles, its script and Plotly's in it."""
    charts = [chart.to_json() for chart in report.charts]
    json.dumps(charts, allow_nan=False)  # raises here, and not in the browser of whoever reads it
    context = {
        "report": report,
        "charts": charts,
        "now": now,
        "styles": _part(Path(settings.BASE_DIR) / "static" / "css" / "tokens.css", PARTS / "page.css"),
        "plotly": _part(Path(settings.PLOTLY_SCRIPT)),
        "script": _part(PARTS / "page.js"),
    }
    template = (PARTS / "page.html").read_text(encoding="utf-8")
    return Engine.get_default().from_string(template).render(Context(context))


def _part(*paths: Path) -> str:
    return mark_safe("\n".join(path.read_text(encoding="utf-8") for path in paths))  # noqa: S308  # files of ours
