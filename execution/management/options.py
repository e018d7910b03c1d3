"""Options of commands: whole numbers with defaults and bounds. Also the handling of SIGTERM."""

from __future__ import annotations

import signal
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management import CommandError

from execution.core.numbers import whole_number


def add_numbers(parser: ArgumentParser, **numbers: tuple[int, str]) -> None:
    """Add an option for each whole number.

    ``numbers`` maps an option's name to its default and its meaning in words.
    """
    for name, (default, words) in numbers.items():
        flag, text = f"--{name.replace('_', '-')}", f"{words} (default {default})"
        parser.add_argument(flag, type=whole_number, default=default, help=text)


def check_bounds(options: Mapping[str, Any], **bounds: tuple[float, float]) -> None:
    """Raise ``CommandError`` if an option is below the first or above the second number of its bounds."""
    for name, (least, most) in bounds.items():
        if not least <= options[name] <= most:
            raise CommandError(f"--{name} {options[name]}: it must be {least} to {most}")


def end_on_sigterm() -> None:
    """Raise ``SystemExit`` at SIGTERM, so that a command stops what it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
