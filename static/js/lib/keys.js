// The keyboard: single letters where nothing is being written, and the list of them.

import { byId } from "./dom.js";

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

export function watchKeys() {
  document.addEventListener("keydown", (event) => {
    // Enter in a field never submits, except at the login.
    if (event.key === "Enter" && event.target.matches("input") && event.target.closest("#ticket, dialog")) {
      event.preventDefault();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || writes(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const act = LETTERS[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
}
