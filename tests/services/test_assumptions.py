"""The assumptions about an exchange behind its safety: an admin accepts them, on live accounts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from execution.core.guarantees import GUARANTEES
from execution.core.guarantees.promise import assumed
from execution.core.problems import Refused
from execution.models import Account, AuditEntry, Environment, User, venues
from execution.selectors.decisions.blocks import account_block
from execution.services.accounts.changes import account_assumptions_accept
from tests.factories import NOW, Rows, calm_quote

BTC = "BTC/USDT"


def moved(rows: Rows, environment: Environment, exchange: str = "okx", **changes: Any) -> Account:
    """Move the account to another exchange, in another environment."""
    rows.venue.exchange = exchange
    rows.venue.save()
    Account.objects.update(environment=environment, **changes)
    return Account.objects.get()


def test_a_live_account_sends_nothing_before_an_admin_has_accepted_what_is_only_assumed(rows: Rows) -> None:
    order = rows.working()
    account = moved(rows, Environment.LIVE)
    block = f"account {account.label}: an admin has to accept what is only assumed: listing delay"
    assert account_block(account, BTC) == block
    rows.step(order, now=NOW, quote=calm_quote(NOW))
    order.refresh_from_db()
    assert not order.children.exists()
    assert block in order.why
    admin = User.objects.create_user("boss", role="admin")
    given: dict[str, Any] = {"account_id": account.public_id, "now": NOW}
    for person, reason in ((rows.trader, "r"), (rows.supervisor, "r"), (admin, "  ")):
        with pytest.raises(Refused):
            account_assumptions_accept(person=person, reason=reason, **given)
    for _ in range(2):
        account = account_assumptions_accept(person=admin, reason="tried with small orders", **given)
    assert account.accepted_assumptions == ["listing_delay"]
    assert account_block(account, BTC) == ""
    (entry,) = AuditEntry.objects.filter(kind="account.assumptions")
    assert (entry.actor, entry.reason) == ("admin:boss", "tried with small orders")
    assert entry.data["listing_delay"] == {
        "value": "5 s",
        "source": GUARANTEES["okx"].listing_delay.source,
    }
    rows.step(order, now=NOW, quote=calm_quote(NOW))
    assert order.children.exists()


@pytest.mark.parametrize("environment", [Environment.PAPER, Environment.TESTNET])
def test_an_account_without_real_money_needs_no_word(rows: Rows, environment: Environment) -> None:
    assert account_block(moved(rows, environment, "kraken"), BTC) == ""


def test_what_is_assumed_anew_has_to_be_accepted_again(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    account = moved(rows, Environment.LIVE, accepted_assumptions=["listing_delay"])
    assert list(account.open_assumptions) == []
    okx = GUARANTEES["okx"]
    doubted = replace(okx, trades_kept=assumed(okx.trades_kept.value, "nobody knows any more"))
    monkeypatch.setattr(venues, "guarantees_of", lambda _: doubted)
    assert list(account.open_assumptions) == ["trades_kept"]
