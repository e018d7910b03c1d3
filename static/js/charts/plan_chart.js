// The plan on the ticket, drawn as its algorithm works: slices through time, an iceberg's parts, a router's split.

import { colours, CONFIG, layout } from "./style.js";
import { planWords } from "./words.js";
import { isNarrow } from "../lib/dom.js";
import { decimal, spoken } from "../lib/format.js";

/** More parts than this are a surface, not bars. */
const MAX_PARTS = 200;

/** Draws the plan and returns the words for what is drawn. */
export function drawPlan(node, plan) {
  const colour = colours();
  const own = plan.side === "buy" ? colour.buy : colour.sell;
  const { traces, shown, legend } = drawingOf(plan)(plan, colour, own);
  window.Plotly.react(node, traces, shown, CONFIG);
  node.setAttribute("aria-label", `Plan: ${planWords(plan)} ${legend}`);
  return legend;
}

function drawingOf(plan) {
  if (plan.visible) return parts;
  if (plan.route) return route;
  return slices;
}

// --- slices through time -------------------------------------------------------------------------

function slices(plan, colour, own) {
  const quantities = plan.slices.map((part) => Number(part[2]));
  const starts = plan.slices.map((part) => part[0]);
  const lengths = plan.slices.map((part) => part[1] - part[0]);
  const [times, sums] = cumulative(plan);
  const shown = twoScales(
    layout(colour, {
      title: `${plan.base} done by then`,
      xRange: [starts[0], plan.slices.at(-1)[1]],
      yRange: [0, sums.at(-1) * 1.06],
      revision: JSON.stringify([plan.algorithm, starts.length, lengths[0], plan.side]),
      right: 64,
      bottom: 28,
    }),
    `${plan.base} a slice`,
    Math.max(...quantities) * 3.8,
  );
  const bars = {
    type: "bar",
    yaxis: "y2",
    x: starts.map((start, index) => start + lengths[index] / 2),
    y: quantities,
    width: lengths.map((length) => length * 0.78),
    marker: { color: own, opacity: 0.55, line: { width: 0 } },
    text: plan.slices.map((part, index) => `slice ${index + 1}: ${decimal(part[2])} ${plan.base}`),
    textposition: "none",
    hovertemplate: "%{text}<extra></extra>",
  };
  const line = {
    type: "scatter",
    mode: "lines",
    x: times,
    y: sums,
    line: { color: colour.accent, width: 2 },
    hovertemplate: `%{x|%H:%M:%S}<br>%{y} ${plan.base} by then<extra></extra>`,
  };
  const market = expectedVolume(plan, colour, shown);
  const others = otherRisks(plan, colour, sums.at(-1));
  return {
    traces: [bars, ...others, line, ...market],
    shown,
    legend: [
      "bars: quantity of each slice",
      "line: done by then",
      others.length && `dotted: with ${plan.risks.map(({ words }) => words).join(", ")} risk aversion`,
      market.length && "violet: expected market volume",
    ].filter(Boolean).join(" · "),
  };
}

/** The trajectories of the risk aversions that are not chosen. */
function otherRisks(plan, colour, total) {
  const start = plan.slices[0][0];
  const length = plan.slices.at(-1)[1] - start;
  return plan.risks.map(({ words, left }) => ({
    type: "scatter",
    mode: "lines",
    name: words,
    x: left.map((_, index) => start + (length * index) / (left.length - 1)),
    y: left.map((share) => total * (1 - share)),
    line: { color: colour.muted, width: 1.2, dash: "dot" },
    hovertemplate: `${words} risk aversion<br>%{x|%H:%M:%S}<br>%{y:.4~f} ${plan.base} by then<extra></extra>`,
  }));
}

function twoScales(shown, title, top) {
  shown.yaxis2 = {
    ...shown.yaxis,
    title: { ...shown.yaxis.title, text: title },
    overlaying: "y",
    side: "right",
    range: [0, top],
    showgrid: false,
    tickmode: "auto",
    nticks: 4,
  };
  shown.bargap = 0;
  return shown;
}

