"""A session's use of its key: checked before it trades, checked again on request, refused in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dashboard.present.accounts import account_shown
from execution.core.types import BalanceAmounts, KeyPermissions
from execution.engine.account_session import AccountSession
from execution.engine.market_rules import MarketRules
from execution.models import Account, AuditEntry, Credential, Installation, Venue
from execution.selectors.accounts import account_rows
from execution.selectors.decisions.sessions import AccountDetails, account_details
from execution.selectors.wall.desk import Wall
from execution.venues.gateway import open_gateway
from execution.venues.protocol import Gateway, VenueReadFailed
from tests.engine.desk import Desk, ScriptedExchange, at_once
from tests.factories import NOW, Rows


class Locked(ScriptedExchange):
    """An exchange that answers private calls with a failure, as often as it has one."""

    def __init__(self, *failures: VenueReadFailed) -> None:
        super().__init__()
        self.failures = list(failures)
        self.asked = 0

    async def permissions(self) -> KeyPermissions:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return KeyPermissions(read=True, trade=True, withdraw=False)


class Silent(ScriptedExchange):
    """An exchange that does not tell what a key may do."""

    async def balances(self) -> dict[str, BalanceAmounts]:
        self.polled_at.append("balances")
        return {}


def really_opened(details: AccountDetails) -> Gateway:
    return open_gateway(
        exchange_id=details.exchange,
        options=details.options,
        api_key="k",
        secret="s",
        clock=lambda: NOW,
        network=details.network,
    )


REFUSAL = VenueReadFailed("AuthenticationError: bad key", refuses_key=True)
GONE = VenueReadFailed("ExchangeNotAvailable: refused")


def session_of(
    rows: Rows, exchange: ScriptedExchange, opener: Callable[[AccountDetails], Gateway] | None = None
) -> AccountSession:
    desk = Desk(rows, exchange)
    session = AccountSession(desk.parts, rows.account.pk, 1, opener or (lambda _: exchange))
    details = account_details(rows.account.pk)
    assert details is not None
    session._details, session._gateway = details, exchange
    session._rules = MarketRules(
        desk.parts, exchange, details, health=session._health, failed=session._failed
    )
    return session


def open_it(rows: Rows, exchange: ScriptedExchange, state: str = "unchecked") -> Credential:
    Credential.objects.update(state=state)
    _open_without_a_loop(session_of(rows, exchange))
    return Credential.objects.get()


def _open_without_a_loop(session: AccountSession) -> None:
    """Open it; its clock only ever yields, so that no loop is needed."""
    opening = session._open()
    for _ in range(20):
        try:
            opening.send(None)
        except StopIteration:
            return
    raise AssertionError("it does not open")


def test_an_unchecked_key_is_checked_before_anything_else(rows: Rows) -> None:
    credential = open_it(rows, Locked())
    assert (credential.state, credential.checked_at) == ("active", NOW)
    assert credential.permissions == {"read": True, "trade": True, "withdraw": False}


def test_a_key_that_the_exchange_refuses_is_refused_and_the_session_goes_on_for_cancels(rows: Rows) -> None:
    exchange = Locked(REFUSAL)
    credential = open_it(rows, exchange)
    assert credential.state == "refused"
    assert credential.error == "the exchange refuses the key: AuthenticationError: bad key"
    assert exchange.asked == 1, "it is not asked again until a person wants it"


def test_an_exchange_that_cannot_be_reached_is_asked_until_it_can(rows: Rows) -> None:
    exchange = Locked(GONE, GONE)
    credential = open_it(rows, exchange)
    assert (exchange.asked, credential.state, credential.error) == (3, "active", "")
    assert Account.objects.get().failures == 2


@pytest.mark.parametrize("state", ["suspended", "refused", "retired"])
def test_a_key_that_is_not_in_use_is_not_checked(rows: Rows, state: str) -> None:
    exchange = Locked()
    assert open_it(rows, exchange, state).state == state
    assert exchange.asked == 0


def test_where_the_exchange_does_not_tell_a_private_call_shows_that_the_key_reads(rows: Rows) -> None:
    exchange = Silent()
    credential = open_it(rows, exchange)
    assert exchange.polled_at == ["balances"]
    assert credential.permissions == {"read": True, "trade": None, "withdraw": None}
    assert credential.state == "active"


def test_a_wanted_check_is_made_once(rows: Rows) -> None:
    exchange = Locked()
    session = session_of(rows, exchange)
    Credential.objects.update(check_wanted_at=NOW)
    checks = session._answer_checks()
    for _ in range(4):
        checks.send(None)
    checks.close()
    assert exchange.asked == 1
    assert Credential.objects.get().check_wanted_at is None


def test_a_wanted_check_that_fails_says_so_and_leaves_the_key(rows: Rows) -> None:
    session = session_of(rows, Locked(GONE))
    Credential.objects.update(check_wanted_at=NOW)
    checks = session._answer_checks()
    for _ in range(4):
        checks.send(None)
    checks.close()
    credential = Credential.objects.get()
    assert (credential.state, credential.check_wanted_at) == ("active", None)
    assert "the exchange is unreachable or gave no usable answer: ExchangeNotAvailable" in credential.error


def test_an_exchange_that_ccxt_does_not_know_refuses_the_key_in_words(rows: Rows) -> None:
    def unknown(_: AccountDetails) -> Gateway:
        raise ValueError("unknown exchange 'nowhere': ccxt.pro has none of that name")

    session = session_of(rows, ScriptedExchange(), unknown)
    at_once(session.run())
    credential = Credential.objects.get()
    assert credential.state == "refused"
    assert "unknown exchange 'nowhere'" in credential.error


@pytest.mark.parametrize(
    ("exchange", "environment", "options", "words"),
    [
        ("binance", "paper", {}, "ccxt would reach the real binance"),
        ("bybit", "paper", {"hostname": "bybit.com"}, "it leads to a host of bybit"),
        ("binance", "testnet", {}, 'set {"sandbox": true}'),
        ("kraken", "testnet", {"sandbox": True}, "exchange kraken has no test network in ccxt"),
        (
            "binance",
            "live",
            {"urls": {"api": {"public": "https://x.example.com"}}},
            "'https://x.example.com'",
        ),
        ("binance", "live", {"options": {"headers": {"X-MBX-APIKEY": "open"}}}, "keys go in sealed"),
    ],
)
def test_options_that_lie_refuse_the_key_in_words_on_the_accounts_page_and_the_wall(
    rows: Rows, exchange: str, environment: str, options: dict[str, Any], words: str
) -> None:
    Installation.objects.update(environment=environment)
    Account.objects.update(environment=environment)
    Venue.objects.update(exchange=exchange, options=options)
    session = session_of(rows, ScriptedExchange(), really_opened)
    at_once(session.run())
    assert Credential.objects.get().state == "refused"
    shown = account_shown(account_rows()[0], NOW)
    assert (shown.state.word, words in shown.trouble) == ("refused", True), shown.trouble
    (on_wall,) = Wall().read(NOW)["panels"]["accounts"]
    assert (on_wall["health"], words in on_wall["error"]) == ("down", True), on_wall
    assert AuditEntry.objects.get(kind="key.refused").reason.startswith("the account cannot be opened")


def test_an_account_that_cannot_be_opened_is_tried_again_only_when_somebody_asks(rows: Rows) -> None:
    """Its key is out of use and something is unsettled there, so that a worker holds it all the same."""
    opened: list[str] = []

    def lying(details: AccountDetails) -> Gateway:
        opened.append(details.label)
        return really_opened(details)

    Credential.objects.update(state="refused")
    Venue.objects.update(options={"hostname": "binance.com"})
    running = session_of(rows, ScriptedExchange(), lying).run()
    for _ in range(20):
        running.send(None)
    assert len(opened) == 1
    Credential.objects.update(check_wanted_at=NOW)
    with pytest.raises(StopIteration):
        running.send(None)
    assert len(opened) == 1
    assert "it leads to a host of binance" in Account.objects.get().error


def test_a_worker_that_cannot_open_the_seal_refuses_nothing(rows: Rows) -> None:
    def sealed(_: AccountDetails) -> Gateway:
        raise RuntimeError("this keyring does not hold it")

    session = session_of(rows, ScriptedExchange(), sealed)
    with pytest.raises(RuntimeError):
        at_once(session.run())
    assert Credential.objects.get().state == "active"
    assert "cannot be opened" in Account.objects.get().error
