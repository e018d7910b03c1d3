"""A client that a generator makes of the OpenAPI document launches, follows and cancels an order on the real desk."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.desk.running import RunningDesk, wait_until
from tests.desk.test_api_curl import token_of


def generate(desk: RunningDesk, folder: Path) -> str:
    """Make the package ``made`` in ``folder`` and return what the generator said."""
    document = folder / "openapi.json"
    headers = {"Authorization": f"Bearer {token_of(desk, 'trader')}"}
    answer = httpx.get(f"{desk.url}/api/v1/openapi.json", headers=headers)
    document.write_bytes(answer.raise_for_status().content)
    options = folder / "options.yaml"
    options.write_text("post_hooks: []\n")  # it would format the client with tools that it looks for in PATH
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"),
            *("--path", str(document), "--config", str(options)),
            *("--meta", "none", "--output-path", str(folder / "made")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_generated_client_launches_follows_and_cancels_an_order(
    desk: RunningDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "warning" not in generate(desk, tmp_path).lower()
    monkeypatch.syspath_prepend(str(tmp_path))
    models: Any = import_module("made.models")
    orders = {name: import_module(f"made.api.orders.{name}") for name in ("order_launch", "order_preview")}
    orders |= {name: import_module(f"made.api.orders.{name}") for name in ("order_read", "order_cancel")}
    client = import_module("made").AuthenticatedClient(base_url=desk.url, token=token_of(desk, "trader"))
    body = models.TwapOrder(
        symbol="BTC/USDT",
        side=models.Side.BUY,
        quantity="0.05",
        unit=models.Unit.BASE,
        algorithm="twap",
        parameters=models.TwapParameters(duration=600, slices=10),
        accounts=["alpha"],
        client_reference="by a generated client",
    )

    preview = orders["order_preview"].sync(client=client, body=body)
    assert (len(preview.slices), preview.problems) == (10, [])

    order = orders["order_launch"].sync(client=client, body=body, idempotency_key="generated-1")
    assert isinstance(order, models.OrderDetail)
    assert order.side == models.Side.BUY

    def status() -> str:
        read = orders["order_read"].sync(public_id=order.id, client=client)
        return str(read.status.value)

    wait_until(lambda: status() == "working", within=30, what="the order was to work")
    reason = models.ActionBody(reason="seen enough")
    closing = orders["order_cancel"].sync(public_id=order.id, client=client, body=reason)
    assert closing.status.value in {"closing", "cancelled"}
    wait_until(lambda: status() == "cancelled", within=30, what="the order was to be cancelled")

    wrong = models.TwapOrder(
        **{field: getattr(body, field) for field in ("symbol", "side", "unit")},
        quantity="x",
        algorithm="twap",
        accounts=["alpha"],
    )
    refused = orders["order_launch"].sync(client=client, body=wrong, idempotency_key="generated-2")
    assert isinstance(refused, models.Problems)
    assert "quantity" in {problem.field for problem in refused.problems}
