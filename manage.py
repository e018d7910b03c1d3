#!/usr/bin/env python
"""Django's command line for Tranche."""

import os
import signal
import sys


def take_var(arguments: list[str]) -> None:
    """Make ``--var FOLDER`` of the desk ``TRANCHE_VAR``: the settings are read before a command starts."""
    for position, argument in enumerate(arguments):
        if argument.startswith("--var="):
            os.environ["TRANCHE_VAR"] = argument.removeprefix("--var=")
        elif argument == "--var" and position + 1 < len(arguments):
            os.environ["TRANCHE_VAR"] = arguments[position + 1]


def main() -> None:
    if sys.argv[1:] in (["version"], ["--version"]):  # Django would print its own
        from config.version import project_version

        sys.stdout.write(project_version() + "\n")
        return
    if sys.argv[1:2] == ["desk"]:
        from execution.launcher.parent_death import follow_uv

        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing runs yet: no traceback at an early Ctrl-C
        follow_uv()  # before Django loads: uv may be killed while it does
        take_var(sys.argv[2:])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
