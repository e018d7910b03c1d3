"""The distributions that are installed here, and those that a list of requirements needs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: The length of a licence's name. A longer text is the whole licence.
MAX_LICENSE = 80


@dataclass(frozen=True, slots=True)
class Component:
    """An installed distribution. ``needs`` are the names of the distributions that it requires on this machine."""

    name: str
    version: str
    license: str
    needs: tuple[str, ...]
    #: The address from which it was installed, or an empty text if it came from a registry.
    direct_url: str


class Missing(Exception):
    """A distribution that is required is not installed."""


def components_of(requirements: Iterable[str]) -> dict[str, Component]:
    """Return the distributions that the requirements need on this machine, by name. Raises ``Missing``."""
    found: dict[str, Component] = {}
    waiting = [(each, "") for each in map(Requirement, requirements) if _applies(each, "")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, wanted_by = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            installed = _installed(name, wanted_by)
            needed = [each for each in map(Requirement, installed.requires or ()) if _applies(each, extra)]
            former = found[name].needs if name in found else ()
            found[name] = _component(name, installed, former, needed)
            waiting += [(each, name) for each in needed]
    return dict(sorted(found.items()))


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _installed(name: str, wanted_by: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise Missing(f"{name} is not installed, and {wanted_by or 'the desk'} needs it") from None


def _component(
    name: str, installed: Distribution, former: tuple[str, ...], needed: Iterable[Requirement]
) -> Component:
    needs = {*former, *(str(canonicalize_name(each.name)) for each in needed)}
    return Component(
        name=name,
        version=installed.version,
        license=_license(installed),
        needs=tuple(sorted(needs - {name})),
        direct_url=installed.read_text("direct_url.json") or "",
    )


def _license(installed: Distribution) -> str:
    """Return the licence that the distribution's metadata names, or an empty text."""
    told = installed.metadata
    fields = told.json
    text = str(fields.get("license_expression") or fields.get("license") or "")
    if text and len(text) <= MAX_LICENSE and "\n" not in text:
        return text
    marks = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or () if "License ::" in line]
    return " AND ".join(marks)


def changed_files(names: Iterable[str]) -> list[str]:
    """Return the installed files of these distributions that are missing, or differ from what the distribution
    recorded.
    """
    return [line for name in names for line in _changed_of(distribution(name))]


def _changed_of(installed: Distribution) -> list[str]:
    found = []
    for file in installed.files or ():
        if file.hash is None or file.hash.mode != "sha256":
            continue
        try:
            told = hashlib.sha256(file.read_binary()).digest()
        except OSError:
            found.append(f"{installed.name}: {file} is gone")
            continue
        if base64.urlsafe_b64encode(told).rstrip(b"=").decode() != file.hash.value:
            found.append(f"{installed.name}: {file} was changed")
    return found
