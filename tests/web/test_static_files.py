"""The pages' files as the web process serves them: hashed, compressed, and kept by a browser for ever."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from config import static_files
from config.static_files import PageFiles, collect_static
from tests.dashboard.desk_fixture import Desk
from tests.web.process import browser, running_web

IMPORT = re.compile(r'(?:from|import) "(\.[^"]+)"')
HASHED = re.compile(r"\.[0-9a-f]{12}\.\w+$")


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Return the folder for the collected files, which is not there yet."""
    settings.STATIC_ROOT = tmp_path / "static"
    return tmp_path / "static"


def test_each_import_of_a_collected_script_leads_to_a_collected_script(folder: Path) -> None:
    collect_static()
    scripts = list((folder / "js").rglob("*.js"))
    assert len(scripts) > 70
    imports = [
        (script, script.parent / name) for script in scripts for name in IMPORT.findall(script.read_text())
    ]
    assert len(imports) > 150
    assert [
        (script, file) for script, file in imports if not HASHED.search(file.name) or not file.is_file()
    ] == []


def test_plotly_is_a_quarter_of_its_size(folder: Path) -> None:
    collect_static()
    (plotly,) = folder.glob("plotly.min.*.js")
    packed = plotly.with_name(plotly.name + ".br").stat().st_size
    assert packed < 0.27 * plotly.stat().st_size
    assert packed < 1_300_000


def test_files_are_collected_again_only_when_a_source_has_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect_static()
    (plotly,) = folder.glob("plotly.min.*.js")
    stale = folder / "stale.js"
    stale.touch()
    collect_static()
    assert stale.exists()
    monkeypatch.setattr(static_files, "fingerprint", lambda: "another")
    collect_static()
    assert not stale.exists()
    assert plotly.is_file()


def test_without_room_on_the_disk_pages_name_the_files_of_the_repository(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        (folder / "half").touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(static_files, "call_command", full)
    collect_static()
    assert list(folder.iterdir()) == []
    assert PageFiles().url("js/pages/shell.js") == "/static/js/pages/shell.js"


@pytest.mark.real_process
@pytest.mark.django_db(transaction=True)
def test_a_browser_gets_compressed_files_once_and_keeps_them(
    office: Desk, tmp_path: Path, redis_url: str
) -> None:
    with running_web(tmp_path, redis_url) as web:
        page = web.ask("/orders/new/", browser(office, office.trader)).body.decode()
        names = set(re.findall(r'/static/([^"]+)', page))
        assert any(name.startswith("plotly.min.") for name in names)
        assert [name for name in names if not HASHED.search(name)] == []
        for name in names:
            answer = web.ask(f"/static/{name}", {"Accept-Encoding": "br, gzip"})
            assert (answer.status, answer.headers["Cache-Control"]) == (
                200,
                "max-age=315360000, public, immutable",
            )
            assert (
                answer.headers["Content-Encoding"] == "br" or int(answer.headers["Content-Length"]) < 500
            ), name
