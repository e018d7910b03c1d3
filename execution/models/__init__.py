"""Tables; no verbs. Services write them, selectors read them."""

from execution.models.installation import Environment, Installation, Worker
from execution.models.market_data import Candle, MarketSample
from execution.models.orders import (
    ChildOrder,
    Fill,
    JournalEntry,
    Order,
    OrderTerms,
    Slice,
    Submission,
)
from execution.models.people import Role, User
from execution.models.venues import Account, Balance, Credential, CredentialState, Market, Venue

__all__ = [
    "Account",
    "Balance",
    "Candle",
    "ChildOrder",
    "Credential",
    "CredentialState",
    "Environment",
    "Fill",
    "Installation",
    "JournalEntry",
    "Market",
    "MarketSample",
    "Order",
    "OrderTerms",
    "Role",
    "Slice",
    "Submission",
    "User",
    "Venue",
    "Worker",
]
