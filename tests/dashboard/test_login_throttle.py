"""Guesses at logins (A6): held off per name, address and over all, and they lock nobody else out."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from config.environment import networks
from dashboard import login
from execution.core.alerts.kinds import AlertKind
from execution.core.guessing import OF_ADDRESS, OF_NAME
from execution.models import Alert, AuditEntry, KnownBrowser
from execution.selectors.alerts import doors
from execution.selectors.alerts.doors import logins_attacked
from execution.services.alerts.watching import findings_apply
from tests.dashboard.desk_fixture import PASSWORD, Desk


def attempt(name: str, password: str, address: str, client: Client | None = None, **headers: Any) -> int:
    """Return the status: 200 is a wrong password, 429 held off, 302 in."""
    fields = {"username": name, "password": password}
    response = (client or Client()).post("/login/", fields, REMOTE_ADDR=address, headers=headers)
    return response.status_code


def guess(name: str, address: str, times: int = 1, **headers: Any) -> Counter[int]:
    return Counter(attempt(name, f"wrong {number}", address, **headers) for number in range(times))


def test_a_name_is_guessed_at_from_seven_addresses_and_its_person_still_gets_in(office: Desk) -> None:
    known = Client()
    assert attempt("supervisor", PASSWORD, "203.0.113.1", known) == 302
    known.post("/logout/")
    judged = Counter[int]()
    for number in range(1, 8):  # 63 guesses were all judged before
        judged += guess("supervisor", f"198.51.100.{number}", 9)
    assert judged[200] <= OF_NAME + 7 * login.WHILE_GUESSED_AT
    assert judged[429] >= 30
    assert attempt("supervisor", PASSWORD, "203.0.113.77") == 302, "elsewhere, at once"
    assert attempt("supervisor", PASSWORD, "198.51.100.1", known) == 302, "a known browser among the guesses"
    assert attempt("trader", PASSWORD, "203.0.113.77") == 302, "somebody else"
    assert AuditEntry.objects.filter(kind="login.guessed_at", subject="supervisor").count() == 1


def test_sixty_names_from_one_address_are_held_off(office: Desk) -> None:
    judged = Counter(attempt(f"name{number}", "wrong", "198.51.100.9") for number in range(60))
    assert judged == {200: OF_ADDRESS - 1, 429: 60 - OF_ADDRESS + 1}
    assert attempt("trader", PASSWORD, "198.51.100.9") == 429
    assert attempt("trader", PASSWORD, "198.51.100.10") == 302


def test_behind_a_proxy_that_is_not_named_a_known_browser_is_not_locked_out(office: Desk) -> None:
    """Everybody has the proxy's address there: ten guesses locked a supervisor out."""
    known = Client()
    assert attempt("supervisor", PASSWORD, "127.0.0.1", known) == 302
    known.post("/logout/")
    assert guess("supervisor", "127.0.0.1", 40)[429] > 0
    assert attempt("supervisor", PASSWORD, "127.0.0.1", known) == 302


def test_a_forged_forwarded_address_is_ignored(office: Desk) -> None:
    for number in range(12):
        guess("trader", "198.51.100.9", X_Forwarded_For=f"203.0.113.{number}")
    assert attempt("trader", PASSWORD, "198.51.100.9", X_Forwarded_For="203.0.113.99") == 429


def test_of_a_trusted_proxy_the_right_end_counts(office: Desk, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = networks("TRUSTED_PROXIES", ["10.0.0.0/24"])
    for number in range(12):  # the client writes the left part, the proxy adds the right one
        guess("trader", "10.0.0.5", X_Forwarded_For=f"203.0.113.{number}, 198.51.100.9, 10.0.0.7")
    assert attempt("trader", PASSWORD, "10.0.0.5", X_Forwarded_For="198.51.100.9") == 429
    assert attempt("trader", PASSWORD, "10.0.0.5", X_Forwarded_For="198.51.100.9, 203.0.113.4") == 302


def test_a_known_browser_answers_for_its_own_guesses(office: Desk) -> None:
    known = Client()
    attempt("trader", PASSWORD, "203.0.113.1", known)
    known.post("/logout/")
    tried = [attempt("trader", "wrong", f"203.0.113.{number}", known) for number in range(12)]
    assert tried == [200] * 9 + [429] * 3
    assert attempt("trader", PASSWORD, "203.0.113.50", known) == 429
    assert KnownBrowser.objects.get().failures == 10
    stranger = Client()
    stranger.cookies.update(known.cookies)
    assert attempt("supervisor", PASSWORD, "203.0.113.50", stranger) == 302, "it is known of one person alone"


def test_many_failures_over_all_are_said_and_leave_strangers_few_tries(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "OF_ALL", 15)
    with capture_logs() as said:
        for number in range(16):
            guess(f"name{number}", f"198.51.100.{number}")
    assert [entry["event"] for entry in said if entry["log_level"] == "error"] == [
        "many logins fail: the desk is guessed at"
    ]
    assert guess("trader", "198.51.100.200", 5) == {200: 2, 429: 3}
    assert attempt("trader", PASSWORD, "198.51.100.201") == 302


# --- and people are told -------------------------------------------------------------------------------


def attacked(later: timedelta = timedelta(0)) -> dict[str, str]:
    return {found.subject: found.text for found in logins_attacked(timezone.now() + later)}


def test_guesses_raise_one_alert_that_names_what_is_guessed_at_and_ends_by_itself(office: Desk) -> None:
    """Three sides of one attack are one alert; a name that nobody has may be a password, and is not told."""
    for number in range(1, 4):
        guess("supervisor", f"198.51.100.{number}", 9)
    assert list(attacked()) == ["name supervisor"]
    for name in ("hunter2-is-my-password", "no-such-person"):
        for number in range(1, 4):
            guess(name, f"198.51.100.{number}", 9)
    now = timezone.now()
    findings_apply(findings=logins_attacked(now), critical_after=timedelta(minutes=2), now=now)
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.trader) == (AlertKind.LOGINS_ATTACKED, "warning", None)
    subjects = set(alert.subjects.values_list("key", flat=True))
    assert {"name supervisor", "unknown name"} <= subjects
    texts = "".join(alert.subjects.values_list("text", flat=True))
    assert "logins as supervisor have failed within 15 min" in texts
    assert "hunter2" not in texts
    later = timedelta(minutes=16)
    assert attacked(later) == {}
    for seconds in (0, 31):
        over = now + later + timedelta(seconds=seconds)
        findings_apply(findings=[], critical_after=timedelta(minutes=2), now=over)
    alert.refresh_from_db()
    assert alert.ended_at is not None


def test_an_address_with_many_names_and_a_whole_desk_are_told(
    office: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        attempt(f"name{number}", "wrong", "198.51.100.9")
    assert list(attacked()) == ["address 198.51.100.9"]
    assert attacked()["address 198.51.100.9"] == "30 logins from 198.51.100.9 have failed within 15 min"
    monkeypatch.setattr(doors, "OF_ALL", 30)
    assert attacked()["desk"] == "30 logins have failed within 15 min: the desk is guessed at"


def test_some_wrong_passwords_are_no_attack(office: Desk) -> None:
    guess("trader", "198.51.100.9", 9)
    guess("supervisor", "198.51.100.10", 9)
    assert attacked() == {}


def test_there_is_one_way_in(office: Desk) -> None:
    response = Client().get("/admin/login/?next=/admin/")
    assert (response.status_code, response.headers["Location"]) == (302, "/login/?next=/admin/")
