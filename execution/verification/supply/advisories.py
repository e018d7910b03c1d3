"""Known vulnerabilities of the installed libraries, from a copy of the OSV database, without the network."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from execution.verification.supply.installed import Component


@dataclass(frozen=True, slots=True)
class Advisory:
    """A known vulnerability of an installed version."""

    id: str
    name: str
    version: str
    summary: str
    fixed_in: str

    def __str__(self) -> str:
        mended = f"fixed in {self.fixed_in}" if self.fixed_in else "not fixed"
        return f"{self.name} {self.version}: {self.id}, {mended}. {self.summary}".rstrip()


def read_advisories(path: Path) -> Iterator[Mapping[str, Any]]:
    """Return the entries of a zip file or of a folder of JSON files. Raises ``ValueError`` if there are none."""
    found = 0
    for text in _texts(path):
        found += 1
        yield json.loads(text)
    if not found:
        raise ValueError(f"{path} holds no advisory")


def _texts(path: Path) -> Iterator[bytes]:
    if path.is_dir():
        yield from (file.read_bytes() for file in sorted(path.rglob("*.json")))
        return
    with zipfile.ZipFile(path) as archive:
        yield from (archive.read(name) for name in sorted(archive.namelist()) if name.endswith(".json"))


def known_vulnerabilities(
    installed: Mapping[str, Component], entries: Iterable[Mapping[str, Any]]
) -> list[Advisory]:
    """Return the known vulnerabilities of the installed versions. Withdrawn ones are left out."""
    found = []
    for entry in entries:
        if entry.get("withdrawn"):
            continue
        for affected in entry.get("affected", ()):
            package = affected.get("package", {})
            one = installed.get(canonicalize_name(str(package.get("name", ""))))
            if one is None or package.get("ecosystem") != "PyPI" or not _is_affected(one.version, affected):
                continue
            summary = str(entry.get("summary", ""))
            found.append(
                Advisory(entry["id"], one.name, one.version, summary, _fix_of(one.version, affected))
            )
    return sorted(set(found), key=lambda each: (each.name, each.id))


def _is_affected(version: str, affected: Mapping[str, Any]) -> bool:
    if version in affected.get("versions", ()):
        return True
    return any(
        _is_in(Version(version), each.get("events", ()))
        for each in affected.get("ranges", ())
        if each.get("type") == "ECOSYSTEM"
    )


def _is_in(version: Version, events: Iterable[Mapping[str, str]]) -> bool:
    """Return True if a range of versions, given by its ``events``, contains ``version``.

    An ``introduced`` of 0 is before every version.
    """
    is_affected = False
    for at, event in sorted(((_version(event), event) for event in events), key=lambda pair: pair[0]):
        if "introduced" in event and version >= at:
            is_affected = True
        elif ("fixed" in event and version >= at) or ("last_affected" in event and version > at):
            is_affected = False
    return is_affected


def _version(event: Mapping[str, str]) -> Version:
    try:
        return Version(next(iter(event.values())))
    except InvalidVersion:
        return Version(
            "0"
        )  # an odd beginning counts from the first version: rather one too many than one too few


def _fix_of(version: str, affected: Mapping[str, Any]) -> str:
    fixes = [
        event["fixed"]
        for each in affected.get("ranges", ())
        if each.get("type") == "ECOSYSTEM"
        for event in each.get("events", ())
        if "fixed" in event and _version({"fixed": event["fixed"]}) > Version(version)
    ]
    return min(fixes, key=Version) if fixes else ""
