"""The faults of a seed: their kinds, their rates, and the states that they struck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

#: Every kind of fault, with its chance to strike at each opportunity in a seed that has this kind.
RATES: dict[str, float] = {
    # a create
    "create held back": 0.1,
    "create request lost": 0.15,
    "create answer lost": 0.15,
    "create request slow": 0.2,
    "create answer late": 0.2,
    "create 429": 0.15,
    "create connection refused": 0.15,
    "create 5xx before acceptance": 0.15,
    "create 5xx after acceptance": 0.15,
    "create body truncated": 0.15,
    "create 200 with HTML": 0.15,
    "create taken in silence": 0.15,
    "create answer without status": 0.3,
    "create answer without figure": 0.3,
    "create rejected": 0.3,
    # a cancel
    "cancel request lost": 0.2,
    "cancel answer lost": 0.2,
    "cancel slow": 0.25,
    "cancel 429": 0.2,
    "cancel 5xx before": 0.2,
    "cancel 5xx after": 0.2,
    "cancel 200 with HTML": 0.2,
    "cancel answer without figure": 0.3,
    "filled while the cancel is under way": 0.4,
    # a read
    "read lost": 0.08,
    "read slow": 0.15,
    "read 429": 0.08,
    "read 5xx": 0.1,
    "read body truncated": 0.1,
    "read 200 with HTML": 0.1,
    "report without status": 0.15,
    "report without figure": 0.15,
    "order listed late": 0.4,
    "trade listed late": 0.5,
    "fee told late": 0.3,
    # the streams
    "event lost": 0.25,
    "event twice": 0.25,
    "event late": 0.3,
    "trade before its order": 0.3,
    "stream cut": 0.02,
    "stream silent": 0.02,
    "market silent": 0.02,
    "quote crossed": 0.05,
    "quote not a number": 0.05,
    "quote late": 0.1,
    "book crossed": 0.15,
    # the venue
    "overfilled by the venue": 0.06,
    "cancelled by the venue": 0.04,
    "venue away": 0.008,
    "market data gone": 0.02,
    # our own machines
    "crash": 0.0025,
    "crash before the commit": 0.006,
    "crash after the commit": 0.006,
    "crash before the request": 0.02,
    "crash after the request": 0.02,
    "told to stop at a request": 0.02,
    "told to stop at a slow create": 0.3,
    "frozen": 0.003,
    "held at a decision": 0.1,
    "held at a submit": 0.3,
    "database refuses": 0.01,
    "commit refused": 0.02,
    "commit lost": 0.02,
    "database slow": 0.02,
    "web dies after the commit": 0.2,
    "bell lost": 0.4,
    "bell late": 0.3,
    "bell twice": 0.2,
}
#: Kinds that are drawn more often: the least share of the seeds (those without any fault excepted) that have them.
#: With many kinds of faults, few statements get far enough to be raced; and few orders want to write in the few
#: seconds in which market data are too old. An engine rarely stops just while a create is on its way.
OFTEN = {
    "held at a decision": 0.3,
    "held at a submit": 0.4,
    "market data gone": 0.25,
    "create request slow": 0.3,
    "told to stop at a slow create": 0.3,
}
#: Kinds without a rate: the actions of people, which have a plan of their own.
PEOPLE = (
    "pause",
    "resume",
    "amend",
    "cancel",
    "halt",
    "lift",
    "key suspended",
    "key resumed",
    "sent again",
    "restart",
)

#: The kind of a program outside the desk, which has a plan of its own.
ANOTHER_PROGRAM = "another program spends"
#: The exchange's call that cancels all open orders of an account.
CANCELLED_TOGETHER = "cancelled together"


class FaultInjector:
    """Decides when the faults of one seed strike. Each seed has some kinds, each with its own rate.

    Once ``is_clear`` is set, no fault strikes any more.

    ``struck`` counts how often each kind struck in each state. The state is that of the child that the fault hit. A
    fault that hit no child is counted once for each state in which an order or child is.
    """

    def __init__(self, random: Random, states: Callable[[str], Iterable[str]]) -> None:
        self._random = random
        self._states = states
        kinds = list(RATES)
        share = random.choice((0.0, 0.1, 0.1, 0.2, 0.2, 0.35, 0.6))
        self.rates = {
            kind: RATES[kind] * random.choice((0.5, 1.0, 1.0, 2.0))
            for kind in kinds
            if random.random() < (max(share, OFTEN.get(kind, 0.0)) if share else 0.0)
        }
        self.is_clear = False
        self.struck: Counter[tuple[str, str]] = Counter()
        self.tell: Callable[[str], None] = lambda _text: None

    def strikes(self, kind: str, client_id: str = "") -> bool:
        """Return True if a fault of this kind strikes now.

        ``client_id`` names the child concerned, if there is one.
        """
        rate = self.rates.get(kind)
        if self.is_clear or rate is None or self._random.random() >= rate:
            return False
        self.note(kind, client_id)
        return True

    def note(self, kind: str, client_id: str = "") -> None:
        """Count a fault that struck, even if other code decided that it should."""
        for state in self._states(client_id):
            self.struck[kind, state] += 1
        self.tell(f"FAULT {kind} {client_id}")

    def one_in(self, many: int) -> bool:
        return self._random.randrange(many) == 0

    def seconds(self, most: float, least: float = 0.0) -> float:
        return least + (most - least) * self._random.random() ** 2
