"""The libraries: each pinned exactly and unchanged, listed in a bill of materials, and looked up in a copy of OSV."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from importlib.metadata import Distribution
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from execution.verification.supply import installed as reading
from execution.verification.supply.advisories import known_vulnerabilities
from execution.verification.supply.bom import bill_of_materials
from execution.verification.supply.installed import Component, Missing, changed_files, components_of
from execution.verification.supply.pins import Project, pin_problems, read_project
from tests.checks import REPOSITORY


@pytest.fixture(scope="module")
def project() -> Project:
    return read_project(REPOSITORY / "pyproject.toml")


@pytest.fixture(scope="module")
def installed(project: Project) -> dict[str, Component]:
    return components_of((*project.runtime, *project.development))


def command(*arguments: str) -> str:
    said = StringIO()
    call_command("packages", *arguments, stdout=said, stderr=StringIO())
    return said.getvalue()


# --- pins ----------------------------------------------------------------------------------------------


def test_every_library_is_pinned_exactly_and_is_the_one_that_is_pinned(
    project: Project, installed: dict[str, Component]
) -> None:
    assert pin_problems(project, installed) == []
    assert len(installed) > 100
    assert {"django", "ccxt", "psycopg-binary", "hiredis", "packaging"} <= set(installed)


def test_another_version_no_pin_a_loose_one_and_an_address_are_said(project: Project) -> None:
    one = components_of(["segno"])["segno"]
    pinned = replace(project, pins={"segno": one.version})
    assert pin_problems(pinned, {"segno": one}) == []
    other = replace(one, version="0.1", direct_url='{"url": "https://example.com"}')
    assert pin_problems(
        replace(pinned, loose=("redis>=5",)), {"segno": other, "left": replace(one, name="left")}
    ) == [
        "redis>=5 is no pin: it must name one version with ==",
        f"segno 0.1 is installed and {one.version} is pinned",
        'segno 0.1 was installed from an address: {"url": "https://example.com"}',
        f"left {one.version} is needed and not pinned",
    ]


def test_a_pin_that_names_no_single_version_is_loose(tmp_path: Path) -> None:
    text = (REPOSITORY / "pyproject.toml").read_text()
    loose = ["segno==1.*", "redis>=5", "celery==5.5,<6"]
    lines = "".join(f'    "{line}",\n' for line in loose)
    changed = text.replace("constraint-dependencies = [\n", f"constraint-dependencies = [\n{lines}")
    (tmp_path / "pyproject.toml").write_text(changed)
    assert list(read_project(tmp_path / "pyproject.toml").loose) == loose


def test_what_is_missing_is_said_with_who_needs_it() -> None:
    with pytest.raises(Missing, match="no-such-library is not installed, and the desk needs it"):
        components_of(["no-such-library"])


def test_a_file_that_was_changed_or_is_gone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "thing-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    (tmp_path / "thing.py").write_text("is_fine = True\n")
    digest = "H-rSeU8VbeS5E0iH1pHTwpOdxJbQcCrQ9xGqPyB5vvs"
    (folder / "RECORD").write_text(
        f"thing.py,sha256={digest},15\nother.py,sha256={digest},15\nthing-1.0.dist-info/RECORD,,\n"
    )
    monkeypatch.setattr(reading, "distribution", lambda _: Distribution.at(folder))
    assert changed_files(["thing"]) == ["thing: thing.py was changed", "thing: other.py is gone"]
    assert changed_files([]) == []


def test_the_files_of_a_library_are_as_its_record_has_them() -> None:
    assert changed_files(["segno", "pyotp", "zxcvbn"]) == []


# --- the bill of materials -------------------------------------------------------------------------------


def test_the_bill_of_materials_names_every_library_once_and_what_needs_what(
    project: Project, installed: dict[str, Component]
) -> None:
    runtime = components_of(project.runtime)
    bill = json.loads(command("bom"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    own = bill["metadata"]["component"]
    assert (own["name"], own["version"]) == ("tranche", project.version)
    refs = [each["bom-ref"] for each in bill["components"]]
    assert len(refs) == len(set(refs)) == len(runtime)
    assert all(re.fullmatch(r"pkg:pypi/[a-z0-9-]+@[^@\s]+", ref) for ref in refs)
    needs = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    assert set(needs) == {*refs, own["bom-ref"]}
    assert {ref for listed in needs.values() for ref in listed} == set(refs), "each is needed by something"
    redis = runtime["redis"]
    assert "hiredis" in redis.needs, "an extra counts"
    assert [each["name"] for each in bill["components"] if "licenses" not in each] == []
    assert "pytest" not in runtime
    assert "pytest" in installed
    assert bill_of_materials(project, runtime) == bill, "the same libraries give the same bill"


# --- known vulnerabilities -------------------------------------------------------------------------------


def entry(name: str, events: list[dict[str, str]], **more: Any) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": "PyPI", "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    return {"id": "OSV-1", "summary": "Reads beyond its end.", "affected": [affected]} | more


def of(version: str, *entries: dict[str, Any]) -> list[str]:
    one = Component("some-thing", version, "MIT", (), "")
    return [str(each) for each in known_vulnerabilities({"some-thing": one}, entries)]


@pytest.mark.parametrize(
    ("events", "affected", "fine"),
    [
        ([{"introduced": "0"}, {"fixed": "2.0"}], ["0.1", "1.9.9", "2.0rc1"], ["2.0", "2.1"]),
        ([{"introduced": "1.0"}, {"last_affected": "1.5"}], ["1.0", "1.5"], ["0.9", "1.5.1"]),
        (
            [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2.0"}, {"fixed": "2.3"}],
            ["1.1", "2.0", "2.2"],
            ["1.2", "1.9", "2.3"],
        ),
        ([{"introduced": "3.0"}], ["3.0", "9"], ["2.9"]),
        ([{"fixed": "2.0"}, {"introduced": "0"}], ["1.0"], ["2.0"]),
    ],
)
def test_a_version_is_affected_from_where_it_began_to_where_it_was_fixed(
    events: list[dict[str, str]], affected: list[str], fine: list[str]
) -> None:
    assert [version for version in affected if not of(version, entry("Some_Thing", events))] == []
    assert [version for version in fine if of(version, entry("some-thing", events))] == []


def test_an_advisory_is_said_with_its_fix_and_what_was_withdrawn_or_is_elsewhere_is_not() -> None:
    events = [{"introduced": "0"}, {"fixed": "2.0"}]
    assert of("1.0", entry("some-thing", events)) == [
        "some-thing 1.0: OSV-1, fixed in 2.0. Reads beyond its end."
    ]
    assert of("1.0", entry("some-thing", events, withdrawn="2026-01-01T00:00:00Z")) == []
    elsewhere = entry("some-thing", events)
    elsewhere["affected"][0]["package"]["ecosystem"] = "npm"
    assert of("1.0", elsewhere) == []
    listed = entry("some-thing", [])
    listed["affected"][0]["versions"] = ["1.0"]
    assert of("1.0", listed) == ["some-thing 1.0: OSV-1, not fixed. Reads beyond its end."]


def test_the_audit_reads_a_copy_and_ends_with_status_1_when_something_is_known(tmp_path: Path) -> None:
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("OSV-2.json", json.dumps(entry("nobody-has-this", [{"introduced": "0"}])))
    assert "nothing is known against" in command("audit", "--advisories", str(archive))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "OSV-1.json").write_text(json.dumps(entry("Django", [{"introduced": "0"}])))
    with pytest.raises(CommandError, match="1 problems"):
        command("audit", "--advisories", str(tmp_path / "folder"))


def test_an_audit_without_advisories_is_no_audit(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no archive")
    for name, words in (
        ("empty", "holds no advisory"),
        ("nowhere", "No such file"),
        ("text", "not a zip file"),
    ):
        with pytest.raises(CommandError, match=words):
            command("audit", "--advisories", str(tmp_path / name))
