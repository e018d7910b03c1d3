"""The rows that every simulation begins with: people, three venues, four accounts, their markets and history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from execution.core.types import BalanceAmounts, Candle, CandleHistory
from execution.models import (
    Account,
    Credential,
    CredentialState,
    Environment,
    Installation,
    Role,
    User,
    Venue,
)
from execution.services.accounts.markets import balances_record, candles_record, markets_record
from execution.verification.faults.exchange import MARKET, SYMBOL
from execution.verification.faults.virtual import BEGINNING

#: The venue of each account. Two accounts share one venue.
ACCOUNTS = {"alpha": "a", "beta": "b", "gamma": "c", "delta": "a"}
HISTORY = timedelta(days=1)
STEP = timedelta(minutes=5)


def public_id(label: str) -> str:
    """Return the public id of an account."""
    return f"{label:0<12}"


def fill() -> None:
    """Write the rows, which are the same for every seed."""
    Installation.objects.create(mark="test", environment=Environment.PAPER, sealing_key="00")
    trader = User.objects.create(username="trader", role=Role.TRADER, public_id="trader000001")
    User.objects.create(username="supervisor", role=Role.SUPERVISOR, public_id="supervisor01")
    User.objects.create(username="admin", role=Role.ADMIN, public_id="admin0000001")
    for name in sorted(set(ACCOUNTS.values())):
        venue = Venue.objects.create(label=name, exchange="binance")
        markets_record(venue_pk=venue.pk, markets={SYMBOL: MARKET}, now=BEGINNING)
        candles_record(venue_pk=venue.pk, symbol=SYMBOL, history=CandleHistory(tuple(_history())))
    for label, name in ACCOUNTS.items():
        _account(label, Venue.objects.get(label=name), trader)


def _account(label: str, venue: Venue, trader: User) -> None:
    account = Account.objects.create(
        venue=venue,
        label=label,
        environment=Environment.PAPER,
        symbols=[SYMBOL],
        public_id=public_id(label),
        is_active=False,
    )
    account.traders.add(trader)
    Credential.objects.create(
        account=account,
        sealed=b"sealed",
        last_four="1234",
        state=CredentialState.ACTIVE,
        public_id=f"key{label:0<9}",
    )


def hold(held: Mapping[str, Mapping[str, Decimal]]) -> None:
    """Write the first balances of the accounts. ``held`` has the amounts by account label and currency."""
    for account in Account.objects.filter(label__in=held):
        amounts = {
            currency: BalanceAmounts(amount, Decimal(0)) for currency, amount in held[account.label].items()
        }
        balances_record(account_pk=account.pk, balances=amounts, now=BEGINNING)


def _history() -> list[Candle]:
    random = Random("history")  # noqa: S311
    bars = []
    for number in range(int(HISTORY / STEP)):
        price = Decimal(100) + Decimal(random.randrange(-100, 100)) / 100
        volume = Decimal(random.randrange(100, 2000))
        bars.append(Candle(BEGINNING - HISTORY + number * STEP, price, price + 1, price - 1, price, volume))
    return bars


def drawn_order(random: Random, accounts: list[str]) -> dict[str, Any]:
    """Return a random short order as a form sends it: one of the six algorithms, with some of its options."""
    algorithm = random.choice(("twap", "vwap", "pov", "is", "iceberg", "sor", "twap", "iceberg"))
    seconds = random.randint(6, 14)
    quantity = Decimal(random.randint(300, 6000)) / 1000
    chosen = random.sample(accounts, random.randint(1, len(accounts)))
    side = random.choice(("buy", "sell"))
    raw: dict[str, Any] = {
        "symbol": SYMBOL,
        "side": side,
        "quantity": str(quantity),
        "unit": "base",
        "algorithm": algorithm,
        "accounts": sorted(chosen)
        if algorithm in ("sor", "iceberg") or random.random() < 0.5
        else chosen[:1],
        "parameters": _parameters(random, algorithm, seconds, quantity),
    }
    if random.random() < 0.4:
        distance = Decimal(random.randint(-10, 60)) / 100
        raw["limit_price"] = str(Decimal(100) + (distance if side == "buy" else -distance))
    return raw


def _parameters(random: Random, algorithm: str, seconds: int, quantity: Decimal) -> dict[str, Any]:
    parameters: dict[str, Any] = {"duration": str(seconds)}
    at_end = random.choice(("cross", "cross", "stop", "extend"))
    if algorithm == "sor":
        return {"mode": random.choice(("split", "single")), "shortfall": "part"} | parameters
    if algorithm == "iceberg":
        visible = max(
            (quantity * random.choice((1, 2, 3, 5)) / 10).quantize(Decimal("0.001")), Decimal("0.1")
        )
        pause, move = random.choice(("0", "1")), random.choice(("2", "4"))
        return parameters | {
            "visible_quantity": str(min(visible, quantity)),
            "refill_pause": pause,
            "move_after": move,
            "at_end": at_end,
        }
    parameters |= {"urgency": random.choice(("0", "0.3", "0.5", "0.75", "0.9", "1")), "at_end": at_end}
    if algorithm in ("twap", "is"):
        parameters["slices"] = random.randint(1, max(1, seconds // 3))
    if algorithm == "is":
        parameters |= {"volatility": "0.03", "impact_bp": "20", "risk_aversion": "0.001"}
    if algorithm == "vwap":
        parameters |= {"lookback_days": 1, "slice_length": "3"}
    if algorithm == "pov":
        parameters |= {"participation_rate": random.choice(("0.2", "0.5", "0.9")), "slice_length": "3"}
    return parameters
