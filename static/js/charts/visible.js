// An iceberg: what the books show of it, never above the visible quantity.

import { layout, levelLine } from "./style.js";
import { decimal, places } from "../lib/format.js";
import { shownLine } from "../order/children_folds.js";

export function visible(view, colour, frame) {
  const { order, children, fills } = view;
  const most = Number(order.parameters.visible_quantity);
  const own = order.side === "buy" ? colour.buy : colour.sell;
  const line = shownLine(children, fills);
  const now = order.ended_at ?? view.now;
  if (line.length && line.at(-1)[0] < now) line.push([now, line.at(-1)[1]]);
  const digits = places(order.lot) ?? 6;
  const level = `visible at most ${decimal(order.parameters.visible_quantity)}`;
  return {
    traces: [{
      x: line.map(([time]) => time), y: line.map(([, height]) => height), name: "shown",
      text: line.map(([, height]) => `shown ${decimal(height.toFixed(digits))} ${order.base}`),
      type: "scatter", mode: "lines", line: { color: own, width: 1.6, shape: "hv" }, fill: "tozeroy",
      fillcolor: order.side === "buy" ? colour.band : colour.band_sell,
      hovertemplate: "%{x|%H:%M:%S.%L}<br>%{text}<extra></extra>",
    }],
    legend: ["what the books show", "dashed: the most that they may"],
    layout: layout(colour, {
      ...frame, title: order.base, yRange: [0, most * 1.3],
      shapes: [...frame.shapes, levelLine(most, colour.warn, "longdash")],
      annotations: [{ text: level, x: 1, xref: "paper", xanchor: "right", y: most, yanchor: "bottom", showarrow: false, font: { size: 10, color: colour.warn } }],
    }),
  };
}
