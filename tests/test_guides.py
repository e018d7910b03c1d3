"""The guides "add an algorithm" and "add an exchange" are followed: their code is taken from the page and works."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dashboard.forms import fields
from execution.core import guarantees
from execution.core.alerts.delivery import signature
from execution.core.algorithms import registry
from execution.core.algorithms.registry import AlgorithmSpec, plan_order
from execution.core.algorithms.slice_tactic import rest_and_cross
from execution.core.orders import parameters, terms
from execution.core.orders.plans import PlanInput
from execution.core.orders.terms import Algorithm, parse_parameters
from execution.core.problems import Refused
from execution.core.quantities import is_multiple, minimum_quantity
from execution.core.simulation.kinds import KINDS
from execution.core.simulation.setting import usual_setting
from execution.core.simulation.trials import simulate
from execution.core.states import OrderStatus
from execution.core.types import Accepted, CancelConfirmed, Side, VenueStatus
from execution.venues import exchanges
from execution.venues.ccxt_packages import EXCHANGES
from tests.acceptance.dialects import BINANCE
from tests.acceptance.paper_account import PaperAccount, crossing, ended, found, gateway_to, passive, ref_of
from tests.checks import REPOSITORY
from tests.core import any_view
from tests.core.algorithms.test_any_view import check
from tests.core.builders import MARKET, NOW, D
from tests.venues.stub import SYMBOL, VALID

_CODE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: The names of parameters.py that its new class may use, and what the guide's other code imports.
PARAMETERS = (
    "from execution.core.orders.parameters import *\nfrom execution.core.orders.parameters import _field\n"
)


def code_of(page: str) -> list[str]:
    """Return the Python blocks of a guide."""
    return _CODE.findall((REPOSITORY / "docs" / "how-to" / page).read_text(encoding="utf-8"))


def module_of(folder: Path, name: str, code: str) -> ModuleType:
    """Import ``code`` as a file, because pydantic reads docstrings of fields from the source."""
    path = folder / f"{name}.py"
    path.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entry_of(line: str, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a table that the guide adds."""
    entry: dict[str, Any] = eval(f"{{{line}}}", dict(names))
    return entry


@pytest.fixture
def fade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Any]]:
    """Add the algorithm as its guide says, and yield the class of its parameters."""
    model, schedule, named, registered = code_of("add-an-algorithm.md")
    made = module_of(tmp_path, "guide_parameters", PARAMETERS + model)
    monkeypatch.setattr(parameters, "FadeParameters", made.FadeParameters, raising=False)
    plan = module_of(tmp_path, "guide_fade", schedule).plan_fade
    names = {"Algorithm": Algorithm, "FadeParameters": made.FadeParameters}
    monkeypatch.setitem(terms.ALGORITHMS, "fade", entry_of(named, names)["fade"])
    names = {"AlgorithmSpec": AlgorithmSpec, "plan_fade": plan, "rest_and_cross": rest_and_cross}
    monkeypatch.setitem(registry.ALGORITHM_SPECS, "fade", entry_of(registered, names)["fade"])
    monkeypatch.setattr(any_view, "MODELS", {"fade": made.FadeParameters})
    yield made.FadeParameters
    del sys.modules["guide_parameters"], sys.modules["guide_fade"]


def planned(model: type[Any], quantity: str, **values: Any) -> tuple[Any, ...]:
    given = model(duration=timedelta(minutes=10), **values)
    end = NOW + timedelta(minutes=10)
    asked = PlanInput(NOW, Side.BUY, D(quantity), given, None, NOW, end, MARKET, D("60000"))
    return plan_order("fade", asked).slices


def test_the_new_algorithm_plans_exact_slices_that_become_smaller(fade: type[Any]) -> None:
    quantities = [part.quantity for part in planned(fade, "1", slices=5, decay="0.5")]
    assert sum(quantities) == 1
    assert len(quantities) == 5
    assert quantities == sorted(quantities, reverse=True)
    assert quantities[0] > 15 * quantities[-1]


def test_the_new_algorithm_merges_slices_under_the_minimum(fade: type[Any]) -> None:
    least = minimum_quantity(MARKET, D("60000"))
    quantities = [part.quantity for part in planned(fade, str(least * 6), slices=5, decay="0.5")]
    assert sum(quantities) == least * 6
    assert 1 < len(quantities) < 5
    assert all(quantity >= least and is_multiple(quantity, MARKET.lot) for quantity in quantities)