/** The market's expected volume a minute, on a scale of its own behind the rest. */
function expectedVolume(plan, colour, shown) {
  if (!plan.profile?.length) return [];
  const end = plan.slices.at(-1)[1];
  const edges = [...plan.profile.map(([time]) => time), end];
  const paces = plan.profile.map(([, volume], index) => (volume * 60000) / Math.max(1, edges[index + 1] - edges[index]));
  shown.yaxis3 = { overlaying: "y", visible: false, range: [0, Math.max(...paces) * 2.2], fixedrange: true };
  return [{
    type: "scatter",
    mode: "lines",
    yaxis: "y3",
    x: edges,
    y: [...paces, paces.at(-1)],
    line: { color: colour.benchmark, width: 1.4, shape: "hv" },
    hovertemplate: `%{x|%H:%M:%S}<br>%{y:.3~f} ${plan.base} a minute expected<extra></extra>`,
  }];
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

// --- an iceberg's parts --------------------------------------------------------------------------

function parts(plan, colour, own) {
  const total = plan.slices.reduce((sum, part) => sum + Number(part[2]), 0);
  const visible = Number(plan.visible);
  const count = Math.ceil(total / visible - 1e-9);
  const drawn = Math.min(count, MAX_PARTS);
  const numbers = Array.from({ length: drawn }, (_, index) => index + 1);
  const sizes = numbers.map((number) => Math.min(visible, total - (number - 1) * visible));
  const hidden = numbers.map((number) => Math.max(0, total - number * visible));
  const shown = layout(colour, {
    title: plan.base,
    xRange: [0.4, drawn + 0.6],
    yRange: [0, total * 1.06],
    revision: JSON.stringify(["parts", count]),
    bottom: 40,
  });
  Object.assign(shown.xaxis, {
    type: "linear",
    tickformatstops: undefined,
    title: { text: "part", font: { size: 11 }, standoff: 4 },
    tickformat: "d",
    dtick: Math.max(1, Math.ceil(drawn / 12)),
    tick0: 1,
  });
  shown.barmode = "stack";
  shown.bargap = 0.3;
  const bar = (y, color, opacity, words) => ({
    type: "bar",
    x: numbers,
    y,
    marker: { color, opacity, line: { width: 0 } },
    textposition: "none",
    text: y.map((size, index) => `part ${index + 1}: ${decimal(size.toFixed(8).replace(/\.?0+$/, ""))} ${plan.base} ${words}`),
    hovertemplate: "%{text}<extra></extra>",
  });
  const more = count > drawn ? `, the first ${drawn} drawn` : "";
  return {
    traces: [bar(sizes, own, 0.9, "shown"), bar(hidden, colour.market_bar, 1, "still hidden")],
    shown,
    legend: `solid: part shown in the book · grey: quantity still hidden${more}`,
  };
}

// --- a router's split ----------------------------------------------------------------------------

/** On a phone only the quantity has room beside its bar; the prices stand in the table. */
const partWords = (plan, row) => (isNarrow() ? `${decimal(row.quantity)} ${plan.base}` : row.words);

function route(plan, colour, own) {
  const rows = [...plan.route].reverse();
  const labels = rows.map((row) => row.label);
  const largest = Math.max(...rows.map((row) => Number(row.quantity)), Number(plan.unfilled), 0);
  const unfilled = Number(plan.unfilled);
  const shown = layout(colour, { title: "", revision: JSON.stringify(["route", labels]), bottom: 40 });
  Object.assign(shown.xaxis, { type: "linear", tickformatstops: undefined, range: [0, largest * 1.35 || 1], title: { text: plan.base, font: { size: 11 }, standoff: 4 } });
  Object.assign(shown.yaxis, { type: "category", range: undefined, autorange: true, showgrid: false, title: { text: "" }, tickfont: { size: 12, color: colour.text } });
  shown.margin.l = 90;
  shown.bargap = 0.45;
  const bar = (y, x, text, color) => ({
    type: "bar",
    orientation: "h",
    y,
    x,
    text,
    textposition: "outside",
    constraintext: "none",
    cliponaxis: false,
    marker: { color, line: { width: 0 } },
    textfont: { family: colour.mono, size: 12, color: colour.text },
    hovertemplate: "%{y}: %{text}<extra></extra>",
  });
  const traces = [bar(labels, rows.map((row) => Number(row.quantity)), rows.map((row) => (Number(row.quantity) ? partWords(plan, row) : row.trouble || "nothing")), own)];
  if (unfilled > 0) traces.unshift(bar(["not available"], [unfilled], [`${decimal(plan.unfilled)} ${plan.base}`], colour.market_bar));
  return { traces, shown, legend: `the split at this moment, each part at its average price after fees, within ${spoken(plan.slices.at(-1)[1] - plan.slices[0][0])}` };
}
