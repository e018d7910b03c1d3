// Rows of orders from the server, live by websocket, ages and marks ticking by themselves: the blotter's, a basket's.

import { bulkBar } from "./bulk.js";
import { listKeys } from "./list_keys.js";
import { openMenu } from "./menu.js";
import { OpenedRow } from "./parts.js";
import { patchRow, rowNode, tickRow } from "./row.js";
import { showConnection } from "../lib/connection.js";
import { arrange, byId } from "../lib/dom.js";
import { LiveSocket } from "../lib/socket.js";

/**
 * `first` is what the page was made with; `path` the websocket, null for none. `layout` says which columns are shown,
 * `take` is told of every message.
 */
export function orderList({ first, path, layout, showsTrader = false, take = () => {} }) {
  const body = byId("order-rows");
  const table = body.closest("table");
  const columns = table.tHead.rows[0].cells.length;
  let rows = new Map(first.rows.map((row) => [row.id, row]));
  let order = first.rows.map((row) => row.id);
  let drawn = new Map();
  const opened = new Map();
  const bulk = bulkBar({ body, rows: () => rows, redraw: () => draw() });
  const socket = new LiveSocket(path, {
    snapshot: (message) => {
      rows = new Map(message.rows.map((row) => [row.id, row]));
      show(message);
    },
    delta: (message) => {
      for (const row of message.rows) rows.set(row.id, row);
      show(message);
    },
    beat: () => tick(),
    gone: () => location.assign("/"),
  }, first.now);

  function show(message) {
    order = message.order;
    draw();
    take(message);
  }

  /** The row as it stands, its differing cells taken over when the order has moved. */
  function drawnRow(id, at) {
    const row = rows.get(id);
    const known = drawn.get(id);
    const isOpen = opened.has(id);
    const isChosen = bulk.has(id);
    const shape = layout();
    const isSame = known && known.row === row && known.isOpen === isOpen && known.isChosen === isChosen;
    if (isSame && known.layout === shape) return known;
    const fresh = rowNode(row, { now: at, isOpen, showsTrader, isChosen, layout: shape });
    if (known) patchRow(known.node, fresh);
    return { row, isOpen, isChosen, layout: shape, node: known ? known.node : fresh };
  }

  function draw() {
    if (document.hidden) return;
    const at = socket.now();
    drawn = new Map(order.filter((id) => rows.has(id)).map((id) => [id, drawnRow(id, at)]));
    const nodes = [...drawn].flatMap(([id, { node }]) => (opened.has(id) ? [node, opened.get(id).node] : [node]));
    arrange(body, nodes);
    table.hidden = !nodes.length;
    byId("orders-empty").hidden = nodes.length > 0 || path === null;
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
    if (menu) openMenu(rows.get(node.dataset.id), menu, () => socket.now());
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
  listKeys({ body, rows: () => rows, now: () => socket.now() });
  showConnection(() => socket);

  return { draw, bulk, table };
}