def test_the_ticket_offers_the_new_algorithm_and_refuses_what_is_out_of_bounds(fade: type[Any]) -> None:
    (decay,) = [field for field in fields.algorithm_fields("fade") if field.name == "decay"]
    assert (decay.label, decay.unit) == ("Decay", "%")
    assert "share of the one before" in decay.description
    assert parse_parameters("fade", {"duration": "10m", "decay": "0.5"}) == fade(duration="10m", decay="0.5")
    with pytest.raises(Refused, match="at most 1"):
        parse_parameters("fade", {"duration": "10m", "decay": "1.5"})


@pytest.mark.usefixtures("fade")
def test_no_decision_of_the_new_algorithm_breaks_an_invariant() -> None:
    for seed in range(200):
        check(seed)


@pytest.mark.usefixtures("fade")
def test_the_new_algorithm_completes_an_order_in_a_simulated_market() -> None:
    run = simulate(usual_setting(next(iter(KINDS.values())), "fade", Side.BUY), 1, "fade")
    assert run.status is OrderStatus.COMPLETED
    assert sum(fill.lots for fill in run.fills) == run.lots
    assert run.children > 5


@pytest.fixture
def binanceus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the exchange as its guide says."""
    spec: dict[str, Any] = {}
    promises: dict[str, Any] = {}
    for code, names in zip(code_of("add-an-exchange.md"), (spec, promises), strict=True):
        exec(compile(code, "docs/how-to/add-an-exchange.md", "exec"), names)
    monkeypatch.setattr(exchanges, "EXCHANGE_SPECS", {**exchanges.EXCHANGE_SPECS, "binanceus": spec["SPEC"]})
    known = {**guarantees.GUARANTEES, "binanceus": promises["GUARANTEES"]}
    monkeypatch.setattr(guarantees, "GUARANTEES", known)


US = replace(BINANCE, exchange="binanceus")


def test_the_exchange_of_the_guide_is_refused_before_it_is_added(paper_account: PaperAccount) -> None:
    assert US.exchange in EXCHANGES
    assert US.exchange not in exchanges.EXCHANGE_SPECS
    with pytest.raises(ValueError, match="no way is known to look an order up"):
        gateway_to(paper_account, US)


@pytest.mark.usefixtures("binanceus")
async def test_the_new_exchange_places_finds_fills_and_cancels_orders(paper_account: PaperAccount) -> None:
    gateway = gateway_to(paper_account, US)
    await gateway.open()
    try:
        assert gateway.guarantees.arrives_within == timedelta(seconds=1)
        assert (await gateway.markets([SYMBOL]))[SYMBOL].tick == D("0.01")
        quote = await gateway.quote(SYMBOL)
        resting, taking = passive(quote), crossing(quote, client_id="qtestparent010002")
        assert isinstance(await gateway.create(resting, valid_for=VALID), Accepted)
        assert (await found(gateway, resting)).status is VenueStatus.OPEN
        assert isinstance(await gateway.cancel(ref_of(resting)), CancelConfirmed)
        await gateway.create(taking, valid_for=VALID)
        assert (await ended(gateway, taking)).filled == taking.quantity
        theirs = await paper_account.orders()
        assert {name: order["times_accepted"] for name, order in theirs.items()} == {
            resting.client_id: 1,
            taking.client_id: 1,
        }
    finally:
        await gateway.close()


@pytest.mark.usefixtures("binanceus")
async def test_the_new_exchange_tells_a_fill_on_its_private_stream(paper_account: PaperAccount) -> None:
    gateway = gateway_to(paper_account, US)
    await gateway.open()
    try:
        taking = crossing(await gateway.quote(SYMBOL), client_id="qtestparent010003")
        async for event in gateway.watch_account([SYMBOL]):
            if event.resumed:
                await gateway.create(taking, valid_for=VALID)
            if event.trades:
                assert {trade.client_id for trade in event.trades} == {taking.client_id}
                break
    finally:
        await gateway.close()


def test_the_receiver_of_the_alerts_guide_knows_what_the_desk_signed() -> None:
    (code,) = code_of("alerts.md")
    names: dict[str, Any] = {}
    exec(compile(code, "docs/how-to/alerts.md", "exec"), names)
    signed = signature("whsec_x", 1_772_366_400, b'{"id": "a-1"}')
    assert names["is_from_the_desk"]("whsec_x", "1772366400", b'{"id": "a-1"}', signed)
    assert not names["is_from_the_desk"]("whsec_x", "1772366401", b'{"id": "a-1"}', signed)
    assert not names["is_from_the_desk"]("whsec_x", "1772366400", b'{"id": "a-2"}', signed)
