// How a basket stands, from what the server sums up: its state, what is filled, its notional and what it cost.

import { bar, byId, element, fillOnce, setText } from "../lib/dom.js";
import { costClass, DASH, decimal, percent, points } from "../lib/format.js";

/** Words and tone of each state. */
export const STATES = { live: ["working", "plain"], paused: ["paused", "warn"], waiting: ["waiting for approval", "warn"], done: ["done", "good"] };

/** "3 working, 1 paused": how many orders there are in each state. Pure. */
export const countWords = (counts) => Object.entries(counts).map(([status, count]) => `${count} ${status.replaceAll("_", " ")}`).join(", ");

/** Name, value, hint and class of each figure; what is not known is a dash. Pure. */
export function figures(basket) {
  const { notional, filled, filled_share: share } = basket;
  const part = (name) => (filled[name] === null ? "so far: not known" : `${decimal(filled[name], 2)} so far`);
  const money = (name, label) => [label, notional[name] === null ? DASH : decimal(notional[name], 2), `${notional.currency}, ${part(name)}`, ""];
  return [
    ["filled", share === null ? DASH : percent(Number(share)), share === null ? "a price or a rate is not known" : "of the notional", ""],
    money("bought", "to buy"),
    money("sold", "to sell"),
    money("net", "net when done"),
    [
      "cost, + is cost",
      basket.cost_bp === null ? DASH : `${points(basket.cost_bp)} bp`,
      basket.cost_bp === null ? "nothing filled, or not known" : "of what is filled, against arrival",
      costClass(basket.cost_bp),
    ],
  ];
}

export function drawStanding(basket) {
  const [words, tone] = STATES[basket.state];
  const pill = byId("basket-state");
  pill.className = `pill ${basket.needs_person ? "bad" : tone}`;
  setText(pill, basket.needs_person ? "! needs attention" : words);
  setText(byId("basket-counts"), `${basket.size} order${basket.size === 1 ? "" : "s"}: ${countWords(basket.counts) || "none is kept any more"}`);
  const share = Number(basket.filled_share ?? 0);
  const label = basket.filled_share === null ? "the filled share is not known" : `${percent(share)} filled`;
  byId("basket-bar").replaceChildren(bar(share, null, label));
  fillOnce(byId("basket-sums"), figures(basket), ([name, value, hint, kind]) => [
    element("div", {}, element("dt", {}, name), element("dd", {}, element("b", { class: `number ${kind}`.trim() }, value), " ", element("span", {}, hint))),
  ]);
}
