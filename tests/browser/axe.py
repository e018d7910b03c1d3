"""The judgement of axe-core on a page in Chromium."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

AXE = Axe()
GRAVE = frozenset({"serious", "critical"})
#: The rules that depend on the colours of a theme. All others judge both themes alike.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
#: Give the page its other theme, as the button in its menu does; the theme that it has then.
SWITCH = """() => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "light" ? "dark" : "light";
  document.dispatchEvent(new CustomEvent("tranche:redraw"));
  return root.dataset.theme;
}"""


def axe_problems(page: Page) -> list[str]:
    """Return a line for each serious or critical problem: page, theme, rule, part of the page, and the reason.

    All rules judge the page in its own theme, and the rules of colours judge the other theme too. The theme stays.
    """
    expect(page.locator(".htmx-request")).to_have_count(0)
    theme = page.evaluate("document.documentElement.dataset.theme")
    found = _grave(page, theme, {})
    other = page.evaluate(SWITCH)
    found += _grave(page, other, {"runOnly": {"type": "rule", "values": OF_COLOURS}})
    page.evaluate(SWITCH)
    return found


def _grave(page: Page, theme: str, options: dict[str, Any]) -> list[str]:
    results = AXE.run(page, options={"resultTypes": ["violations"], **options})
    return [
        f"{urlsplit(page.url).path} {theme} {rule['id']}: {_place(node)} {_reason(node)}"
        for rule in results.response["violations"]
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


def _place(node: dict[str, Any]) -> str:
    return " > ".join(str(part) for part in node["target"])


def _reason(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return "; ".join(check["message"] for check in checks[:2])
