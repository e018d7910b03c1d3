"""The version of this program, read from ``pyproject.toml``, its only source."""

from __future__ import annotations

import tomllib

from config.environment import BASE_DIR


def project_version() -> str:
    """Return the version that the project's own file gives. Raises ``KeyError`` where it gives none."""
    with (BASE_DIR / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
