"""Kraken's names of assets, pairs, orders and trades."""

from __future__ import annotations

import re

from execution.core.types import Market
from execution.paper.exchange import Exchange, SymbolMarket

#: The assets that kraken names differently: the short name, and the name with the letter of the asset's class.
_ASSETS = {"BTC": ("XBT", "XXBT"), "ETH": ("ETH", "XETH"), "DOGE": ("XDG", "XXDG")}
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ID = re.compile(r"[OT]([0-9A-Z]{5})-([0-9A-Z]{5})-([0-9A-Z]{6})")
#: The characters of an id after its first letter, and those of a trade's id that are its order's number.
_ID_LENGTH, _ORDER_LENGTH = 16, 7


def short_name(asset: str) -> str:
    return _ASSETS.get(asset, (asset, asset))[0]


def asset_id(asset: str) -> str:
    return _ASSETS.get(asset, (asset, asset))[1]


def pair_id(market: Market) -> str:
    """Return the name of a pair over REST: ``XBTUSDT``."""
    return short_name(market.base) + short_name(market.quote)


def old_stream_name(market: Market) -> str:
    """Return the name of a pair in the first version of the websockets: ``XBT/USDT``."""
    return f"{short_name(market.base)}/{short_name(market.quote)}"


def pair_named(name: str, exchange: Exchange) -> SymbolMarket | None:
    """Return the listed symbol with this name, in the form ``XBTUSDT`` or ``XBT/USDT``."""
    wanted = name.replace("/", "", 1)
    found = (symbol for symbol in exchange.listed if wanted in (pair_id(symbol.market), symbol.name))
    return next(found, None)


def order_txid(order_id: int) -> str:
    return _written("O", _base36(order_id, _ID_LENGTH))


def trade_txid(order_id: int, trade_id: int) -> str:
    """Return kraken's id of an order's trade.

    It contains the order's number, because the trades of different symbols may have the same number.
    """
    number = _base36(trade_id, _ID_LENGTH - _ORDER_LENGTH)
    return _written("T", _base36(order_id, _ORDER_LENGTH) + number)


def order_number(txid: str) -> int | None:
    """Return the exchange's number of an order, or None if the text is no order id."""
    match = _ID.fullmatch(txid)
    return int("".join(match.groups()), 36) if match is not None and txid.startswith("O") else None


def _written(letter: str, digits: str) -> str:
    return f"{letter}{digits[:5]}-{digits[5:10]}-{digits[10:]}"


def _base36(number: int, length: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits.rjust(length, "0")
