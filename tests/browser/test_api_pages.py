"""A person's own page and the API's document, in a browser, under the strict policy."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.console_guard import Watched
from tests.desk.running import RunningDesk


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_token_is_made_and_the_document_is_read(desk: RunningDesk, browser: Browser, theme: str) -> None:
    watched = Watched(browser, desk, theme)
    page = watched.log_in("trader")
    page.goto("/me/")
    page.get_by_label("Name").fill(f"by hand, {theme}")
    page.get_by_role("button", name="Make a token", exact=True).click()
    token = page.get_by_label("The new token").input_value()
    assert re.fullmatch(r"tranche_[\w-]{43}", token)
    watched.picture(f"me-{theme}")
    page.get_by_role("link", name="how to use them", exact=True).click()
    operation = page.locator("#order_launch")
    expect(operation).to_contain_text("/api/v1/orders")
    expect(operation).to_contain_text("Idempotency-Key")
    expect(page.locator("#TwapParameters")).to_contain_text("collar_bp")
    watched.picture(f"api-{theme}")
    answer = page.request.get("/api/v1/orders", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 200
    page.goto("/me/")
    row = page.locator("tr", has_text=token[-4:])
    row.get_by_role("button").click()
    watched.picture(f"me-revoke-{theme}")
    page.get_by_role("button", name="Revoke the token", exact=True).click()
    expect(row).to_contain_text("revoked")
    answer = page.request.get("/api/v1/orders", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 401
    assert watched.complaints == []
