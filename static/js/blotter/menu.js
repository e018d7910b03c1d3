// What a person does to an order from the blotter or the wall: a menu beside the row.

import { byId, element } from "../lib/dom.js";
import { isPartFilled } from "../lib/states.js";
import { actsOf, runAct } from "./acts.js";
import { mayTrade } from "./rights.js";

/** The arrows go from item to item, round the ends. */
function step(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  const items = [...event.currentTarget.children];
  items[(items.indexOf(document.activeElement) + by + items.length) % items.length].focus();
}

/** A page that scrolls would leave the menu where its button was. */
function leave() {
  const menu = byId("row-menu");
  if (menu.matches(":popover-open")) menu.hidePopover();
}

export function openMenu(row, button, now) {
  const menu = byId("row-menu");
  const items = actsOf(row).map(([act, label]) => {
    const item = element("button", { type: "button", class: act === "cancel" ? "danger-text" : null, "data-act": act }, label);
    item.addEventListener("click", () => {
      menu.hidePopover();
      runAct(row, act, now);
    });
    return item;
  });
  const links = [element("a", { href: `/orders/${row.id}/` }, "The order's page")];
  if (mayTrade()) {
    const address = `/orders/new/?from=${row.id}`;
    const left = isPartFilled(row) && element("a", { href: `${address}&left=1` }, "Clone what is left");
    links.unshift(...[element("a", { href: address }, "Clone"), left].filter(Boolean));
  }
  menu.replaceChildren(...items, ...links);
  menu.showPopover();
  const at = button.getBoundingClientRect();
  menu.style.left = `${Math.max(8, at.right - menu.offsetWidth)}px`;
  menu.style.top = `${at.bottom + menu.offsetHeight > innerHeight ? at.top - menu.offsetHeight : at.bottom}px`;
  menu.firstElementChild.focus();
  // The same function is bound once, however often.
  menu.addEventListener("keydown", step);
  document.addEventListener("scroll", leave, { passive: true });
}
