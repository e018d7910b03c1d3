"""Alerts without a database: grouping, ends, patience, pauses, signatures and the addresses of channels."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import apprise
import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.core.addresses import Network
from execution.core.alerts.channels import apprise_url, read_target, refusal_now
from execution.core.alerts.delivery import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    AlertEvent,
    Takes,
    is_wanted,
    pause_after,
    signature,
)
from execution.core.alerts.grouping import Finding, Patience, by_group, ends_at, moves_of
from execution.core.alerts.kinds import EVENT_ENDS_AFTER, QUIET, AlertKind, Severity
from execution.core.problems import Refused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEYS = st.sampled_from("abcdefgh")
LIVE = Network("live", alert_hosts=frozenset({"hooks.example.com", "mail.example.com"}))
MAIL = {
    "host": "mail.example.com",
    "security": "starttls",
    "user": "desk@example.com",
    "password": "a:b/c@d",
    "sender": "desk@example.com",
    "to": "night@example.com",
}


def finding(subject: str, kind: AlertKind = AlertKind.BEHIND_SCHEDULE, scope: str = "trader 1") -> Finding:
    return Finding(kind, subject, f"{subject} is late", scope)


@given(known=st.dictionaries(KEYS, st.one_of(st.none(), st.just(NOW))), found=st.sets(KEYS))
def test_moves_lead_from_what_is_known_to_what_is_found(
    known: dict[str, datetime | None], found: set[str]
) -> None:
    moves = moves_of(known, [finding(key) for key in found])
    present = {key for key, gone_at in known.items() if gone_at is None}
    assert (present | {one.subject for one in moves.appeared} | set(moves.returned)) - set(
        moves.left
    ) == found
    assert bool(moves) == (present != found)


def test_a_storm_of_one_kind_and_trader_is_one_group() -> None:
    storm = [finding(str(number)) for number in range(500)]
    other = finding("1", scope="trader 2")
    assert {key: len(group) for key, group in by_group([*storm, other]).items()} == {
        "behind_schedule:trader 1": 500,
        "behind_schedule:trader 2": 1,
    }


def test_a_condition_ends_after_its_last_subject_and_an_event_after_its_acknowledgement() -> None:
    behind, late = AlertKind.BEHIND_SCHEDULE, AlertKind.LATE_FILL
    assert ends_at(behind, [NOW, None], NOW, NOW) is None
    assert ends_at(behind, [NOW, NOW + SECOND], None, NOW) == NOW + SECOND + QUIET
    assert ends_at(late, [None], None, NOW) is None
    assert ends_at(late, [None], NOW, NOW + SECOND) == NOW + SECOND + EVENT_ENDS_AFTER


def test_what_comes_once_is_held_back_and_what_has_lasted_is_not() -> None:
    patience = Patience()
    stale = finding("BTC/USDT", AlertKind.MARKET_DATA_STALE)
    assert patience.lasting([stale], NOW) == []
    assert patience.lasting([], NOW + SECOND) == []
    assert patience.lasting([stale], NOW + 2 * SECOND) == []
    assert patience.lasting([stale], NOW + 4 * SECOND) == [stale]
    unknown = Finding(AlertKind.CHILD_UNKNOWN, "a.1", "unknown", since=NOW - 30 * SECOND)
    assert patience.lasting([unknown], NOW) == [unknown]


@given(attempts=st.integers(1, 10_000))
def test_pauses_double_up_to_the_longest(attempts: int) -> None:
    assert FIRST_PAUSE <= pause_after(attempts) <= pause_after(attempts + 1) <= LONGEST_PAUSE
    assert pause_after(attempts + 1) <= 2 * pause_after(attempts)


def test_a_channel_takes_what_it_is_for() -> None:
    events = (AlertEvent.RAISED, AlertEvent.ESCALATED, AlertEvent.ENDED)
    taken = {takes: [is_wanted(event, "warning", takes, "warning") for event in events] for takes in Takes}
    assert taken == {
        Takes.EVERYTHING: [True, True, True],
        Takes.ALERTS: [True, True, False],
        Takes.ESCALATIONS: [False, True, False],
    }
    assert not is_wanted(AlertEvent.RAISED, Severity.WARNING, Takes.ALERTS, Severity.CRITICAL)
    assert is_wanted(AlertEvent.RAISED, Severity.CRITICAL, Takes.ALERTS, Severity.CRITICAL)


def test_a_signature_is_what_the_documentation_says() -> None:
    expected = hmac.new(b"whsec_x", b'1700000000.{"id":"a-1"}', hashlib.sha256).hexdigest()
    assert signature("whsec_x", 1_700_000_000, b'{"id":"a-1"}') == f"v1={expected}"


# --- where a channel may lead ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://169.254.169.254/latest", "TRANCHE_ALERT_HOSTS does not name it"),
        ("https://127.0.0.1:6379/", "TRANCHE_ALERT_HOSTS does not name it"),
        ("https://hooks.example.com.evil.test/", "TRANCHE_ALERT_HOSTS does not name it"),
        ("http://hooks.example.com/", "must begin with https"),
        ("https://name:word@hooks.example.com/", "has a user or a password"),
        ("https://hooks.example.com/?url=http://x", "is not an address"),
        ("wss://hooks.example.com/", "must begin with https"),
        ("file:///etc/passwd", "is not an address"),
    ],
)
def test_nothing_is_sent_where_nobody_has_allowed_it(url: str, said: str) -> None:
    for kind in ("webhook", "signed"):
        with pytest.raises(Refused, match=said):
            read_target(kind, {"url": url}, LIVE)
    assert said in refusal_now("webhook", {"url": url}, LIVE)


def test_a_paper_installation_may_send_to_this_machine_and_no_other() -> None:
    paper = Network("paper")
    assert read_target("signed", {"url": "http://127.0.0.1:9/hook"}, paper).shown == "http://127.0.0.1:9"
    with pytest.raises(Refused, match="TRANCHE_ALERT_HOSTS"):
        read_target("signed", {"url": "https://10.0.0.1/hook"}, paper)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"to": "a@example.com,b@example.com"}, "to"),
        ({"host": "mail.example.net"}, "host"),
        ({"host": "mail.example.com/x?smtp=evil.test"}, "host"),
        ({"security": "none"}, "host"),
        ({"security": "perhaps"}, "security"),
        ({"port": "70000"}, "port"),
        ({"password": ""}, "password"),
        ({"sender": "a b@example.com"}, "sender"),
    ],
)
def test_a_mail_channel_that_is_not_understood_is_refused(changes: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        read_target("mail", MAIL | changes, LIVE)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert "a:b/c@d" not in str(refused.value)


def plugin(kind: str, raw: dict[str, str]) -> Any:
    target = read_target(kind, raw, LIVE)
    made = apprise.Apprise.instantiate(apprise_url(kind, target.parts, "abc-1", timeout=5))
    assert made is not None
    return made


def test_apprise_reads_each_address_as_it_was_meant() -> None:
    mail = plugin("mail", MAIL)
    assert (mail.smtp_host, mail.port, mail.secure_mode) == ("mail.example.com", 587, "starttls")
    assert (mail.user, mail.password, mail.from_addr[1]) == (
        "desk@example.com",
        "a:b/c@d",
        "desk@example.com",
    )
    assert mail.targets == [(False, "night@example.com")]
    assert mail.headers == {"Tranche-Event-Id": "abc-1"}
    hook = plugin("webhook", {"url": "https://hooks.example.com:8443/a/b"})
    assert (hook.host, hook.port, hook.fullpath, hook.secure) == ("hooks.example.com", 8443, "/a/b", True)
    assert (hook.redirects, hook.retry, hook.request_timeout) == (False, 0, (5.0, 5.0))
    assert hook.headers == {"Tranche-Event-Id": "abc-1"}
    slack = plugin("slack", {"url": f"https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/{'x' * 24}"})
    assert (slack.token_a, slack.token_b, slack.token_c) == ("T1JJ3T3L2", "A1BRTD4JD", "x" * 24)
    bot = plugin("telegram", {"token": f"123456789:{'A' * 35}", "chat": "-1001234567890"})
    assert (bot.bot_token, len(bot)) == (f"123456789:{'A' * 35}", 1)
    assert bot.redirects is False
