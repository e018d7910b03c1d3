"""ccxt's packages, changed so that each exchange is loaded only on its first use.

``import ccxt.pro`` loads every exchange there is, three times over. That takes seconds of processor time and a hundred
megabytes in each process. This module puts the three packages into ``sys.modules`` without running their ``__init__``.
A name that an ``__init__`` would have imported is imported at its first use. No file of ccxt is changed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

_PACKAGES = ("ccxt", "ccxt.async_support", "ccxt.pro")


class _Package(ModuleType):
    """A package whose ``__init__`` is parsed for its imports and constants but never run."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        assert spec.origin is not None  # noqa: S101  # a package of files
        self.__spec__, self.__file__, self.__loader__ = spec, spec.origin, spec.loader
        self.__path__ = list(spec.submodule_search_locations or ())
        source = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        imported, constants = _imports(source), _constants(source)
        vars(self).update(constants, _imported=imported)

    def __getattr__(self, name: str) -> Any:
        module = vars(self)["_imported"].get(name)
        if module is None:
            raise AttributeError(f"{self.__name__} has no {name}")
        found = getattr(import_module(module), name)
        setattr(self, name, found)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute. If ``value`` is a module that contains a class of the same name, set the class instead.

        The import of ``ccxt.pro.binance`` sets such a module.
        """
        if isinstance(value, ModuleType) and isinstance(vars(value).get(name), type):
            value = vars(value)[name]
        super().__setattr__(name, value)


def _imports(source: ast.Module) -> Mapping[str, str]:
    """Return the module that each imported name comes from."""
    return {
        alias.asname or alias.name: statement.module
        for statement in source.body
        if isinstance(statement, ast.ImportFrom) and statement.module is not None
        for alias in statement.names
    }


def _constants(source: ast.Module) -> Mapping[str, Any]:
    """Return the constants that ``source`` assigns as literals: the version and the lists of exchanges."""
    found = {}
    for statement in source.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            try:
                found[statement.targets[0].id] = ast.literal_eval(statement.value)
            except ValueError:
                continue  # made of what is imported
    return found


def _packages() -> tuple[Any, Any]:
    """Return ``ccxt`` and ``ccxt.pro``. They are the desk's lazy packages, unless ``ccxt`` was imported before."""
    if "ccxt" not in sys.modules:
        path = None
        for name in _PACKAGES:
            spec = PathFinder.find_spec(name, path)
            if spec is None:
                raise ModuleNotFoundError(f"{name} is not installed", name=name)
            package = sys.modules[name] = _Package(spec)
            path = sys.modules["ccxt"].__path__
            parent, _, child = name.rpartition(".")
            if parent:
                setattr(sys.modules[parent], child, package)
    return import_module("ccxt"), import_module("ccxt.pro")


_ccxt, _pro = _packages()
#: ccxt's version, its exchanges that have websockets, and its exchanges that have none.
VERSION: str = _ccxt.__version__
EXCHANGES: tuple[str, ...] = tuple(_pro.exchanges)
EXCHANGES_WITHOUT_WEBSOCKETS: frozenset[str] = frozenset(_ccxt.exchanges) - set(EXCHANGES)


def exchange_class(exchange_id: str) -> type[Any]:
    """Return ccxt.pro's class of an exchange. Raise ``ValueError`` for one that it does not have."""
    if exchange_id not in EXCHANGES:
        raise ValueError(f"unknown exchange {exchange_id!r}: ccxt.pro has none of that name")
    found: type[Any] = getattr(_pro, exchange_id)
    return found
