"""The pictures of README.md and the tutorials, taken of a real desk in Chromium, dark and light.

``uv run python -m tests.pictures`` follows the tutorials on a paper desk of its own and writes docs/images. It takes
about ten minutes, the time of its orders. ``--out FOLDER`` writes elsewhere.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.checks import REPOSITORY
from tests.desk.browser import CHROMIUM_FLAGS, find_chromium
from tests.desk.running import RunningDesk, start_desk

#: The pictures by name; each is there as NAME-dark.png and NAME-light.png.
NAMES = (
    "order",
    "ticket",
    "review",
    "first-order",
    "report",
    "wall",
    "halt",
    "halted",
    "accounts",
    "account",
)
THEMES = ("light", "dark")  # the dark one last, so that the page goes on as it was
SIZE = {"width": 1440, "height": 900}
SOON = 180_000  # milliseconds, of a busy machine
ORDER_ADDRESS = re.compile(r"/orders/[0-9a-z]{8}/$")
#: Seconds of a start on a busy machine.
START_WITHIN = 600.0
#: Seconds for the cost beside the plan. A busy machine takes longer, and the ticket does without it.
ESTIMATE_WITHIN = 20
#: Of the tutorial's five minutes and of the readme's ten: enough to see it work.
TUTORIAL_SHOWN, README_SHOWN = 170, 400
SWITCH = """(theme) => {
  document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new Event("tranche:redraw"));
}"""
#: The lower end of the page's panels.
CONTENT = """() => Math.max(...[...document.querySelectorAll("main *")].map(
  (part) => part.offsetParent ? part.getBoundingClientRect().bottom : 0))"""


@dataclass(frozen=True)
class Album:
    """A folder of pictures."""

    folder: Path

    def take(self, page: Page, name: str) -> None:
        """Take the page as it is, in both themes, without an empty lower part."""
        page.mouse.move(0, 0)
        height = min(page.evaluate(CONTENT) + 24, SIZE["height"])
        clip = {"x": 0, "y": 0, "width": SIZE["width"], "height": height}
        for theme in THEMES:
            page.evaluate(SWITCH, theme)
            page.wait_for_timeout(700)  # a page draws at most four times a second
            page.screenshot(path=self.folder / f"{name}-{theme}.png", clip=clip)  # type: ignore[arg-type]


def enter(browser: Browser, desk: RunningDesk, person: str) -> Page:
    """Log in as the tutorials say, in a browser window of the person's own."""
    page = browser.new_context(viewport=SIZE, base_url=desk.url).new_page()  # type: ignore[arg-type]
    page.goto("/login/")
    page.get_by_label("Name").fill(person)
    page.get_by_label("Password").fill(desk.passwords[person])
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page).to_have_url(re.compile(r"//[^/]+/((orders|accounts|wall)/)?$"), timeout=SOON)
    page.wait_for_load_state()
    return page


def write_ticket(
    page: Page, *, quantity: str, duration: str, algorithm: str, accounts: tuple[str, ...]
) -> None:
    """Fill in a ticket for BTC/USDT, and wait for its plan."""
    page.goto("/orders/new/?start=defaults")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=SOON)
    for box in page.locator("[name=accounts]").all():
        box.set_checked(box.evaluate("box => box.closest('label').innerText").strip().startswith(accounts))
    page.locator(f'input[name="algorithm"][value="{algorithm}"] + span').click()
    page.get_by_label("Quantity", exact=True).fill(quantity)
    page.get_by_label("Duration").fill(duration)
    expect(page.locator("#plan-subtitle")).to_contain_text("slices", timeout=SOON)
    for _ in range(ESTIMATE_WITHIN):
        if "being simulated" not in page.locator("#preview").inner_text():
            break
        page.wait_for_timeout(1000)


def review(page: Page, quantity: str) -> None:
    """Choose Review, and type the quantity again where the desk asks for it."""
    page.locator("#review").click()
    expect(page.locator("#review-body .sentence")).to_contain_text("BUY", timeout=SOON)
    if (again := page.locator("#confirm_quantity")).count():
        again.fill(quantity)


def send(page: Page) -> str:
    """Choose Send, and return the address of the order's page."""
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page).to_have_url(ORDER_ADDRESS, timeout=SOON)
    return page.url


