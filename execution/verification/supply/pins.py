"""The comparison of the pins in pyproject.toml with the installed versions."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from execution.verification.supply.installed import Component


@dataclass(frozen=True, slots=True)
class Project:
    """The facts of pyproject.toml: name, version, the needs of the desk and of its developers, and the pins."""

    name: str
    version: str
    runtime: tuple[str, ...]
    development: tuple[str, ...]
    pins: Mapping[str, str]
    #: Lines among the pins that do not name a single version.
    loose: tuple[str, ...]


def read_project(path: Path) -> Project:
    data: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    project = data["project"]
    pins, loose = {}, []
    for line in data["tool"]["uv"]["constraint-dependencies"]:
        requirement = Requirement(line)
        exact = [each for each in requirement.specifier if each.operator == "==" and "*" not in each.version]
        if len(exact) == len(requirement.specifier) == 1:
            pins[str(canonicalize_name(requirement.name))] = exact[0].version
        else:
            loose.append(line)
    extras = [line for lines in project.get("optional-dependencies", {}).values() for line in lines]
    groups = data.get("dependency-groups", {})
    return Project(
        name=project["name"],
        version=project["version"],
        runtime=(*project["dependencies"], *extras),
        development=tuple(line for lines in groups.values() for line in lines),
        pins=pins,
        loose=tuple(loose),
    )


def pin_problems(project: Project, installed: Mapping[str, Component]) -> list[str]:
    """Return the differences between installed and pinned versions, a line each."""
    problems = [f"{line} is no pin: it must name one version with ==" for line in project.loose]
    for name, one in installed.items():
        pinned = project.pins.get(name)
        if pinned is None:
            problems.append(f"{name} {one.version} is needed and not pinned")
        elif pinned != one.version:
            problems.append(f"{name} {one.version} is installed and {pinned} is pinned")
        if one.direct_url:
            problems.append(f"{name} {one.version} was installed from an address: {one.direct_url}")
    return problems
