// The blotter: rows from the server, live by websocket, ages and marks ticking by themselves.

import { bulkBar } from "../blotter/bulk.js";
import { blotterColumns } from "../blotter/columns.js";
import { openMenu } from "../blotter/menu.js";
import { OpenedRow } from "../blotter/parts.js";
import { patchRow, rowNode, tickRow } from "../blotter/row.js";
import { showConnection } from "../lib/connection.js";
import { arrange, byId, readJson, setText } from "../lib/dom.js";
import { LiveSocket } from "../lib/socket.js";

const host = byId("orders");
const body = byId("order-rows");
const table = body.closest("table");
const columns = table.tHead.rows[0].cells.length;
const showsTrader = "several" in host.dataset;
const first = readJson("orders-data");
let rows = new Map(first.rows.map((row) => [row.id, row]));
let order = first.rows.map((row) => row.id);
let drawn = new Map();
const opened = new Map();
const shape = blotterColumns({ table, memory: `tranche-blotter-${host.dataset.userName}`, redraw: () => draw() });
const bulk = bulkBar({ body, rows: () => rows, redraw: () => draw() });

// A filter that was not understood shows nothing, live or not.
const socket = new LiveSocket(first.live ? `/ws/orders/?${first.query}` : null, {
  snapshot: (message) => {
    rows = new Map(message.rows.map((row) => [row.id, row]));
    show(message);
  },
  delta: (message) => {
    for (const row of message.rows) rows.set(row.id, row);
    show(message);
  },
  beat: () => tick(),
}, first.now);

function show(message) {
  order = message.order;
  for (const link of document.querySelectorAll("[data-filter]")) {
    setText(link.querySelector("b"), String(message.counts[link.dataset.filter] ?? 0));
  }
  setText(byId("csv-total"), String(message.total));
  draw();
}

/** The row as it stands, its differing cells taken over when the order has moved. */
function drawnRow(id, at) {
  const row = rows.get(id);
  const known = drawn.get(id);
  const isOpen = opened.has(id);
  const isChosen = bulk.has(id);
  const layout = shape.layout();
  const isSame = known && known.row === row && known.isOpen === isOpen && known.isChosen === isChosen;
  if (isSame && known.layout === layout) return known;
  const fresh = rowNode(row, { now: at, isOpen, showsTrader, isChosen, layout });
  if (known) patchRow(known.node, fresh);
  return { row, isOpen, isChosen, layout, node: known ? known.node : fresh };
}

function draw() {
  if (document.hidden) return;
  const at = socket.now();
  drawn = new Map(order.filter((id) => rows.has(id)).map((id) => [id, drawnRow(id, at)]));
  const nodes = [...drawn].flatMap(([id, { node }]) => (opened.has(id) ? [node, opened.get(id).node] : [node]));
  arrange(body, nodes);
  table.hidden = !nodes.length;
  byId("orders-empty").hidden = nodes.length > 0 || !first.live;
  bulk.update([...drawn.keys()]);
  tick();
}

function tick() {
  if (document.hidden) return;
  const at = socket.now();
  for (const [id, { row, node }] of drawn) {
    tickRow(row, node, at);
    opened.get(id)?.update(row, at);
  }
}

function toggle(id) {
  if (opened.has(id)) opened.delete(id);
  else opened.set(id, new OpenedRow(id, columns));
  draw();
}

body.addEventListener("click", (event) => {
  const node = event.target.closest("tr[data-id]");
  if (!node || event.target.closest("a, .choose-cell")) return;
  const menu = event.target.closest("[data-menu]");
  if (menu) openMenu(rows.get(node.dataset.id), menu);
  else if (!getSelection().toString()) {
    toggle(node.dataset.id);
    if (event.target.closest("[data-open-row]")) node.querySelector("[data-open-row]").focus();
  }
});
document.body.addEventListener("htmx:afterSwap", (event) => {
  const id = event.detail.target.id.replace("source-", "");
  opened.get(id)?.received(socket.now());
});

document.addEventListener("visibilitychange", draw);
shape.apply();
showConnection(() => ({ state: socket.state, age: socket.age }));
