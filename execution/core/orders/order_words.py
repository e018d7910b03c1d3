"""An order written in words, such as ``sell 2 btc twap 30m limit 60000 alpha``.

The words may come in any sequence. Each word has one meaning, or the text is refused:

- ``buy`` or ``sell``
- a number: the quantity. A currency after it is its unit; ``base`` and ``quote`` are units, too.
- ``limit`` or ``@`` and a number: the limit price
- an algorithm, such as ``twap``
- a number with a percent sign: the participation rate of a POV
- a duration, such as ``30m``, ``1h30m`` or ``01:30:00``
- a symbol, or a currency of one: ``btc/usdt``, ``btc``
- an account's label. A label in quotation marks can hold spaces, or be equal to another word.

Every word must be known. A part that is not written is unknown, and nothing is put in its place.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from execution.core.durations import as_clock, parse_duration
from execution.core.numbers import NumberRefused, decimal_number, plain, shortened, without_grouping
from execution.core.orders.terms import ALGORITHMS
from execution.core.orders.window import MAX_DURATION
from execution.core.problem_codes import Code
from execution.core.problems import (
    Problem,
    Refused,
    attempt,
    checked_number,
    length_problem,
    refuse,
    refuse_if,
)
from execution.core.texts import enumerated, visible
from execution.core.types import Side, Unit

#: The most characters of an order in words. The longest order that makes sense names a dozen accounts.
MAX_CHARACTERS = 600
#: The most names of one kind that a refusal lists.
MAX_LISTED = 8
LIMIT_WORDS = ("limit", "@")

_WORD = re.compile(r'"((?:[^"]|"")*)"(?=\s|$)|(\S+)')
_DURATION = re.compile(
    r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?[smhd]){1,4}|[0-9]{1,5}(?::[0-9]{2}){1,2}(?:\.[0-9]{1,3})?"
)
_RATE = re.compile(r"[+-]?[.,]?[0-9][0-9.,]*%")
_SPANS = re.compile(r"[smhd]")
_LIKE_A_NUMBER = re.compile(r"[+-]?[.,]?[0-9]")


@dataclass(frozen=True, slots=True)
class NamedMarket:
    """A market with its symbol and its two currencies."""

    symbol: str
    base: str
    quote: str


@dataclass(frozen=True, slots=True)
class NamedAccount:
    """An account that the person may use, with the markets in which the desk trades on it."""

    id: str
    label: str
    markets: tuple[NamedMarket, ...]


@dataclass(frozen=True, slots=True)
class WordedOrder:
    """An order as it was written. A part that was not written is None or empty."""

    side: Side
    market: NamedMarket
    quantity: Decimal | None = None
    unit: Unit = Unit.BASE
    algorithm: str = ""
    duration: timedelta | None = None
    limit_price: Decimal | None = None
    participation_rate: Decimal | None = None
    accounts: tuple[NamedAccount, ...] = ()


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    is_quoted: bool = False

    @property
    def low(self) -> str:
        return self.text.casefold()

    @property
    def shown(self) -> str:
        return repr(shortened(visible(self.text)))


@dataclass(slots=True)
class _Parts:
    """The parts that were read so far. ``unit`` is the word after the quantity, ``named`` the other currencies."""

    side: Side | None = None
    quantity: Decimal | None = None
    unit: str = ""
    algorithm: str = ""
    duration: timedelta | None = None
    limit_price: Decimal | None = None
    participation_rate: Decimal | None = None
    named: list[str] = field(default_factory=list)
    accounts: list[NamedAccount] = field(default_factory=list)
    unknown: list[_Word] = field(default_factory=list)

    def put(self, name: str, label: str, value: object) -> None:
        """Store a part. Raises ``Refused`` if it was given before."""
        if getattr(self, name) not in (None, ""):
            refuse(name, f"{label} is given more than once.", str(value), code=Code.VALUE_REPEATED)
        setattr(self, name, value)


def is_order(text: str) -> bool:
    """Return True if the text is meant as an order: one of its words is a side."""
    return any(not word.is_quoted and word.low in tuple(Side) for word in _words(text))


def read_order_words(text: str, accounts: Sequence[NamedAccount]) -> tuple[WordedOrder, ...]:
    """Return the orders that the words may mean: several if they fit several symbols.

    ``accounts`` are those that the person may use. Raises ``Refused`` with every problem.
    """
    if len(text) > MAX_CHARACTERS:
        raise Refused([length_problem("words", "The order", text, MAX_CHARACTERS)])
    parts, problems = _Parts(), list[Problem]()
    words = deque(_words(text))
    while words:
        attempt(problems, lambda: _take(words, parts, accounts))
    if parts.unknown:
        problems.append(_unknown_words(parts.unknown, accounts))
    refuse_if(problems)
    if parts.side is None:
        refuse("side", "Side is missing. Write buy or sell.", "", "buy, sell", code=Code.VALUE_MISSING)
    if parts.participation_rate is not None and parts.algorithm != "pov":
        message = "A share in percent is the participation rate of a POV. Write pov, or leave the share out."
        refuse("participation_rate", message, parts.algorithm, "pov", code=Code.VALUE_NOT_ALLOWED)
    side = parts.side
    return tuple(
        WordedOrder(
            side=side,
            market=market,
            quantity=parts.quantity,
            unit=unit,
            algorithm=parts.algorithm,
            duration=parts.duration,
            limit_price=parts.limit_price,
            participation_rate=parts.participation_rate,
            accounts=tuple(parts.accounts),
        )
        for market, unit in _markets_meant(parts, accounts)
    )


def order_in_words(order: WordedOrder, accounts: Iterable[NamedAccount]) -> str:
    """Return words from which ``read_order_words`` reads exactly this order, for the same ``accounts``."""
    labels = {account.label.casefold() for account in accounts}
    written = [order.side.value]
    if order.quantity is not None:
        written.append(plain(order.quantity))
        if order.unit is Unit.QUOTE:
            quote = order.market.quote
            is_clear = not _is_fixed(quote.casefold()) and quote.casefold() not in labels
            written.append(quote if is_clear else Unit.QUOTE.value)
    written.append(order.market.symbol)
    if order.algorithm:
        written.append(order.algorithm)
    if order.participation_rate is not None:
        written.append(f"{plain(order.participation_rate.scaleb(2))}%")
    if order.duration is not None:
        written.append(as_clock(order.duration))
    if order.limit_price is not None:
        written.append(f"limit {plain(order.limit_price)}")
    written += ['"' + account.label.replace('"', '""') + '"' for account in order.accounts]
    return " ".join(written)


def _words(text: str) -> Iterator[_Word]:
    for match in _WORD.finditer(text):
        label, word = match.groups()
        yield _Word(word) if word is not None else _Word(label.replace('""', '"'), is_quoted=True)


def _is_fixed(low: str) -> bool:
    """Return True for a word whose meaning does not depend on names.

    An account or currency of this name must be written in another way.
    """
    fixed = (*Side, *Unit, *LIMIT_WORDS, *ALGORITHMS)
    is_value = any(pattern.fullmatch(low) for pattern in (_DURATION, _RATE)) or _is_number(low)
    return low in fixed or low.startswith("@") or is_value


def _is_number(text: str) -> bool:
    try:
        decimal_number(without_grouping(text))
    except NumberRefused:
        return False
    return True


def _take(words: deque[_Word], parts: _Parts, accounts: Sequence[NamedAccount]) -> None:
    """Read the next part. Its words are removed from ``words``, also if it is refused."""
    word = words.popleft()
    if word.is_quoted:
        _put_account(word, parts, accounts)
    elif word.low.startswith(LIMIT_WORDS[1]) or word.low == LIMIT_WORDS[0]:
        _take_limit(word, words, parts)
    elif word.low in tuple(Side):
        parts.put("side", "Side", Side(word.low))
    elif word.low in ALGORITHMS:
        parts.put("algorithm", "Algorithm", word.low)
    elif _DURATION.fullmatch(word.low):
        _take_duration(word, words, parts)
    elif _RATE.fullmatch(word.text):
        label, text = "Participation rate", without_grouping(word.text[:-1])
        parts.put("participation_rate", label, checked_number("participation_rate", label, text).scaleb(-2))
    elif _is_number(word.low):
        _take_quantity(word, words, parts, accounts)
    else:
        _take_name(word, parts, accounts)


def _take_limit(word: _Word, words: deque[_Word], parts: _Parts) -> None:
    glued = word.text[1:] if word.low.startswith("@") else ""
    if not glued and not words:
        refuse("limit_price", f"Write a price after {word.text}.", "", code=Code.VALUE_MISSING)
    text = glued or words.popleft().text
    parts.put(
        "limit_price", "Limit price", checked_number("limit_price", "Limit price", without_grouping(text))
    )


def _take_duration(word: _Word, words: deque[_Word], parts: _Parts) -> None:
    """Read ``1h30m``, or ``1h 30m`` in two words. Each unit may stand once, the longest first."""
    said = [word.low]
    while words and not words[0].is_quoted and ":" not in word.low and _DURATION.fullmatch(words[0].low):
        said.append(words.popleft().low)
    text = " ".join(said)
    units = [*map("dhms".index, _SPANS.findall(text))]
    if units != sorted(set(units)):
        message = (
            f"Duration is {shortened(text)!r}. Write each unit once and the longest first, such as 1h30m."
        )
        refuse("duration", message, text, "1h30m", code=Code.VALUE_MALFORMED)
    try:
        duration = parse_duration(text)
    except ValueError as error:
        message = f"Duration is {shortened(text)!r}: {error}."
        refuse("duration", message, text, code=Code.VALUE_MALFORMED)
    if not timedelta(0) < duration <= MAX_DURATION:
        message = (
            f"Duration is {as_clock(duration)}. It must be above 0 and at most {as_clock(MAX_DURATION)}."
        )
        refuse("duration", message, duration, MAX_DURATION, code=Code.VALUE_OUT_OF_RANGE)
    parts.put("duration", "Duration", duration)


def _take_quantity(word: _Word, words: deque[_Word], parts: _Parts, accounts: Sequence[NamedAccount]) -> None:
    unit = ""
    if words and not words[0].is_quoted:
        low, markets = words[0].low, _markets_of(accounts)
        is_name = not _is_fixed(low) and not (_labelled(words[0], accounts) and low.upper() not in markets)
        if low in tuple(Unit) or (is_name and low.upper() in _names(markets)):
            unit = words.popleft().text.casefold().upper()
    parts.put("quantity", "Quantity", checked_number("quantity", "Quantity", without_grouping(word.text)))
    parts.unit = unit


def _take_name(word: _Word, parts: _Parts, accounts: Sequence[NamedAccount]) -> None:
    """Read a symbol, a currency or the label of an account."""
    name, markets = word.low.upper(), _markets_of(accounts)
    if name in markets:  # an account of this name can be written in quotation marks
        parts.named.append(name)
        return
    labelled = _labelled(word, accounts)
    is_currency = name in _names(markets)
    if labelled and is_currency:
        message = (
            f"{word.shown} may be an account or a currency. "
            'Write the account in quotation marks ("…"), or the whole symbol, such as BTC/USDT.'
        )
        refuse("words", message, word.text, code=Code.VALUE_MALFORMED)
    if is_currency:
        parts.named.append(name)
    elif labelled:
        _put_account(word, parts, accounts)
    elif _LIKE_A_NUMBER.match(word.text):
        checked_number("quantity", "Quantity", word.text)
    else:
        parts.unknown.append(word)


def _labelled(word: _Word, accounts: Sequence[NamedAccount]) -> list[NamedAccount]:
    """Return the account with exactly this label, else all whose labels differ in capital letters only."""
    exact = [account for account in accounts if account.label == word.text]
    return exact or [account for account in accounts if account.label.casefold() == word.low]


def _put_account(word: _Word, parts: _Parts, accounts: Sequence[NamedAccount]) -> None:
    found = _labelled(word, accounts)
    labels = _listed(account.label for account in accounts)
    if not found:
        message = f"You have no account {word.shown}. Your accounts are {labels or 'none'}."
        refuse("accounts", message, word.text, labels, code=Code.ACCOUNT_UNKNOWN)
    if len(found) > 1:
        names = enumerated([account.label for account in found])
        message = f"Account {word.shown} may be {names}. Write it with the same capital letters."
        refuse("accounts", message, word.text, names, code=Code.VALUE_MALFORMED)
    if found[0] in parts.accounts:
        message = f"Account {found[0].label} is named more than once."
        refuse("accounts", message, word.text, code=Code.VALUE_REPEATED)
    parts.accounts.append(found[0])


def _unknown_words(words: Sequence[_Word], accounts: Sequence[NamedAccount]) -> Problem:
    known = {
        "symbols": _listed(sorted(_markets_of(accounts))),
        "accounts": _listed(account.label for account in accounts),
        "algorithms": ", ".join(ALGORITHMS),
    }
    shown = enumerated([word.shown for word in words])
    subject = f"The word {shown} is" if len(words) == 1 else f"The words {shown} are"
    message = (
        f"{subject} unknown. Write buy or sell, a quantity, a symbol ({known['symbols'] or 'none'}), "
        f"an algorithm ({known['algorithms']}), a duration such as 30m, limit and a price, a rate such as 10%, "
        f"or an account ({known['accounts'] or 'none'})."
    )
    limit = "; ".join(f"{kind}: {names}" for kind, names in known.items())
    return Problem(
        "words", message, " ".join(word.text for word in words), limit, code=Code.VALUE_NOT_ALLOWED
    )


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join([*found[:MAX_LISTED], *(["…"] if len(found) > MAX_LISTED else [])])


def _markets_of(accounts: Iterable[NamedAccount]) -> dict[str, NamedMarket]:
    return {market.symbol.upper(): market for account in accounts for market in account.markets}


def _names(markets: dict[str, NamedMarket]) -> set[str]:
    return {
        name.upper() for market in markets.values() for name in (market.symbol, market.base, market.quote)
    }


def _markets_meant(parts: _Parts, accounts: Sequence[NamedAccount]) -> list[tuple[NamedMarket, Unit]]:
    """Return the markets that all named accounts trade and all named currencies fit, each with the quantity's unit."""
    all_markets = _markets_of(accounts)
    if not parts.named and parts.unit in ("", *(unit.upper() for unit in Unit)):
        names = _listed(sorted(all_markets))
        message = f"Symbol is missing. Your accounts trade {names or 'none'}."
        refuse("symbol", message, "", names, code=Code.VALUE_MISSING)
    fitting = [(market, unit) for market in all_markets.values() for unit in _units(market, parts)]
    found = [each for each in fitting if all(each[0] in account.markets for account in parts.accounts)]
    if found:
        return found
    words = " ".join(dict.fromkeys([parts.unit, *parts.named])).strip()
    if fitting:
        symbols = enumerated(list(dict.fromkeys(market.symbol for market, _ in fitting)))
        labels = enumerated([account.label for account in parts.accounts])
        message = f"{symbols} cannot be traded on {labels}."
        refuse("symbol", message, symbols, labels, code=Code.SYMBOL_NOT_LISTED)
    names = _listed(sorted(all_markets))
    message = f"No symbol of your accounts fits {shortened(words)}. They trade {names}."
    raise Refused([Problem("symbol", message, words, names, code=Code.SYMBOL_NOT_LISTED)])


def _units(market: NamedMarket, parts: _Parts) -> list[Unit]:
    """Return the unit of the quantity if the words fit the market, else nothing.

    The base must be named. The quote alone fits too many markets.
    """
    symbol, base, quote = market.symbol.upper(), market.base.upper(), market.quote.upper()
    if not {*parts.named} <= {symbol, base, quote}:
        return []
    in_base = {"", Unit.BASE.upper(), symbol, base}
    unit = Unit.BASE if parts.unit in in_base else Unit.QUOTE
    if unit is Unit.QUOTE and parts.unit not in {Unit.QUOTE.upper(), quote}:
        return []
    is_named: Collection[str] = {*parts.named} | ({parts.unit} if unit is Unit.BASE else set())
    return [unit] if {symbol, base} & {*is_named} else []
