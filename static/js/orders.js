// The list of orders: rows from the server, live by websocket, ages and marks ticking by themselves.

import { showConnection } from "./connection.js";
import { bar, byId, element, readJson, setText } from "./dom.js";
import { DASH, age, costClass, local, moment, percent, points, price, quantity } from "./format.js";
import { heightAt } from "./plan.js";
import { LiveSocket } from "./socket.js";
import { isFinal, orderPill, reasonOf, side } from "./states.js";

const host = byId("orders");
const body = byId("order-rows");
const showsTrader = host.dataset.userRole === "supervisor";
const first = readJson("orders-data");
let rows = new Map(first.rows.map((row) => [row.id, row]));
let order = first.rows.map((row) => row.id);
let drawn = new Map();

const socket = new LiveSocket(`/ws/orders/?state=${encodeURIComponent(first.state)}&page=${first.page}`, {
  snapshot: (message) => {
    rows = new Map(message.rows.map((row) => [row.id, row]));
    show(message);
  },
  delta: (message) => {
    for (const row of message.rows) rows.set(row.id, row);
    show(message);
  },
  beat: () => tick(),
});

function show(message) {
  order = message.order;
  for (const link of document.querySelectorAll("[data-filter]")) {
    setText(link.querySelector("b"), String(message.counts[link.dataset.filter] ?? 0));
  }
  draw();
}

const number = (text, extra = {}) => element("td", { class: "number", ...extra }, text);

function rowOf(row) {
  const share = Number(row.filled) / Number(row.quantity);
  const link = element("a", { href: `/orders/${row.id}/`, class: "mono" }, row.id);
  const average = row.average === null ? DASH : price(row.average, row.tick, 1);
  const cells = [
    element("td", {}, orderPill(row)),
    element("td", {}, link),
    showsTrader ? element("td", {}, row.trader) : null,
    element("td", {}, row.symbol),
    element("td", {}, side(row.side)),
    element("td", {}, row.algorithm.toUpperCase()),
    number(quantity(row.quantity, row.lot)),
    number(quantity(row.filled, row.lot)),
    element("td", { class: "bar-cell", "data-bar": "" }),
    element("td", { class: "number optional" }, percent(share)),
    number(average),
    number(row.arrival_mid === null ? DASH : price(row.arrival_mid, row.tick, 1), { class: "number optional" }),
    element("td", { class: `number ${costClass(row.cost_bp)}` }, points(row.cost_bp)),
    number(moment(row.ended_at ?? row.end_at, socket.now()), { title: local(row.ended_at ?? row.end_at) }),
    number("", { "data-age": "" }),
    element("td", { class: "wide", title: reasonOf(row) || null }, reasonOf(row)),
  ];
  return element("tr", { "data-id": row.id }, ...cells);
}

function draw() {
  if (document.hidden) return;
  const now = new Map();
  for (const id of order) {
    const row = rows.get(id);
    const known = drawn.get(id);
    now.set(id, known?.row === row ? known : { row, node: rowOf(row) });
  }
  const nodes = [...now.values()].map((entry) => entry.node);
  if (nodes.length !== body.children.length || nodes.some((node, index) => node !== body.children[index])) {
    const focused = document.activeElement?.closest("tr")?.dataset.id;
    body.replaceChildren(...nodes);
    if (focused) body.querySelector(`tr[data-id="${CSS.escape(focused)}"] a`)?.focus();
  }
  drawn = now;
  host.querySelector("table").hidden = !nodes.length;
  byId("orders-empty").hidden = nodes.length > 0;
  tick();
}

/** What moves with time alone: the schedule's mark and the age of the last fill. */
function tick() {
  if (document.hidden) return;
  const now = socket.now();
  for (const { row, node } of drawn.values()) {
    const share = Number(row.filled) / Number(row.quantity);
    const mark = isFinal(row.status) ? null : heightAt(row.schedule, now);
    const label = mark === null ? `${percent(share)} done` : `${percent(share)} done, schedule ${percent(mark)}`;
    const key = `${share.toFixed(4)} ${mark?.toFixed(3)}`;
    const cell = node.querySelector("[data-bar]");
    if (cell.dataset.bar !== key) {
      cell.dataset.bar = key;
      cell.replaceChildren(bar(share, mark, label));
      cell.title = label;
    }
    const last = isFinal(row.status) ? moment(row.last_fill_at, now) : age(row.last_fill_at === null ? null : now - row.last_fill_at);
    setText(node.querySelector("[data-age]"), row.last_fill_at === null ? DASH : last);
  }
}

body.addEventListener("click", (event) => {
  const row = event.target.closest("tr");
  if (row && !event.target.closest("a") && !getSelection().toString()) location.assign(`/orders/${row.dataset.id}/`);
});
document.addEventListener("visibilitychange", draw);
draw();
showConnection(() => ({ state: socket.state, age: socket.age }));
