"""The tables. Services write them, selectors read them."""

from execution.core.types import Role
from execution.models.access import AccessRequest, AccessState
from execution.models.alerts import (
    Alert,
    AlertChannel,
    AlertDelivery,
    AlertSignal,
    AlertSubject,
    AlertWatch,
    ChannelType,
)
from execution.models.audit import AuditEntry, ChainHead, JournalCheck
from execution.models.decisions import DecisionContext, DecisionRecord
from execution.models.estimates import Estimate
from execution.models.halts import Halt, HaltGate, HaltKind, HaltScope
from execution.models.installation import Environment, Installation, Worker
from execution.models.limits import ApprovalState, OrderApproval, TradingLimit
from execution.models.market_data import CandleDay, MarketSample, VenueListing
from execution.models.orders import (
    Basket,
    ChildOrder,
    Fill,
    JournalEntry,
    Order,
    OrderReport,
    OrderTerms,
    Slice,
    Submission,
)
from execution.models.people import (
    ApiToken,
    KnownBrowser,
    Login,
    RecoveryCode,
    Scope,
    SecondFactor,
    User,
    Watchlist,
)
from execution.models.presets import Preset
from execution.models.reconciliation import Difference, DifferenceKind
from execution.models.venues import Account, Balance, Credential, CredentialState, Market, Venue

__all__ = [
    "AccessRequest",
    "AccessState",
    "Account",
    "Alert",
    "AlertChannel",
    "AlertDelivery",
    "AlertSignal",
    "AlertSubject",
    "AlertWatch",
    "ApiToken",
    "ApprovalState",
    "AuditEntry",
    "Balance",
    "Basket",
    "CandleDay",
    "ChainHead",
    "ChannelType",
    "ChildOrder",
    "Credential",
    "CredentialState",
    "DecisionContext",
    "DecisionRecord",
    "Difference",
    "DifferenceKind",
    "Environment",
    "Estimate",
    "Fill",
    "Halt",
    "HaltGate",
    "HaltKind",
    "HaltScope",
    "Installation",
    "JournalCheck",
    "JournalEntry",
    "KnownBrowser",
    "Login",
    "Market",
    "MarketSample",
    "Order",
    "OrderApproval",
    "OrderReport",
    "OrderTerms",
    "Preset",
    "RecoveryCode",
    "Role",
    "Scope",
    "SecondFactor",
    "Slice",
    "Submission",
    "TradingLimit",
    "User",
    "Venue",
    "VenueListing",
    "Watchlist",
    "Worker",
]
