// Messages about one's own orders, stacked in a corner. What went well leaves by itself, the rest when it is dismissed.

import { byId, element, isNarrow } from "./dom.js";
import { clock } from "./format.js";

const SHOWN_FOR = 10000;
const MOST = 4;
/** On a phone more would hide the page. */
const MOST_NARROW = 2;
const SIGNS = { info: "●", warning: "▲", critical: "!" };

/** Shows an event of an order. The oldest ones give way: the bell's list has them all. */
export function toast(event) {
  const host = byId("toasts");
  const close = element("button", { type: "button", class: "quiet", "aria-label": `Dismiss: ${event.label}` }, "✕");
  const node = element(
    "div",
    { class: `toast ${event.severity}`, role: event.severity === "critical" ? "alert" : null, "data-event": event.id },
    element("b", { class: "sign", "aria-hidden": "true" }, SIGNS[event.severity]),
    element(
      "div",
      {},
      element("p", {}, element("a", { href: `/orders/${event.order}/` }, event.label), " ", element("time", { class: "muted" }, `${clock(event.at)} UTC`)),
      element("p", { class: "toast-text" }, event.text),
    ),
    close,
  );
  close.addEventListener("click", () => node.remove());
  host.append(node);
  const most = isNarrow() ? MOST_NARROW : MOST;
  while (host.children.length > most) host.firstElementChild.remove();
  if (event.severity === "info") leave(node);
  return node;
}

/** Not while somebody points at it or reads it with the keyboard. */
function leave(node) {
  setTimeout(() => {
    if (node.matches(":hover, :focus-within")) leave(node);
    else node.remove();
  }, SHOWN_FOR);
}
