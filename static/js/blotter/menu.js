// What a person does to an order from the blotter: a menu beside the row, and the questions before it.

import { byId, element, setText } from "../lib/dom.js";
import { offerShift } from "../order/order_panels.js";
import { decimal } from "../lib/format.js";
import { mayAct, mayTrade } from "./rights.js";

const menu = byId("row-menu");
const LABELS = { pause: "Pause", resume: "Resume…", cancel: "Cancel…" };

/** The acts that the order's state allows to this person. */
const acts = (row) => (mayAct(row) ? row.actions.filter((act) => act in LABELS).map((act) => [act, LABELS[act]]) : []);

const sentence = (row) => `${row.side.toUpperCase()} ${decimal(row.quantity)} ${row.symbol} · ${row.id} · ${row.trader}`;

function send(form, row, act) {
  form.setAttribute("hx-post", `/orders/${row.id}/${act}/`);
  window.htmx.process(form);
}

function run(row, act) {
  menu.hidePopover();
  if (act === "pause") {
    send(byId("pause-form"), row, act);
    window.htmx.trigger("#pause-form", "submit");
    return;
  }
  const dialog = byId(`${act}-dialog`);
  const form = dialog.querySelector("form");
  form.reset();
  if (act === "resume") offerShift(row);
  send(form, row, act);
  const line = dialog.querySelector("[data-order-line]");
  line.hidden = false;
  setText(line, sentence(row));
  dialog.showModal();
}

export function openMenu(row, button) {
  const items = acts(row).map(([act, label]) => {
    const item = element("button", { type: "button", class: act === "cancel" ? "danger-text" : null, "data-act": act }, label);
    item.addEventListener("click", () => run(row, act));
    return item;
  });
  const links = [element("a", { href: `/orders/${row.id}/` }, "The order's page")];
  if (mayTrade()) links.unshift(element("a", { href: `/orders/new/?from=${row.id}` }, "Clone"));
  menu.replaceChildren(...items, ...links);
  menu.showPopover();
  const at = button.getBoundingClientRect();
  menu.style.left = `${Math.max(8, at.right - menu.offsetWidth)}px`;
  menu.style.top = `${at.bottom + menu.offsetHeight > innerHeight ? at.top - menu.offsetHeight : at.bottom}px`;
  menu.firstElementChild.focus();
}

menu.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...menu.children];
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
});
document.addEventListener("scroll", () => menu.matches(":popover-open") && menu.hidePopover(), { passive: true });
