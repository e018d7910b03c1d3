// The plan on the ticket: a bar for each slice, and a line of what is done by then.

import { CONFIG, colours, layout } from "./chart_style.js";
import { decimal } from "./format.js";

export function drawPlan(node, plan) {
  const colour = colours();
  const own = plan.side === "buy" ? colour.buy : colour.sell;
  const quantities = plan.slices.map((part) => Number(part[2]));
  const starts = plan.slices.map((part) => part[0]);
  const lengths = plan.slices.map((part) => part[1] - part[0]);
  const [times, sums] = cumulative(plan);
  const total = sums.at(-1);
  const shown = layout(colour, {
    title: `${plan.base} done by then`, xRange: [starts[0], plan.slices.at(-1)[1]], yRange: [0, total * 1.06],
    revision: JSON.stringify([starts.length, lengths[0], plan.side]), right: 64, bottom: 28,
  });
  shown.yaxis2 = {
    ...shown.yaxis, title: { ...shown.yaxis.title, text: `${plan.base} a slice` }, overlaying: "y", side: "right",
    range: [0, Math.max(...quantities) * 3.8], showgrid: false, tickmode: "auto", nticks: 4,
  };
  shown.bargap = 0;
  const bars = {
    type: "bar", yaxis: "y2", x: starts.map((start, index) => start + lengths[index] / 2), y: quantities,
    width: lengths.map((length) => length * 0.78), marker: { color: own, opacity: 0.55, line: { width: 0 } },
    text: plan.slices.map((part, index) => `slice ${index + 1}: ${decimal(part[2])} ${plan.base}`), textposition: "none",
    hovertemplate: "%{text}<extra></extra>",
  };
  const line = {
    type: "scatter", mode: "lines", x: times, y: sums, line: { color: colour.accent, width: 2 },
    hovertemplate: `%{x|%H:%M:%S}<br>%{y} ${plan.base} by then<extra></extra>`,
  };
  return window.Plotly.react(node, [bars, line], shown, CONFIG);
}

function cumulative(plan) {
  const times = [plan.slices[0][0]];
  const sums = [0];
  for (const [, end, quantity] of plan.slices) {
    times.push(end);
    sums.push(sums.at(-1) + Number(quantity));
  }
  return [times, sums];
}
