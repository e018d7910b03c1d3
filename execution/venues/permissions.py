"""The permissions of an API key, and the mode of its account, on exchanges that report them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from execution.core.types import KeyPermissions
from execution.venues.spec import Mode
from execution.venues.values import AnswerError


def key_permissions(method: str, answer: Any) -> KeyPermissions:
    """Return the permissions in the answer of ccxt's ``method``. Raise ``AnswerError`` for an answer without them."""
    return READERS[method](answer)


def mode_is(mode: Mode, answer: Any) -> bool:
    """Return True if the answer says that the account is in ``mode``. Raise ``AnswerError`` if it names no mode."""
    told = _found(answer, *mode.at)
    if not isinstance(told, bool | int | str):
        raise AnswerError(f"an answer without {'.'.join(mode.at)!r}")
    return told in mode.expected


def _binance(answer: Any) -> KeyPermissions:
    names = ("enableReading", "enableSpotAndMarginTrading", "enableWithdrawals")
    return _of_booleans(_mapping(answer, names[0]), *names)


def _coinbase(answer: Any) -> KeyPermissions:
    return _of_booleans(_mapping(answer, "can_view"), "can_view", "can_trade", "can_transfer")


def _bybit(answer: Any) -> KeyPermissions:
    told = _mapping(_found(answer, "result"), "permissions")
    groups = _mapping(told["permissions"])
    writes = {0: True, 1: False}.get(told.get("readOnly"))  # type: ignore[arg-type]  # or nothing
    spot, wallet = groups.get("Spot"), groups.get("Wallet")
    trade = "SpotTrade" in spot and writes if isinstance(spot, list) else None
    withdraw = "Withdraw" in wallet if isinstance(wallet, list) else None
    return KeyPermissions(read=True, trade=trade, withdraw=withdraw)


def _okx(answer: Any) -> KeyPermissions:
    listed = _found(answer, "data")
    words = _words(_mapping(listed[0] if isinstance(listed, list) and listed else None, "perm")["perm"])
    return KeyPermissions(read="read_only" in words, trade="trade" in words, withdraw="withdraw" in words)


def _kucoin(answer: Any) -> KeyPermissions:
    words = _words(_mapping(_found(answer, "data"), "permission")["permission"])
    return KeyPermissions(
        read="General" in words, trade="Spot" in words or "Trade" in words, withdraw="Withdrawal" in words
    )


def _bitget(answer: Any) -> KeyPermissions:
    authorities = _mapping(_found(answer, "data"), "authorities")["authorities"]
    if not isinstance(authorities, list):
        raise AnswerError("an answer without a list of authorities")
    # Read and write of spot trade, and of the wallet: "stow", "stor", "wwow", "wwor".
    return KeyPermissions(
        read=bool({"stow", "stor"} & set(authorities)),
        trade="stow" in authorities,
        withdraw="wwow" in authorities,
    )


READERS: Mapping[str, Callable[[Any], KeyPermissions]] = {
    "sapi_get_account_apirestrictions": _binance,
    "v3PrivateGetBrokerageKeyPermissions": _coinbase,
    "privateGetV5UserQueryApi": _bybit,
    "privateGetAccountConfig": _okx,
    "privateGetUserApiKey": _kucoin,
    "privateSpotGetV2SpotAccountInfo": _bitget,
}


def _of_booleans(answer: Mapping[str, Any], read: str, trade: str, withdraw: str) -> KeyPermissions:
    read_, trade_, withdraw_ = (
        value if isinstance(value := answer.get(name), bool) else None for name in (read, trade, withdraw)
    )
    return KeyPermissions(read=read_, trade=trade_, withdraw=withdraw_)


def _words(value: Any) -> set[str]:
    if not isinstance(value, str):
        raise AnswerError("an answer without permissions")
    return {word.strip() for word in value.split(",")}


def _found(tree: Any, *keys: str) -> Any:
    for key in keys:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def _mapping(value: Any, *needed: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or any(name not in value for name in needed):
        raise AnswerError("an answer without permissions")
    return value
