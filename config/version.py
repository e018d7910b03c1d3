"""The version of this program, read from ``pyproject.toml``, its only source."""

from __future__ import annotations

import tomllib

from config.environment import BASE_DIR


def project_version() -> str:
    """Return the version in ``pyproject.toml``. Raises ``KeyError`` if it has none."""
    with (BASE_DIR / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])
