// States of orders and children as pills: always a sign, a word and a colour together.

import { element } from "./dom.js";
import { moment } from "./format.js";

const ORDERS = {
  pending_approval: ["?", "warn"],
  scheduled: ["◷", "plain"],
  working: ["▶", "good"],
  pausing: ["◐", "warn"],
  paused: ["‖", "warn"],
  closing: ["◐", "plain"],
  completed: ["●", "good"],
  cancelled: ["○", ""],
  expired: ["◔", "warn"],
  failed: ["✕", "bad"],
  rejected: ["✕", "bad"],
};

const CHILDREN = {
  pending_submit: ["◌", "plain"],
  submitted: ["◍", "plain"],
  open: ["▶", "plain"],
  partly_filled: ["◐", "plain"],
  cancelling: ["◍", "warn"],
  unknown: ["?", "bad"],
  filled: ["●", "good"],
  cancelled: ["○", ""],
  rejected: ["✕", "bad"],
  expired: ["○", ""],
  absent: ["∅", "warn"],
};

/** The server names the states of each group on the page. */
const isAmong = (group, status) => document.body.dataset[group].split(" ").includes(status);

export const isFinal = (status) => isAmong("finalOrders", status);
export const isLiveChild = (status) => isAmong("liveChildren", status);

function pill(table, status, title, suffix = "") {
  const [sign, tone] = table[status] ?? ["?", ""];
  const word = status.replaceAll("_", " ") + suffix;
  return element("span", { class: `pill ${tone}`, title }, element("span", { "aria-hidden": "true" }, sign), word);
}

/** A pause is effective when the last child is settled; until then the order is pausing. */
export const shownStatus = (order) => (order.status === "paused" && order.unsettled > 0 ? "pausing" : order.status);

/** "pausing: 2 children not settled · seen enough", or why a working order cannot be filled now. */
export function reasonOf(order) {
  const status = shownStatus(order);
  const waits = order.unsettled > 0 && (status === "pausing" || status === "closing");
  const children = order.unsettled === 1 ? "1 child" : `${order.unsettled} children`;
  return [waits ? `${status}: ${children} not settled` : "", order.reason, order.waits].filter(Boolean).join(" · ");
}

/** A pause does not stop an order's time: it expires at its end. */
export function timeRunsOn(order, now) {
  return order.status === "paused" && order.end_at !== null ? `its time runs on until ${moment(order.end_at, now)} UTC` : "";
}

export function orderPill(order) {
  const suffix = order.status === "closing" && order.outcome ? ` → ${order.outcome}` : "";
  const made = pill(ORDERS, shownStatus(order), reasonOf(order) || null, suffix);
  if (order.needs_person && !isFinal(order.status)) {
    made.classList.add("bad");
    made.prepend(element("b", {}, "!"));
    made.append(element("span", { class: "visually-hidden" }, ", needs attention"));
  }
  return made;
}

export const childPill = (child) => pill(CHILDREN, child.status, child.reason || null);

export function side(value) {
  const buys = value === "buy";
  return element("span", { class: buys ? "buy-text" : "sell-text" }, buys ? "▲ BUY" : "▼ SELL");
}

/** Something is filled, and something is left. */
export const isPartFilled = (order) => Number(order.filled) > 0 && Number(order.filled) < Number(order.quantity);
