// What every page has: theme, clock, menu, dialogs, keys, notices. It alone begins at import, and starts the page's own modules.

import { watchBell } from "../lib/bell.js";
import { watchCards } from "../lib/cards.js";
import { byId, setText } from "../lib/dom.js";
import { watchFilters } from "../lib/filters.js";
import { clock } from "../lib/format.js";
import { watchKeys } from "../lib/keys.js";
import { watchRequests } from "../lib/notices.js";
import { startPages } from "../lib/pages.js";
import { watchPalette } from "../lib/palette.js";
import { watchSettings } from "../lib/settings.js";
import { watchSounds } from "../lib/sounds.js";
import { keep } from "../lib/storage.js";

function switchTheme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "light" ? "dark" : "light";
  keep("tranche-theme", root.dataset.theme);
  nameThemes();
  document.dispatchEvent(new CustomEvent("tranche:redraw"));
}

function nameThemes() {
  const other = document.documentElement.dataset.theme === "light" ? "Dark theme" : "Light theme";
  for (const button of document.querySelectorAll("[data-theme-switch]")) setText(button, other);
}

function watchClicks() {
  document.addEventListener("click", (event) => {
    const target = event.target;
    if (target.closest("[data-theme-switch]")) switchTheme();
    if (target.closest("[data-shortcuts]")) byId("shortcuts")?.showModal();
    target.closest("[data-close]")?.closest("dialog")?.close();
    const opener = target.closest("[data-open]");
    if (opener) byId(opener.dataset.open)?.showModal();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(target) || target.closest("button")) menu.removeAttribute("open");
    }
  });
}

/** When the button that opened a dialog is gone, whoever works by keyboard goes on from the page's content. */
function watchFocus() {
  document.addEventListener("close", () => {
    setTimeout(() => document.activeElement === document.body && byId("content").focus({ preventScroll: true }));
  }, true);
}

/** Escape closes a menu as it closes a dialog, and its button has the focus again. */
function watchEscape() {
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" ? document.querySelector("details.menu[open]") : null;
    menu?.removeAttribute("open");
    menu?.querySelector("summary").focus();
  });
}

/** Puts the menu of the seldom used pages under its button; a popover does not know what opened it. */
function placeMore() {
  const more = byId("more-places");
  more?.addEventListener("beforetoggle", () => {
    more.style.left = `${document.querySelector(".more-button").getBoundingClientRect().left - 11}px`;
  });
}

/** A form is a dialog's act itself; what else a dialog asks for, such as a preview, leaves it open. */
function closeAfter(event) {
  if (event.detail.successful && event.target.matches?.("form")) event.target.closest("dialog")?.close();
}

/** A form that was sent comes back with what is wrong. On a long page that may be out of sight. */
function showRefusal() {
  const said = document.querySelector("main [role=alert]");
  const box = said?.getBoundingClientRect();
  if (box?.height && (box.top < 0 || box.bottom > innerHeight)) said.scrollIntoView({ block: "center" });
}

function tick() {
  const node = byId("clock");
  setText(node, `${clock(Date.now())} UTC`);
  node.title = `${new Date().toLocaleTimeString()} your time`;
}

nameThemes();
placeMore();
watchClicks();
watchEscape();
watchFocus();
watchKeys();
watchPalette();
watchSettings();
watchSounds();
watchRequests();
watchBell();
watchFilters();
watchCards();
document.body.addEventListener("htmx:afterRequest", closeAfter);
showRefusal();
tick();
setInterval(tick, 1000);
startPages();
