"""The sources of the paper exchange's markets: generated from a seed, or played back from a file."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from execution.core.market_model.background_market import BackgroundMarket, MarketParameters, Others
from execution.core.market_model.price_path import MINUTE, PricePath
from execution.core.market_model.synthetic_candles import History
from execution.paper.candles import MadeUp
from execution.paper.profiles import Profile
from execution.paper.store import Store
from execution.paper.symbols import exchange_symbol

#: The seconds between two steps of generated markets, and between two published books.
STEP_SECONDS = 0.1


class Origin(NamedTuple):
    """The other participants of one symbol's market, and its past. Times are in seconds since the epoch.

    ``others`` are the participants that make and take prices from now on. ``made_up`` generates the candles of minutes
    that were not recorded.
    """

    others: Others
    made_up: MadeUp  #: minutes that nobody recorded
    quiet_from: float  #: from when on minutes without trades are empty instead of made up
    recorded_from: int = 0  #: older minutes of the store belong to another market


class MarketSource(Protocol):
    """A provider of the other participants of each symbol's market, and of the market's past candles.

    The participants are generated, or replayed from a file.
    """

    @property
    def listed(self) -> tuple[MarketParameters, ...]: ...

    @property
    def step_seconds(self) -> float:
        """Return the seconds between two steps of the markets. The streams publish after each step."""

    @property
    def is_over(self) -> bool:
        """Return True when the source has ended, so that nothing more will be traded."""

    def origin(self, parameters: MarketParameters, now: float) -> Origin: ...

    def status(self) -> dict[str, Any] | None:
        """Return the progress of a replay; None for generated markets."""


class SeededMarkets:
    """The markets of a profile, generated from a seed.

    If the profile has a name, its prices follow the path that all paper venues have in common. A profile without a
    name has prices of its own, which continue from their last values after a restart. Its candles before the first
    start are generated.
    """

    is_over = False
    step_seconds = STEP_SECONDS

    def __init__(self, profile: Profile, seed: int, store: Store) -> None:
        self.listed = profile.listed
        self._venue = profile.name
        self._seed = seed
        self._store = store

    def origin(self, parameters: MarketParameters, now: float) -> Origin:
        market, mid, volatility = parameters.market, parameters.mid, parameters.volatility
        if self._venue:
            path = PricePath(self._seed, market.symbol, mid, volatility)
            stood = Decimal(repr(path.price(now)))
            others = BackgroundMarket(parameters, self._seed, mid=stood, path=path, venue=self._venue)
            return Origin(others, self._history(parameters, path), math.inf)
        name = exchange_symbol(market)
        began, opened, last = (self._store.number(f"{name} {what}") for what in ("began", "opened", "price"))
        if began is None or opened is None:
            began, opened = Decimal(int(now) // MINUTE * MINUTE), last or mid
            self._store.save(numbers={f"{name} began": began, f"{name} opened": opened})
        path = PricePath(self._seed, market.symbol, opened, volatility, mid_at=float(began))
        others = BackgroundMarket(parameters, self._seed, mid=last)
        return Origin(others, self._history(parameters, path), float(began))

    def status(self) -> None:
        return None

    def _history(self, parameters: MarketParameters, path: PricePath) -> History:
        return History(parameters, path, f"{self._seed}:{self._venue}")
