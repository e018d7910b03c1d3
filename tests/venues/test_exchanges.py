"""ccxt's exchanges are loaded one at a time, and are ccxt's own."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

from execution.venues.ccxt_packages import EXCHANGES, EXCHANGES_WITHOUT_WEBSOCKETS, VERSION, exchange_class
from tests.checks import REPOSITORY

ONE = """
import json, sys
from execution.venues.client import client_class
import ccxt, ccxt.pro.binance, ccxt.pro.okx
made = client_class("binance").__mro__[1]
print(json.dumps({
    "loaded": sorted(name for name in sys.modules if name.startswith("ccxt.pro.")),
    "is_ccxts": made is ccxt.pro.binance and made is sys.modules["ccxt.pro.binance"].binance,
    "rest": made.__mro__[1].__module__,
    "file": sys.modules["ccxt.pro.binance"].__file__,
    "error": ccxt.NetworkError.__module__,
    "version": ccxt.__version__,
}))
"""


@pytest.mark.real_process
def test_an_exchange_is_loaded_alone_and_its_class_is_ccxts_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONE], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    seen = json.loads(done.stdout)
    assert seen["loaded"] == ["ccxt.pro.binance", "ccxt.pro.okx"]
    assert seen["is_ccxts"]
    assert seen["rest"] == "ccxt.async_support.binance"
    assert seen["file"].endswith("ccxt/pro/binance.py")
    assert seen["error"] == "ccxt.base.errors"
    assert seen["version"] == VERSION


def test_the_lists_are_what_ccxt_has_files_of() -> None:
    import ccxt

    def files(package: str) -> set[str]:
        return {found.name for found in pkgutil.iter_modules([f"{path}{package}" for path in ccxt.__path__])}

    assert set(EXCHANGES) == files("/pro") - {"base", "test"}
    assert set(EXCHANGES) | EXCHANGES_WITHOUT_WEBSOCKETS == files("/async_support") - {"base"}
    assert len(EXCHANGES) > 50


def test_an_exchange_that_ccxt_does_not_have_is_named() -> None:
    with pytest.raises(ValueError, match="'nowhere'"):
        exchange_class("nowhere")
