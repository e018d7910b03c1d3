"""The screen of a phone, and what a page must have on it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.browser.test_home import WIDER

PHONE: ViewportSize = {"width": 390, "height": 844}
#: The thumb of the hand that holds the phone reaches the part of the screen below this.
REACH = PHONE["height"] * 2 / 3
#: Whether the first cell of a kind shows its label before its value.
LABELLED = """([selector, label]) => {
  const cell = document.querySelector(selector);
  return cell !== null && cell.checkVisibility() && getComputedStyle(cell, "::before").content === `"${label}"`;
}"""
#: What sticks out at the right of the page, for the message.
WIDE = """() => [...document.querySelectorAll("main *")]
  .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && !node.closest(".scroll, [popover]"))
  .slice(0, 3).map((node) => node.outerHTML.slice(0, 120))"""
#: Parts of the page that must be scrolled sideways.
SIDEWAYS = """() => [...document.querySelectorAll("main .scroll, .filters")]
  .filter((node) => node.scrollWidth > node.clientWidth + 1).map((node) => node.innerHTML.slice(0, 120))"""
#: Parts that stick out of their panel, and lines whose text is cut off without a tooltip.
CUT = """() => [...document.querySelectorAll("main .panel *")].filter((node) => node.checkVisibility()
  && !node.closest(".scroll, [popover], .visually-hidden, svg, .act-bar, .bulk-bar")
  && (node.getBoundingClientRect().right > node.closest(".panel").getBoundingClientRect().right + 1
    || (node.matches("li, p, label") && node.scrollWidth > node.clientWidth + 1 && !node.title)))
  .slice(0, 3).map((node) => node.outerHTML.slice(0, 120))"""
#: Cells of cards whose text sticks out of its card or has the width of a letter, and numbers without their label.
CARDS = """() => [...document.querySelectorAll("main .cards tbody td")].filter((cell) => cell.checkVisibility())
  .filter((cell) => {
    const text = document.createRange();
    text.selectNodeContents(cell);
    const box = cell.getBoundingClientRect();
    const head = cell.closest("table[data-cards]")?.tHead.rows[0].cells[cell.cellIndex]?.textContent.trim();
    return text.getBoundingClientRect().right > cell.parentNode.getBoundingClientRect().right + 1
      || (box.width < 30 && box.height > 60)
      || (head && cell.matches(".number") && cell.colSpan === 1 && !cell.dataset.label);
  }).slice(0, 3).map((cell) => cell.outerHTML.slice(0, 120))"""
#: Buttons that a finger misses. The prices of the ladder are rows of a book, and its field takes a price as well.
SMALL = """() => [...document.querySelectorAll(
    ".edge-tabs > *, :is(main, .top) :is(button, .button, [role=tab], summary, .bell)")]
  .filter((node) => node.checkVisibility() && !node.matches(".price") && node.getBoundingClientRect().height < 43.5)
  .map((node) => node.outerHTML.slice(0, 120))"""
#: What stands at the lower edge and covers the end of the page, or something else that stands there.
COVERED = """() => {
  const bars = [...document.querySelectorAll(".edge-tabs, .act-bar, .bulk-bar, .top > .halt-button")]
    .filter((node) => node.checkVisibility() && getComputedStyle(node).position === "fixed");
  const main = document.querySelector("main");
  const before = scrollY;
  scrollTo(0, document.documentElement.scrollHeight);
  const end = main.getBoundingClientRect().bottom - parseFloat(getComputedStyle(main).paddingBottom);
  scrollTo(0, before);
  const boxes = bars.map((node) => node.getBoundingClientRect());
  return bars.filter((node, place) => boxes[place].top < end - 0.5 || boxes.some((other, at) =>
    at !== place && other.top < boxes[place].bottom - 0.5 && boxes[place].top < other.bottom - 0.5))
    .map((node) => node.outerHTML.slice(0, 120));
}"""


def overflowing(page: Page) -> list[str]:
    """Return what makes the page wider than the screen; empty when nothing does."""
    return [] if page.evaluate(WIDER) <= 0 else page.evaluate(WIDE) or ["something"]


def phone_problems(page: Page) -> list[str]:
    """Return everything of the page that a phone does not show, or that a finger does not hit."""
    found = [f"wider than a phone: {part}" for part in overflowing(page)]
    found += [f"scrolls sideways: {part}" for part in page.evaluate(SIDEWAYS)]
    found += [f"is cut off: {part}" for part in page.evaluate(CUT)]
    found += [f"is no card: {part}" for part in page.evaluate(CARDS)]
    found += [f"covers the page: {part}" for part in page.evaluate(COVERED)]
    return found + [f"too small for a finger: {part}" for part in page.evaluate(SMALL)]


def wait_for_cards(page: Page, rows: str, label: str) -> None:
    """Wait until the rows are cards, of which one has a value with this label."""
    page.wait_for_function(LABELLED, arg=[f'{rows} td[data-label="{label}"]', label])


def at_the_thumb(button: Locator) -> None:
    """Check that the button is large enough, wholly on the screen, and in its lower third."""
    expect(button).to_be_visible()
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44, box
    assert box["y"] >= REACH, box
    assert box["x"] >= 0, box
    assert box["y"] + box["height"] <= PHONE["height"], box
    assert box["x"] + box["width"] <= PHONE["width"], box
