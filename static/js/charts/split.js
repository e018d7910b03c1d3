// Where an order was done: what each account has filled, and at what average.

import { layout } from "./style.js";
import { isNarrow } from "../lib/dom.js";
import { decimal, percent, places } from "../lib/format.js";
import { venueRows } from "../order/children_folds.js";

export function split(view, colour, frame) {
  const { order, fills } = view;
  const rows = venueRows(order, fills).reverse();
  const left = Math.max(0, Number(order.quantity) - Number(order.filled));
  const largest = Math.max(0, ...rows.map((row) => row.filled));
  const quantities = places(order.lot) ?? 6;
  const prices = (places(order.tick) ?? 2) + 1;
  const shown = layout(colour, { title: "", revision: frame.revision, bottom: 38 });
  const axis = { tickformatstops: undefined, range: [0, largest * (isNarrow() ? 2.1 : 1.6) || 1], fixedrange: true };
  Object.assign(shown.xaxis, { ...axis, type: "linear", title: { text: order.base, font: { size: 11 }, standoff: 4 } });
  Object.assign(shown.yaxis, { type: "category", range: undefined, autorange: true, fixedrange: true, showgrid: false, title: { text: "" }, tickfont: { size: 12, color: colour.text } });
  shown.margin.l = 80;
  shown.bargap = 0.4;
  const words = (row) => (row.filled ? `${decimal(row.filled.toFixed(quantities))} (${percent(row.share, 0)}) ${isNarrow() ? "<br>" : ""}@ ${decimal(row.average.toFixed(prices))}` : "nothing");
  return {
    traces: [{
      type: "bar",
      orientation: "h",
      y: rows.map((row) => row.label),
      x: rows.map((row) => row.filled),
      name: "filled",
      text: rows.map(words),
      textposition: "outside",
      constraintext: "none",
      cliponaxis: false,
      textfont: { family: colour.mono, size: 12, color: colour.text },
      marker: { color: order.side === "buy" ? colour.buy : colour.sell, line: { width: 0 } },
      hovertemplate: "%{y}: %{text}<extra></extra>",
    }],
    legend: ["filled at each account", left > 0 && `${decimal(left.toFixed(quantities))} ${order.base} open`].filter(Boolean),
    layout: shown,
  };
}
