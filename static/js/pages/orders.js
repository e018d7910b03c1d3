// The blotter: its list, its columns, and how many orders there are of each state.

import { blotterColumns } from "../blotter/columns.js";
import { orderList } from "../blotter/list.js";
import { byId, readJson, setText } from "../lib/dom.js";
import { register } from "../lib/pages.js";

function drawCounts({ counts, total }) {
  for (const link of document.querySelectorAll("[data-filter]")) {
    setText(link.querySelector("b"), String(counts[link.dataset.filter] ?? 0));
  }
  setText(byId("csv-total"), String(total));
}

export function start() {
  const host = byId("orders");
  const first = readJson("orders-data");
  const list = orderList({
    first,
    // A filter that was not understood shows nothing, live or not.
    path: first.live ? `/ws/orders/?${first.query}` : null,
    layout: () => shape.layout(),
    showsTrader: "several" in host.dataset,
    take: drawCounts,
  });
  const shape = blotterColumns({ table: list.table, memory: `tranche-blotter-${host.dataset.userName}`, redraw: () => list.draw() });
  shape.apply();
}

register(start);
