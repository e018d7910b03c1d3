"""The version stands in pyproject.toml alone, and is shown where people and programs look for it."""

from __future__ import annotations

import re
import sys
import tomllib

import pytest
from django.test import Client

import manage
from config.version import project_version
from tests.checks import REPOSITORY
from tests.dashboard.api import Program
from tests.dashboard.desk_fixture import Desk


def version() -> str:
    return str(tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]["version"])


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_the_command_prints_the_version_of_the_desk_and_not_of_django(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["manage.py", *arguments])
    manage.main()
    assert capsys.readouterr().out == version() + "\n"


@pytest.mark.django_db
def test_the_login_page_shows_it() -> None:
    assert f"Tranche {version()}" in Client().get("/login/").content.decode()


def test_the_document_of_the_api_has_it(office: Desk) -> None:
    assert Program(office.trader).get("/openapi.json").json()["info"]["version"] == version()


def test_it_is_the_newest_version_of_the_changelog() -> None:
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(project_version())} \(\d{{4}}-\d\d-\d\d\)", headings[1])
