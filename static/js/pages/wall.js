// The wall: every live order of everybody, the desk's health, and what waits for a supervisor.

import { bulkBar } from "../blotter/bulk.js";
import { listKeys } from "../blotter/list_keys.js";
import { openMenu } from "../blotter/menu.js";
import { patchRow, tickRow } from "../blotter/row.js";
import { showConnection } from "../lib/connection.js";
import { arrange, byId, readJson } from "../lib/dom.js";
import { LiveSocket } from "../lib/socket.js";
import { drawPanels, tickPanels } from "../wall/panels.js";
import { tickAlert, wallRow } from "../wall/row.js";

const body = byId("wall-rows");
const table = body.closest("table");
const first = readJson("wall-data");
let rows = new Map(first.rows.map((row) => [row.id, row]));
let { order, panels } = first;
let drawn = new Map();
const bulk = bulkBar({ body, rows: () => rows, redraw: () => draw() });

function take(message) {
  if (message.type === "snapshot") rows = new Map();
  for (const row of message.rows ?? []) rows.set(row.id, row);
  order = message.order ?? order;
  panels = { ...panels, ...message.panels };
  draw();
}

const socket = new LiveSocket("/ws/wall/", { snapshot: take, delta: take, beat: () => tick(), gone: () => location.assign("/") }, first.now);

function drawnRow(id, at) {
  const row = rows.get(id);
  const known = drawn.get(id);
  const isChosen = bulk.has(id);
  if (known?.row === row && known.isChosen === isChosen) return known;
  const fresh = wallRow(row, at, isChosen);
  if (known) patchRow(known.node, fresh);
  return { row, isChosen, node: known ? known.node : fresh };
}

function draw() {
  if (document.hidden) return;
  const at = socket.now();
  const shown = order.filter((id) => rows.has(id));
  drawn = new Map(shown.map((id) => [id, drawnRow(id, at)]));
  for (const id of [...rows.keys()]) if (!drawn.has(id)) rows.delete(id);
  const nodes = [...drawn.values()].map((entry) => entry.node);
  arrange(body, nodes);
  table.hidden = !nodes.length;
  byId("wall-empty").hidden = nodes.length > 0;
  bulk.update([...drawn.keys()]);
  drawPanels(panels, drawn, at);
  tick();
}

/** What moves with time alone. */
function tick() {
  if (document.hidden) return;
  const at = socket.now();
  for (const { row, node } of drawn.values()) {
    tickRow(row, node, at);
    tickAlert(row, node, at);
  }
  tickPanels(panels, rows, at);
}

body.addEventListener("click", (event) => {
  const node = event.target.closest("tr[data-id]");
  const menu = event.target.closest("[data-menu]");
  if (node && menu) openMenu(rows.get(node.dataset.id), menu);
});
byId("lift-dialog").querySelector("form").addEventListener("htmx:afterRequest", (event) => {
  const { after } = event.target.dataset;
  if (event.detail.successful && after) location.assign(after);
});
document.addEventListener("visibilitychange", draw);
listKeys({ body, rows: () => rows });
draw();
setInterval(tick, 500);
showConnection(() => ({ state: socket.state, age: socket.age }));
