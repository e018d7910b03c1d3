"""The settings that result from the process environment."""

from __future__ import annotations

import runpy
from typing import Any

import pytest
from django.core.checks import Tags, run_checks
from pytest_django.fixtures import Settings

from config.celery import app as celery_app
from config.environment import host_names
from tests.checks import REPOSITORY

GOOD = "q" * 20 + "wertyuiop" * 5


def test_hosts_are_names_in_small_letters() -> None:
    written = [" Paper.example.com", "10.0.0.7", "fd00::7", ""]
    assert host_names("TRANCHE_PAPER_HOSTS", written) == {"paper.example.com", "10.0.0.7", "fd00::7"}
    assert host_names("TRANCHE_PAPER_HOSTS", []) == frozenset()


@pytest.mark.parametrize(
    "written", ["http://a.example.com", "a.example.com:80", "a/b", "*", ".example.com", "a b"]
)
def test_what_is_not_the_name_of_a_host_stops_the_start(written: str) -> None:
    with pytest.raises(ValueError, match=r"TRANCHE_PAPER_HOSTS has .* names of hosts"):
        host_names("TRANCHE_PAPER_HOSTS", [written])


def settings_of(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """Return the settings of a process with this environment; its logs stay as they are."""
    monkeypatch.setattr("config.logs.configure_logs", lambda *_: None)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(REPOSITORY / "config" / "settings.py"))


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SECRET_KEY": "CHANGE-ME-fifty-random-characters" * 2}, "SECRET_KEY still has 'CHANGE-ME'"),
        ({"DATABASE_URL": "postgres://tranche:CHANGE-ME@db/tranche"}, "DATABASE_URL still has 'CHANGE-ME'"),
        ({"REDIS_URL": "rediss://:change_me@redis:6379/0"}, "REDIS_URL still has 'change_me'"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY has 5 characters"),
        ({"SECRET_KEY": "x" * 60}, "60 characters, 1 different ones"),
        ({"TRANCHE_ENVIRONMENT": "live", "DEBUG": "true"}, "DEBUG is true in this live installation"),
        ({"TRANCHE_ENVIRONMENT": "testnet", "DEBUG": "true"}, "DEBUG is true in this testnet installation"),
    ],
)
def test_a_placeholder_a_weak_secret_and_debug_pages_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        settings_of(monkeypatch, **environment)
    assert "tranche:" not in str(refused.value), "what may be a secret is not repeated"


def test_the_examples_of_the_deployment_guide_do_not_start_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (REPOSITORY / "docs" / "deploy" / "tranche.env.example").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]
    given = dict(line.split("=", 1) for line in lines)
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL"):
        with pytest.raises(ValueError, match=f"{name} still has"):
            settings_of(monkeypatch, **{name: given[name]})
        monkeypatch.delenv(name)


def test_behind_tls_the_check_of_a_deployment_finds_nothing(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    made = settings_of(monkeypatch, SECURE_TLS="true", SECRET_KEY=GOOD, TRANCHE_ENVIRONMENT="live")
    assert made["SESSION_COOKIE_NAME"].startswith("__Host-tranche_session_")
    assert made["CSRF_COOKIE_NAME"].startswith("__Host-tranche_csrf_")
    assert made["SESSION_COOKIE_HTTPONLY"] is made["CSRF_COOKIE_HTTPONLY"] is True
    for name, value in made.items():
        if name.startswith(("SECURE_", "SESSION_COOKIE_", "CSRF_COOKIE_", "SECRET_KEY")):
            setattr(settings, name, value)
    found = run_checks(tags=[Tags.security], include_deployment_checks=True)
    assert [str(each) for each in found if not each.is_silenced()] == []


def test_without_tls_cookies_have_plain_names_and_no_browser_is_told_to_stay_on_https(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = settings_of(monkeypatch)
    assert made["SESSION_COOKIE_NAME"].startswith("tranche_session_")
    assert made["SECURE_HSTS_SECONDS"] == 0


def test_tasks_are_json_and_nothing_else() -> None:
    assert celery_app.conf.accept_content == ["json"]
    assert (celery_app.conf.task_serializer, celery_app.conf.result_serializer) == ("json", "json")
