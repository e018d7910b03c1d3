"""Channels that carry alerts out of the desk: the fields that an admin fills in, and the address made from them.

The library Apprise sends the messages. Only the five types here are accepted. Apprise knows a hundred more, some of
which run programs or write files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from execution.core.addresses import Network, origin_of, refused_address, shown
from execution.core.alerts.delivery import EVENT_HEADER
from execution.core.numbers import NumberRefused, shortened, whole_number
from execution.core.problem_codes import Code
from execution.core.problems import Problem, as_sentence, not_allowed, refuse_if

SIGNED, WEBHOOK, MAIL, SLACK, TELEGRAM = "signed", "webhook", "mail", "slack", "telegram"
STARTTLS, TLS, PLAIN = "starttls", "tls", "none"
SECURITY = {STARTTLS: 587, TLS: 465, PLAIN: 25}
NOT_ALLOWED = "TRANCHE_ALERT_HOSTS does not name it"
NOT_ENCRYPTED = "it must begin with https:// unless it is on this machine"

_SLACK = re.compile(
    r"https://hooks\.slack\.com/services/([A-Z0-9]{5,20})/([A-Z0-9]{5,20})/([A-Za-z0-9]{10,40})"
)
_BOT = re.compile(r"[0-9]{5,20}:[A-Za-z0-9_-]{20,60}")
_CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,40}")
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}")
LAST_PORT = 65535
MAX_FIELD = 300

#: The fields of each type, in the order of the form. The names of optional fields end with a question mark.
FIELDS: Mapping[str, tuple[str, ...]] = {
    SIGNED: ("url",),
    WEBHOOK: ("url",),
    MAIL: ("host", "port?", "security", "user?", "password?", "sender", "to"),
    SLACK: ("url",),
    TELEGRAM: ("token", "chat"),
}
SECRET = frozenset({"password", "token"})


@dataclass(frozen=True, slots=True)
class Target:
    """The address of a channel. ``parts`` are stored sealed, and ``shown`` is the text that people may see."""

    parts: Mapping[str, str]
    shown: str


def read_target(kind: str, raw: Mapping[str, str], network: Network) -> Target:
    """Parse and check the fields of a channel. Raises ``Refused`` with every problem."""
    names = FIELDS[kind]
    parts = {name.rstrip("?"): raw.get(name.rstrip("?"), "").strip() for name in names}
    problems = [
        Problem(name, f"{name.capitalize()} is required.", code=Code.VALUE_MISSING)
        for name in names
        if not name.endswith("?") and not parts[name]
    ]
    problems += [_malformed(name) for name, text in parts.items() if not _is_plain(text)]
    refuse_if(problems)
    read = {SIGNED: _url, WEBHOOK: _url, MAIL: _mail, SLACK: _slack, TELEGRAM: _telegram}[kind]
    shown_text, problems = read(parts, network)
    refuse_if(problems)
    return Target(parts, shown_text)


def _is_plain(text: str) -> bool:
    return len(text) <= MAX_FIELD and text.isprintable() and " " not in text


def _malformed(name: str) -> Problem:
    """Return the problem of a malformed field. It leaves out the text, which may be a secret."""
    message = f"{name.capitalize()} has spaces, or more than {MAX_FIELD} characters."
    return Problem(name, message, limit=MAX_FIELD, code=Code.VALUE_MALFORMED)


def _url(parts: dict[str, str], network: Network) -> tuple[str, list[Problem]]:
    """Return a webhook's scheme and host for display, and the problems. Its path may be a secret."""
    url = parts["url"]
    if why := target_refusal(url, network):
        return "", [Problem("url", why, shown(url).strip("'"), code=Code.ADDRESS_REFUSED)]
    return "/".join(url.split("/")[:3]), []


def target_refusal(url: str, network: Network) -> str:
    """Return the reason why alerts may not be sent to an address; empty if they may.

    The sender checks again before each message, because the allowed hosts may have changed since the channel was
    made.
    """
    try:
        origin = origin_of(url)
    except ValueError as error:
        return f"{error}."
    if not url.startswith(("http://", "https://")):
        return f"The address {shown(url)} must begin with https://."
    if not network.allows_alert(origin):
        return as_sentence(refused_address(url, network.environment, NOT_ALLOWED))
    if not origin.is_encrypted and not origin.is_loopback:
        return as_sentence(refused_address(url, network.environment, NOT_ENCRYPTED))
    return ""


