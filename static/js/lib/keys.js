// The keyboard: single letters where nothing is being written, and the list of them. A person may switch them off.

import { byId } from "./dom.js";
import { isOn } from "./settings.js";

const writes = (node) => node?.matches?.("input, select, textarea, [contenteditable]");

const go = (selector) => document.querySelector(selector)?.click();

const LETTERS = {
  h: () => go('nav a[href="/"]'),
  a: () => byId("watch-symbol")?.focus(),
  n: () => go('nav a[href$="/orders/new/"]'),
  w: () => go('nav a[href$="/wall/"]'),
  o: () => go('nav a[href$="/orders/"]'),
  "/": () => (byId("q") ?? byId("quantity"))?.focus(),
  "?": () => byId("shortcuts")?.showModal(),
};

/** The letters of the page itself, such as those of its list. */
const own = new Map();

export function bindKeys(letters) {
  for (const [key, act] of Object.entries(letters)) own.set(key, act);
}

/** True where a letter is no shortcut: in a field, in a dialog or an open menu. */
const isElsewhere = (target) => writes(target) || document.querySelector("dialog[open]") || target.closest?.(":popover-open");

export function watchKeys() {
  document.addEventListener("keydown", (event) => {
    // Enter in a field never submits, except at the login.
    if (event.key === "Enter" && event.target.matches("input") && event.target.closest("#ticket, dialog")) {
      event.preventDefault();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isElsewhere(event.target) || !isOn("shortcuts")) return;
    const act = own.get(event.key) ?? LETTERS[event.key];
    if (act) {
      event.preventDefault();
      act(event);
    }
  });
}
