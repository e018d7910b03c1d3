// The line above a group of orders: what they are together.

import { element, setText } from "../lib/dom.js";
import { costClass, decimal, points, short } from "../lib/format.js";

const SIGNS = { buy: ["▲", "buy-text"], sell: ["▼", "sell-text"] };
const part = (name, kind = "") => element("span", { "data-part": name, class: kind || null });

/** The name of a group, as a link where it has a page. */
function nameNode(key, by) {
  if (by !== "basket") return key;
  return key ? element("a", { href: `/baskets/${key}/` }, `Basket ${key}`) : "Sent alone";
}

export function headNode(key, by) {
  const name = nameNode(key, by);
  const box = element("input", { type: "checkbox", "data-choose-group": "", "aria-label": `Choose the orders of ${name.textContent ?? name}` });
  return element(
    "li",
    { class: "group-row", "data-group": key },
    element("label", { class: "choose" }, box),
    element("h3", {}, name),
    part("count", "muted"),
    part("buy", "number"),
    part("sell", "number"),
    element("span", { class: "spacer" }),
    part("net", "number"),
    part("open", "number"),
    part("cost", "number"),
  );
}

const orders = (count) => `${count} order${count === 1 ? "" : "s"}`;

/** "3 behind, 1 paused", or what they are when nothing is. */
export function groupWords(group) {
  const parts = [group.behind ? `${group.behind} behind` : "", group.paused ? `${group.paused} paused` : ""].filter(Boolean);
  return [orders(group.orders), ...parts].join(" · ");
}

/** "196 k USDT"; a dash for a currency whose sum is not known. */
export const openWords = (open) => Object.entries(open).map(([currency, amount]) => `${short(amount)} ${currency}`).join(" · ");

/** The same under the name of a symbol, which says the currency. */
const openOf = (group, isSymbol) => (isSymbol ? Object.values(group.open).map(short).join(" · ") : openWords(group.open));

function drawSide(node, side, group) {
  const sum = group.sides[side];
  node.hidden = !sum;
  if (!sum) return;
  const [sign, tone] = SIGNS[side];
  const key = `${sum.filled} ${sum.quantity}`;
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  const words = element("span", { class: "visually-hidden" }, ` filled of the ${side} orders`);
  node.replaceChildren(element("span", { class: tone }, `${sign} ${decimal(sum.filled)}`), element("span", { class: "muted" }, ` / ${decimal(sum.quantity)}`), words);
}

/** `net` is that of today; null where the group is of many symbols, or the symbol is not watched. */
export function fillHead(node, group, { net, choice, isChoosable, isSymbol }) {
  const get = (name) => node.querySelector(`[data-part="${name}"]`);
  const box = node.querySelector("input");
  box.checked = choice === "all";
  box.indeterminate = choice === "some";
  box.disabled = !isChoosable;
  setText(get("count"), groupWords(group));
  get("count").title = groupWords(group);
  for (const side of ["buy", "sell"]) drawSide(get(side), side, group);
  get("net").hidden = net === null;
  if (net !== null) setText(get("net"), `net today ${Number(net) > 0 ? "+" : ""}${decimal(net)}`);
  get("net").title = "Bought less sold today, by all orders that you see";
  setText(get("open"), `open ${openOf(group, isSymbol)}`);
  get("open").title = Object.entries(group.open).map(([currency, amount]) => `${decimal(amount)} ${currency} at the mid of now`).join("\n");
  const cost = get("cost");
  setText(cost, `${points(group.cost_bp)} bp`);
  cost.className = `number ${costClass(group.cost_bp)}`;
}