def _mail(parts: dict[str, str], network: Network) -> tuple[str, list[Problem]]:
    problems = []
    if parts["security"] not in SECURITY:
        problems.append(not_allowed("security", "Security", parts["security"], SECURITY))
    else:
        parts["port"] = parts["port"] or str(SECURITY[parts["security"]])
    try:
        port = whole_number(parts["port"] or "0")
    except NumberRefused:
        port = 0
    if not problems and not 1 <= port <= LAST_PORT:
        message = f"The port is {shortened(parts['port'])!r}. It must be from 1 to {LAST_PORT}."
        problems.append(Problem("port", message, parts["port"], LAST_PORT, code=Code.VALUE_OUT_OF_RANGE))
    for name in ("sender", "to"):
        if not _MAIL_ADDRESS.fullmatch(parts[name]):
            message = f"{shortened(parts[name])!r} is not one mail address."
            problems.append(Problem(name, message, parts[name], code=Code.VALUE_MALFORMED))
    if bool(parts["user"]) != bool(parts["password"]):
        problems.append(Problem("password", "User and password go together.", code=Code.VALUE_MISSING))
    if not problems and (why := mail_refusal(parts, network)):
        problems.append(Problem("host", why, parts["host"], code=Code.ADDRESS_REFUSED))
    return f"{parts['to']} by {parts['host']}", problems


def mail_refusal(parts: Mapping[str, str], network: Network) -> str:
    """Return the reason why alerts may not be sent through the mail server in ``parts``; empty if they may."""
    scheme = "http" if parts["security"] == PLAIN else "https"
    return target_refusal(f"{scheme}://{parts['host']}:{parts['port']}", network)


def _slack(parts: dict[str, str], _network: Network) -> tuple[str, list[Problem]]:
    found = _SLACK.fullmatch(parts["url"])
    message = "It must be the address of an incoming webhook: https://hooks.slack.com/services/T…/B…/…"
    problems = [] if found else [Problem("url", message, code=Code.VALUE_MALFORMED)]
    return f"Slack, workspace {found[1]}" if found else "", problems


def _telegram(parts: dict[str, str], _network: Network) -> tuple[str, list[Problem]]:
    problems = []
    if not _BOT.fullmatch(parts["token"]):
        problems.append(Problem("token", "It must be a bot's token, 123456:ABC….", code=Code.VALUE_MALFORMED))
    if not _CHAT.fullmatch(parts["chat"]):
        message = f"{shortened(parts['chat'])!r} is not the number of a chat, or the @name of a channel."
        problems.append(Problem("chat", message, parts["chat"], code=Code.VALUE_MALFORMED))
    return f"Telegram, chat {parts['chat']}", problems


def refusal_now(kind: str, parts: Mapping[str, str], network: Network) -> str:
    """Return the reason why the current settings forbid alerts on a channel; empty if they allow them."""
    if kind in (SIGNED, WEBHOOK):
        return target_refusal(parts["url"], network)
    return mail_refusal(parts, network) if kind == MAIL else ""


def apprise_url(kind: str, parts: Mapping[str, str], event_id: str, *, timeout: float) -> str:
    """Return the address to which Apprise sends one message. The address forbids redirects and sets ``timeout``.

    For webhooks and mail the address also contains the event's id.
    """
    common = {"rto": str(timeout), "cto": str(timeout), "redirect": "no", "retry": "0"}
    event = {f"+{EVENT_HEADER}": event_id}
    if kind == WEBHOOK:
        scheme, _, rest = parts["url"].partition("://")
        return f"json{'s' if scheme == 'https' else ''}://{rest}?{urlencode(common | event)}"
    if kind == MAIL:
        host = parts["host"]
        login = (
            f"{quote(parts['user'], safe='')}:{quote(parts['password'], safe='')}@" if parts["user"] else ""
        )
        mode = {STARTTLS: "starttls", TLS: "ssl", PLAIN: "insecure"}[parts["security"]]
        scheme = "mailto" if parts["security"] == PLAIN else "mailtos"
        named = {"smtp": host, "from": parts["sender"], "to": parts["to"], "mode": mode, "format": "text"}
        return f"{scheme}://{login}{host}:{parts['port']}?{urlencode(named | common | event)}"
    if kind == SLACK:
        tokens = "/".join(parts["url"].split("/")[-3:])
        return f"slack://{tokens}?{urlencode(common | {'image': 'no', 'footer': 'no'})}"
    return (
        f"tgram://{parts['token']}/{quote(parts['chat'], safe='@-')}?{urlencode(common | {'detect': 'no'})}"
    )
