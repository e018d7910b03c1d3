// An iceberg: shown in the books of it, never above the visible quantity.

import { layout, levelLine, levelName, lineTrace } from "./style.js";
import { decimal, places, quantity } from "../lib/format.js";
import { shownLine } from "../order/children_folds.js";

export function visible(view, colour, frame) {
  const { order, children, fills } = view;
  const most = Number(order.parameters.visible_quantity);
  const own = order.side === "buy" ? colour.buy : colour.sell;
  const line = shownLine(children, fills);
  const now = order.ended_at ?? view.now;
  if (line.length && line.at(-1)[0] < now) line.push([now, line.at(-1)[1]]);
  const digits = places(order.lot) ?? 6;
  const level = `visible at most ${quantity(order.parameters.visible_quantity, order.lot)}`;
  return {
    traces: [lineTrace(line, (height) => `shown ${decimal(height.toFixed(digits))} ${order.base}`, { color: own, width: 1.6, shape: "hv" }, {
      name: "shown",
      fill: "tozeroy",
      fillcolor: order.side === "buy" ? colour.band : colour.band_sell,
      hovertemplate: "%{x|%H:%M:%S.%L}<br>%{text}<extra></extra>",
    })],
    legend: ["shown in the books", "dashed: the most that may be shown"],
    layout: layout(colour, {
      ...frame,
      title: order.base,
      yRange: [0, most * 1.3],
      shapes: [...frame.shapes, levelLine(most, colour.warn, "longdash")],
      annotations: [{ ...levelName(level, most, colour.warn), bgcolor: colour.panel }],
    }),
  };
}
