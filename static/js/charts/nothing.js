// A chart of an order without data: it invents no axis, and says why it is empty.

import { shortMoment } from "../lib/format.js";

/** Why a chart of an order has no data. */
export function nothingWords({ order, now }) {
  if (order.ended_at !== null) return "No data is known for this order.";
  if (order.started_at !== null || order.start_at === null || order.start_at <= now) return "No data yet.";
  return `No data yet: the order starts ${shortMoment(order.start_at, now)} UTC.`;
}

/** The layout of such a chart: its time without heights, and the words. */
export function emptied(shown, view, colour) {
  Object.assign(shown.yaxis, { showticklabels: false, showgrid: false });
  const place = { x: 0.5, xref: "paper", y: 0.5, yref: "paper", showarrow: false };
  shown.annotations = [{ text: nothingWords(view), ...place, font: { size: 12, color: colour.muted } }];
  return shown;
}
