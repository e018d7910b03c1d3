// A live order as a tile: what it is, its life as a line, figures, state with reason, and what can be done.

import { actsOf } from "../blotter/acts.js";
import { chooseBox } from "../blotter/bulk.js";
import { shareOf } from "../blotter/row.js";
import { element, setText } from "../lib/dom.js";
import { age, clock, costClass, DASH, decimal, percent, points, price, quantity, spoken } from "../lib/format.js";
import { etaWords, finishOf } from "../lib/pace.js";
import { orderSpark, tickOrderSpark } from "../lib/spark.js";
import { orderPill, reasonOf, side, timeRunsOn } from "../lib/states.js";
import { behindWords, lateWords } from "../wall/row.js";

const two = (kind, first, second) => element("div", { class: kind }, element("div", { class: "first" }, ...[first].flat()), element("div", { class: "second" }, ...[second].flat()));
const said = (words) => element("span", { class: "visually-hidden" }, words);

/** "TWAP 1 h · alpha, beta", of several traders' orders with the name first. */
function workWords(row, showsTrader) {
  const length = row.start_at === null || row.end_at === null ? "" : ` ${spoken(row.end_at - row.start_at)}`;
  return [showsTrader ? row.trader : "", `${row.algorithm.toUpperCase()}${length}`, row.account].filter(Boolean).join(" · ");
}

function whatCell(row, showsTrader) {
  const name = [side(row.side), " ", element("b", { class: "mono" }, decimal(row.quantity)), ` ${row.base}`];
  const link = element("a", { href: `/orders/${row.id}/`, "data-open": "", title: `${row.symbol} · ${row.id}` }, ...name);
  const words = workWords(row, showsTrader);
  const node = two("what", [link], [words]);
  node.lastElementChild.title = words;
  return node;
}

/** The state in words: on its plan, behind it, or what a pill says. */
function stateOf(row, now) {
  if (row.status !== "working" || row.needs_person) return orderPill(row);
  if (row.behind) return element("span", { class: "warn", title: behindWords(row, now) || null }, `! ${lateWords(row, now)} late`);
  return row.schedule.length ? element("span", { class: "good" }, "● on plan") : element("span", { class: "muted" }, "▶ working");
}

function actsCell(row) {
  const buttons = actsOf(row).map(([act, label]) => element("button", { type: "button", class: act === "cancel" ? "danger" : null, "data-act": act, "aria-label": `${label} ${row.id}` }, label));
  return element("div", { class: "acts" }, ...buttons);
}

/** What somebody must know of its state; empty for an order that goes as planned. */
const reasonWords = (row, now) => [row.unknown_since === null ? "" : "a child order is unconfirmed", reasonOf(row), timeRunsOn(row, now)].filter(Boolean).join(" · ");

function reasonLine(row, now) {
  const words = reasonWords(row, now);
  const tone = row.needs_person || row.unknown_since !== null ? "bad" : row.waits || row.status === "paused" ? "warn" : "muted";
  return element("p", { class: `reason ${tone}`, hidden: !words }, words);
}

export function tileNode(row, { now, isChosen, showsTrader }) {
  const node = element(
    "li",
    { class: `tile-row${isChosen ? " is-chosen" : ""}`, "data-id": row.id },
    element("div", { class: "choose" }, chooseBox(row, isChosen)),
    whatCell(row, showsTrader),
    element("div", { class: "line" }, orderSpark(row, now)),
    two("filled number", [said("filled "), percent(shareOf(row))], [quantity(row.filled, row.lot), said(` ${row.base}`)]),
    two("cost number", [said("cost, bp "), element("span", { class: costClass(row.cost_bp) || null }, points(row.cost_bp))], [
      said("average "),
      row.average === null ? DASH : price(row.average, row.tick, 1),
    ]),
    element("div", { class: "eta" }, element("div", { class: "first number", "data-eta": "" }), element("div", { class: "second", "data-state": "" })),
    actsCell(row),
    reasonLine(row, now),
  );
  tickTile(row, node, now);
  return node;
}

/** What moves with time alone. */
export function tickTile(row, node, now) {
  tickOrderSpark(node.querySelector(".spark"), row, now);
  const eta = node.querySelector("[data-eta]");
  const finish = finishOf(row, row.schedule, now);
  const late = finish !== null && finish.share < 1;
  setText(eta, etaWords(row, now, finish));
  eta.classList.toggle("warn", late);
  eta.title = late ? "It is not expected to be filled by its end." : row.end_at === null ? "" : `ends ${clock(row.end_at)} UTC`;
  const state = node.querySelector("[data-state]");
  const made = stateOf(row, now);
  if (!state.firstChild?.isEqualNode(made)) state.replaceChildren(made);
  state.title = row.last_fill_at === null ? "no fill yet" : `last fill ${age(now - row.last_fill_at)} ago`;
}