def first_order(page: Page, album: Album, shown: Callable[[Page], None]) -> str:
    """Follow docs/tutorials/first-order.md until the order works. Return its address."""
    write_ticket(page, quantity="0.05", duration="5m", algorithm="twap", accounts=("alpha",))
    album.take(page, "ticket")
    review(page, "0.05")
    album.take(page, "review")
    address = send(page)
    expect(page.locator("#tab-fills b")).not_to_have_text("0", timeout=2 * SOON)
    shown(page)
    album.take(page, "first-order")
    return address


def first_report(page: Page, address: str, album: Album) -> None:
    """Follow the tutorial's last step: the report of a completed order."""
    page.goto(address)
    expect(page.locator("#order-status")).to_contain_text("completed", timeout=6 * SOON)
    page.get_by_role("link", name="Report", exact=True).click()
    page.wait_for_timeout(1500)  # for the charts
    album.take(page, "report")


def supervise(page: Page, album: Album) -> None:
    """Follow docs/tutorials/supervisor.md: the wall, a halt of the desk, and its end."""
    expect(page.locator("#wall-rows tr").first).to_be_visible(timeout=SOON)
    page.wait_for_timeout(2500)
    album.take(page, "wall")
    page.get_by_role("link", name="■ HALT…", exact=True).click()
    expect(page.locator("#halt-preview")).to_contain_text("Pauses", timeout=SOON)
    page.get_by_label("Reason").fill("the market is broken")
    page.get_by_label("Type HALT DESK to confirm").fill("HALT DESK")
    album.take(page, "halt")
    page.get_by_role("button", name="■ Halt", exact=True).click()
    expect(page.locator('#halt-flat[data-state="flat"]')).to_be_visible(timeout=SOON)
    album.take(page, "halted")
    page.get_by_role("button", name="Lift…", exact=True).click()
    page.locator("#lift-reason").fill("the market is well")
    page.get_by_role("button", name="Lift the halt", exact=True).click()
    expect(page.locator("#halt-state")).to_contain_text("LIFTED", timeout=SOON)


def administer(page: Page, album: Album) -> None:
    """Follow docs/tutorials/admin.md to an account's page."""
    page.wait_for_timeout(1500)
    album.take(page, "accounts")
    page.get_by_role("link", name="alpha", exact=True).first.click()
    expect(page).to_have_url(re.compile(r"/accounts/[0-9a-z]+/$"), timeout=SOON)
    page.wait_for_timeout(1000)
    album.take(page, "account")


def take_all(browser: Browser, desk: RunningDesk, album: Album) -> None:
    """Take every picture, the readme's order beside the tutorial's."""
    trader = enter(browser, desk, "trader")
    write_ticket(trader, quantity="4", duration="10m", algorithm="vwap", accounts=("alpha", "beta", "gamma"))
    review(trader, "4")
    readme, begun = send(trader), time.monotonic()
    address = first_order(trader, album, lambda page: page.wait_for_timeout(TUTORIAL_SHOWN * 1000))
    first_report(trader, address, album)
    trader.goto(readme)
    trader.wait_for_timeout(max(0.0, begun + README_SHOWN - time.monotonic()) * 1000)
    album.take(trader, "order")
    write_ticket(trader, quantity="0.05", duration="30m", algorithm="twap", accounts=("alpha",))
    review(trader, "0.05")
    send(trader)
    supervise(enter(browser, desk, "supervisor"), album)
    administer(enter(browser, desk, "admin"), album)


def main() -> int:
    parser = argparse.ArgumentParser(description="Take the pictures of README.md and the tutorials.")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "images", metavar="FOLDER")
    folder: Path = parser.parse_args().out
    program = find_chromium()
    if program is None:
        sys.stderr.write("no Chromium was found: apt-get install chromium-headless-shell fonts-dejavu-core\n")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tranche-pictures-") as name, sync_playwright() as playwright:
        desk = start_desk(Path(name) / "var")
        try:
            desk.wait(within=START_WITHIN)
            browser = playwright.chromium.launch(executable_path=program, args=list(CHROMIUM_FLAGS))
            take_all(browser, desk, Album(folder))
        finally:
            desk.stop()
            desk.kill_all()
    sys.stdout.write(f"{2 * len(NAMES)} pictures in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
