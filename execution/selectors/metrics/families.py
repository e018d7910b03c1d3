"""Metrics in the text format of Prometheus, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "tranche_"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Number = int | float | Decimal


@dataclass(slots=True)
class Family:
    """A metric with a sample for each set of labels. Every metric is a gauge, because its values may fall."""

    name: str
    about: str
    samples: list[tuple[Mapping[str, str], Number]] = field(default_factory=list)

    def add(self, value: Number | None, **labels: str) -> None:
        """Add a sample. An unknown value adds nothing."""
        if value is not None:
            self.samples.append((labels, value))

    def text(self) -> str:
        lines = [f"# HELP {PREFIX}{self.name} {self.about}", f"# TYPE {PREFIX}{self.name} gauge"]
        lines += [f"{PREFIX}{self.name}{_labels(labels)} {float(value)!r}" for labels, value in self.samples]
        return "\n".join(lines) + "\n"


def exposition(families: Iterable[Family]) -> str:
    """Return the metrics as one text, in the format that Prometheus reads."""
    return "".join(family.text() for family in families)


def seconds_since(moment: datetime | None, now: datetime) -> float | None:
    """Return the age of a moment in seconds; None if the moment is unknown."""
    return None if moment is None else (now - moment).total_seconds()


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in labels.items())
    return f"{{{inner}}}" if inner else ""
