// A live order on the wall: its cells, and the alert in words.

import { chooseCell } from "../blotter/bulk.js";
import { menuCell, shareOf } from "../blotter/row.js";
import { cell, element, named, number, setText } from "../lib/dom.js";
import { age, costClass, DASH, local, percent, points, quantity, spoken } from "../lib/format.js";
import { shareDue } from "../lib/plan.js";
import { orderPill, reasonOf, side } from "../lib/states.js";

/** When the schedule wanted more than this share: since when an order is behind. Null without a schedule. */
const reachedAt = (line, share) => (line.find(([, height]) => height > share) ?? line.at(-1))?.[0] ?? null;

/** "12 min": since when the schedule is past what is done; empty where it is not, or there is none. */
export function lateWords(row, now) {
  const share = shareOf(row);
  const due = shareDue(row.schedule, now, share);
  const reached = reachedAt(row.schedule, share);
  if (due === null || reached === null || due <= share) return "";
  const late = Math.max(0, now - reached);
  return late < 60_000 ? `${Math.round(late / 1000)} s` : spoken(Math.round(late / 60_000) * 60_000);
}

/** "behind 4.1 %, 12 min": how far below the schedule, and since when. */
export function behindWords(row, now) {
  const late = lateWords(row, now);
  const share = shareOf(row);
  return late && `behind ${percent(shareDue(row.schedule, now, share) - share)}, ${late}`;
}

function alertOf(row, now) {
  if (row.unknown_since !== null) return ["bad", `child unknown ${age(now - row.unknown_since)}`];
  if (row.needs_person) return ["bad", reasonOf(row) || "needs attention: see its journal"];
  if (row.behind) return ["warn", [behindWords(row, now), reasonOf(row)].filter(Boolean).join(" · ")];
  return [row.waits ? "warn" : "muted", reasonOf(row)];
}

export function wallRow(row, now, isChosen) {
  const link = element("a", { href: `/orders/${row.id}/`, class: "mono" }, row.id);
  const cells = [
    ["choose", chooseCell(row, isChosen)],
    ["state", element("td", {}, orderPill(row))],
    ["id", element("td", {}, link)],
    ["trader", cell(row.trader, "clip", row.trader)],
    ["accounts", cell(row.account || DASH, "clip", row.account)],
    ["symbol", cell(row.symbol)],
    ["side", element("td", {}, side(row.side))],
    ["algorithm", cell(row.algorithm.toUpperCase(), "optional")],
    ["quantity", number(quantity(row.quantity, row.lot))],
    ["progress", element("td", { class: "bar-cell", "data-bar": "" })],
    ["done", number(percent(shareOf(row)))],
    ["ahead", element("td", { class: "number", "data-ahead": "" })],
    ["cost", number(points(row.cost_bp), costClass(row.cost_bp))],
    ["eta", element("td", { class: "number", "data-eta": "" })],
    ["last_fill", element("td", { class: "number", "data-age": "", title: local(row.last_fill_at) || null })],
    ["alerts", element("td", { class: "wide", "data-alert": "" })],
    ["actions", menuCell(row)],
  ];
  const node = element("tr", { "data-id": row.id, class: isChosen ? "is-chosen" : null }, ...named(cells));
  tickAlert(row, node, now);
  return node;
}

export function tickAlert(row, node, now) {
  const [tone, words] = alertOf(row, now);
  const host = node.querySelector("[data-alert]");
  setText(host, words);
  host.className = `wide ${tone}`;
  host.title = words;
  const ahead = node.querySelector("[data-ahead]");
  ahead.classList.toggle("bad", row.behind);
}
