"""The reasons why no new child may go to an account or to its market."""

from __future__ import annotations

from execution.core.faults import blocking_fault
from execution.core.market_rules import market_block
from execution.core.types import Market, MarketStatus, Side
from execution.models import Account, CredentialState


def child_block(account: Account, market: Market, side: Side, *, has_key: bool | None = None) -> str:
    """Return the reason why no new child may go to an account's market now; empty when one may.

    If the market is delisted, that is the reason returned. The account's own reason would only say that the symbol
    cannot be read, which is a consequence.
    """
    if market.status is MarketStatus.NOT_LISTED:
        return market_block(market, side)
    return account_block(account, market.symbol, has_key=has_key) or market_block(market, side)


def account_block(account: Account, symbol: str, *, has_key: bool | None = None) -> str:
    """Return the reason why no new child of a symbol may go to an account now; empty when one may.

    ``has_key`` is True if the account has a checked key. If it is None, the key is looked up.
    """
    if not account.is_active:
        return f"account {account.label} is closed"
    if has_key is None:
        has_key = account.credentials.filter(state=CredentialState.ACTIVE).exists()
    if not has_key:
        return f"account {account.label} has no checked key"
    if waiting := account.open_assumptions:
        names = ", ".join(waiting).replace("_", " ")
        return f"account {account.label}: an admin has to accept what is only assumed: {names}"
    if account.owner_id is None:
        return f"no worker trades account {account.label}"
    if (fault := blocking_fault(account.faults, account.fence)) is not None:
        return f"account {account.label}: {fault.words}"
    return account.symbol_doubt(symbol)
