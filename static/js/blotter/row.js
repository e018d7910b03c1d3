// A row of the blotter: its cells, and what moves in it with time alone.

import { chooseCell } from "./bulk.js";
import { arranged } from "./columns.js";
import { bar, cell, element, named, number, setText } from "../lib/dom.js";
import { age, costClass, DASH, decimal, local, percent, points, price, quantity, short, shortMoment } from "../lib/format.js";
import { etaWords, finishOf } from "../lib/pace.js";
import { dueOf } from "../lib/plan.js";
import { isFinal, orderPill, reasonOf, side } from "../lib/states.js";

export const shareOf = (row) => Number(row.filled) / Number(row.quantity);

function alerts(row) {
  const needs = row.needs_person && !isFinal(row.status);
  const reason = reasonOf(row);
  const parts = [];
  // The badge of the state says it already; here stands why.
  if (needs) parts.push(element("span", { class: "bad" }, `! ${reason || "needs attention"}`));
  else if (row.alerts) parts.push(element("span", { class: "muted" }, `! ${row.alerts}`));
  if (reason && !needs) parts.push(`${parts.length ? " · " : ""}`, row.waits ? element("span", { class: "warn" }, reason) : reason);
  const count = row.alerts ? `${row.alerts} alert${row.alerts === 1 ? "" : "s"} in the journal` : "";
  return element(
    "td",
    { class: parts.length ? "wide" : "wide is-nothing", title: [needs ? "Needs attention" : "", reason, count].filter(Boolean).join(" · ") || null },
    ...(parts.length ? parts : [DASH]),
  );
}

function opener(row, isOpen) {
  const label = `${isOpen ? "Close" : "Open"} ${row.id}`;
  const attributes = { type: "button", class: "opener", "data-open-row": "", "aria-expanded": String(isOpen), "aria-controls": `parts-${row.id}`, "aria-label": label };
  return element("td", { class: "narrow-cell" }, element("button", attributes, isOpen ? "▾" : "▸"));
}

export function menuCell(row) {
  const attributes = { type: "button", class: "opener", "data-menu": "", "aria-haspopup": "true", "aria-label": `Actions for ${row.id}` };
  return element("td", { class: "narrow-cell" }, element("button", attributes, "⋯"));
}

/** The cells of an order. `now` is the server's. */
export function rowNode(row, { now, isOpen, showsTrader, isChosen, layout }) {
  const link = element("a", { href: `/orders/${row.id}/`, class: "mono", title: row.client_reference || null }, row.id);
  const end = row.ended_at ?? row.end_at;
  const cells = [
    ["choose", chooseCell(row, isChosen)],
    ["open", opener(row, isOpen)],
    ["state", element("td", {}, orderPill(row))],
    ["id", element("td", {}, link)],
    ["trader", showsTrader ? cell(row.trader, "clip", row.trader) : null],
    ["accounts", cell(row.account || DASH, "extra clip", row.account)],
    ["symbol", cell(row.symbol)],
    ["side", element("td", {}, side(row.side))],
    ["algorithm", cell(row.algorithm.toUpperCase(), "optional")],
    ["quantity", number(quantity(row.quantity, row.lot))],
    ["filled", number(quantity(row.filled, row.lot))],
    ["notional", number(short(row.notional), "", row.notional === null ? null : `${decimal(row.notional, 2)} ${row.quote}`)],
    ["progress", element("td", { class: "bar-cell", "data-bar": "" })],
    ["done", number(percent(shareOf(row)))],
    ["limit", number(row.limit_price === null ? DASH : price(row.limit_price, row.tick), "optional")],
    ["average", number(row.average === null ? DASH : price(row.average, row.tick, 1))],
    ["arrival", number(row.arrival_mid === null ? DASH : price(row.arrival_mid, row.tick, 1), "extra")],
    ["cost", number(points(row.cost_bp), costClass(row.cost_bp))],
    ["ahead", element("td", { class: "number", "data-ahead": "" })],
    ["end", number(shortMoment(end, now), "", local(end))],
    ["eta", element("td", { class: "number extra", "data-eta": "" })],
    ["last_fill", element("td", { class: "number spare", "data-age": "", title: local(row.last_fill_at) || null })],
    ["alerts", alerts(row)],
    ["actions", menuCell(row)],
  ];
  named(cells);
  const kinds = [isOpen ? "is-open" : "", isChosen ? "is-chosen" : ""].join(" ").trim();
  const node = element("tr", { "data-id": row.id, class: kinds || null }, ...arranged(cells, layout));
  tickRow(row, node, now);
  return node;
}

/** Takes over what differs, cell by cell: a button that somebody is pressing stays the same button. */
export function patchRow(node, fresh) {
  node.className = fresh.className;
  [...fresh.children].forEach((made, index) => {
    const held = node.children[index];
    if (!held.isEqualNode(made)) held.replaceWith(made);
    // Whether a box is checked is no attribute of it.
    else if (made.firstChild?.firstChild?.type === "checkbox") held.firstChild.firstChild.checked = made.firstChild.firstChild.checked;
  });
}

/** What moves with time alone: the schedule's mark, ahead or behind, the ETA, the age of the last fill. */
export function tickRow(row, node, now) {
  const share = shareOf(row);
  const due = dueOf(row, row.schedule, now, share);
  drawBar(node.querySelector("[data-bar]"), share, due);
  const ahead = node.querySelector("[data-ahead]");
  setText(ahead, due === null ? DASH : points((share - due) * 100));
  ahead.title = due === null ? "" : `${percent(Math.abs(share - due))} ${share < due ? "behind" : "ahead of"} the schedule`;
  const finish = finishOf(row, row.schedule, now);
  const eta = node.querySelector("[data-eta]");
  const late = finish !== null && finish.share < 1;
  setText(eta, etaWords(row, now, finish));
  eta.title = late ? "at this pace it will not be filled by its end" : "";
  eta.classList.toggle("warn", late);
  const last = node.querySelector("[data-age]");
  const ago = age(row.last_fill_at === null ? null : now - row.last_fill_at);
  setText(last, isFinal(row.status) ? shortMoment(row.last_fill_at, now) : ago);
}

function drawBar(host, share, due) {
  const key = `${share.toFixed(4)} ${due?.toFixed(3)}`;
  if (host.dataset.bar === key) return;
  const label = due === null ? `${percent(share)} done` : `${percent(share)} done, schedule ${percent(due)}`;
  host.dataset.bar = key;
  host.replaceChildren(bar(share, due, label));
  host.title = label;
}
