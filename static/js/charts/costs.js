// The charts of the analysis of many orders: means of costs with their errors, a distribution, and predictions.

import { colours, CONFIG, layout, levelName } from "./style.js";
import { costClass, decimal, percent, points, short } from "../lib/format.js";

const DRAWINGS = { weeks, predictions, venues, hours, sizes, distribution };
const PALE = 0.35;
/** The part of the orders that is inside of the picture of predictions, so that one far order does not flatten it. */
const INSIDE = 0.98;
const VENUE_FIGURES = [["cost_bp", "Against arrival"], ["spread_bp", "Spread"], ["fees_bp", "Fees"], ["markout_60_bp", "Markout 1 min"]];

/** Draws each chart whose element is on the page. */
export function drawCosts(charts, nodeOf) {
  const colour = colours();
  for (const [name, drawing] of Object.entries(DRAWINGS)) {
    const node = nodeOf(`chart-${name}`);
    if (!node) continue;
    const { traces, shown } = drawing(charts, colour, node);
    window.Plotly.react(node, traces, shown, CONFIG);
  }
}

/** A cost in the tooltip: mean and error, orders, quartiles. */
function words(label, cost) {
  const error = cost.standard_error === null ? "" : ` ± ${decimal(cost.standard_error, 1)}`;
  const middle = cost.quartiles && `<br>half from ${points(cost.quartiles.lower)} to ${points(cost.quartiles.upper)}, median ${points(cost.quartiles.median)}`;
  const unknown = cost.unknown ? `, ${cost.unknown} unknown` : "";
  return `${label}<br>${points(cost.mean)}${error} bp<br>${cost.orders} order${cost.orders === 1 ? "" : "s"}${unknown}${cost.is_few ? ", too few to rely on" : ""}${middle ?? ""}`;
}

const known = (rows) => rows.filter((row) => row.cost.mean !== null);
const means = (rows) => rows.map((row) => Number(row.cost.mean));
const errors = (rows) => rows.map((row) => Number(row.cost.standard_error ?? 0));

/** Two traces, because the whiskers of few orders are pale as well. `more` is of the kind of mark. */
function twoTones(rows, x, more, colour) {
  return [false, true].map((isFew) => {
    const part = known(rows).filter((row) => row.cost.is_few === isFew);
    return {
      x: part.map(x),
      y: means(part),
      text: part.map((row) => words(row.label, row.cost)),
      textposition: "none",
      error_y: { type: "data", array: errors(part), color: colour.text, thickness: 1, width: 3 },
      opacity: isFew ? PALE : 1,
      hovertemplate: "%{text}<extra></extra>",
      ...more(part),
    };
  });
}

const bars = (colour) => (part) => ({
  type: "bar",
  marker: { color: part.map((row) => colour[costClass(row.cost.mean)] ?? colour.muted), line: { width: 0 } },
});

/** A range that holds the means with their whiskers, and zero. */
function heights(rows) {
  const [enough, all] = [known(rows).filter((row) => !row.cost.is_few), known(rows)];
  const ends = (enough.length ? enough : all).flatMap((row) => {
    const error = Number(row.cost.standard_error ?? 0);
    return [Number(row.cost.mean) - error, Number(row.cost.mean) + error];
  });
  return room([0, ...ends]);
}

function room(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const more = high > low ? 0.12 * (high - low) : 1;
  return [low < 0 ? low - more : 0, high > 0 || low === 0 ? high + more : more / 2];
}

function frame(colour, name, more = {}) {
  const shown = layout(colour, { title: "bp", revision: name, left: 50, bottom: 34, ...more });
  Object.assign(shown.yaxis, { zeroline: true, zerolinecolor: colour.muted, fixedrange: true });
  Object.assign(shown.xaxis, { fixedrange: true });
  shown.bargap = 0.35;
  return shown;
}

// --- by week, hour and size ----------------------------------------------------------------------

const WEEK = 7 * 86400000;

function weeks({ weeks: rows }, colour) {
  const labelled = rows.map((row) => ({ ...row, label: `week of ${row.week}` }));
  const marks = () => ({ type: "scatter", mode: "markers", marker: { color: colour.accent, size: 8 } });
  const solid = known(labelled).filter((row) => !row.cost.is_few);
  const line = { type: "scatter", mode: "lines", x: solid.map((row) => row.week), y: means(solid), line: { color: colour.accent, width: 1.4 }, hoverinfo: "skip" };
  const days = known(labelled).map((row) => Date.parse(row.week));
  const shown = frame(colour, "weeks", { yRange: heights(labelled), xRange: [Math.min(...days) - WEEK / 2, Math.max(...days) + WEEK / 2] });
  Object.assign(shown.xaxis, { tickformatstops: undefined, tickformat: "%d %b", tickvals: mondays(days), showgrid: false });
  return { traces: [line, ...twoTones(labelled, (row) => row.week, marks, colour)], shown };
}

/** At most seven Mondays, evenly. */
function mondays(days) {
  const [first, last] = [Math.min(...days), Math.max(...days)];
  const step = WEEK * Math.ceil(((last - first) / WEEK + 1) / 7);
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
}

function hours({ hours: rows }, colour) {
  const clock = (hour) => `${String(hour).padStart(2, "0")}:00`;
  const labelled = rows.map((row) => ({ ...row, label: `${clock(row.hour)} UTC` }));
  const shown = frame(colour, "hours", { yRange: heights(labelled) });
  Object.assign(shown.xaxis, {
    type: "linear",
    range: [-0.6, 23.6],
    tickformatstops: undefined,
    tickvals: [0, 3, 6, 9, 12, 15, 18, 21],
    ticktext: [0, 3, 6, 9, 12, 15, 18, 21].map(clock),
    showgrid: false,
  });
  shown.barmode = "overlay";
  return { traces: twoTones(labelled, (row) => row.hour, bars(colour), colour), shown };
}

const bound = (value) => (Number(value) >= 1000 ? short(value).replace(".0 ", " ") : decimal(value));

function sizes({ sizes: rows, currency }, colour) {
  const labelled = rows.map((row) => ({ ...row, label: `${bound(row.lower)} to ${bound(row.upper)} ${currency}` }));
  const shown = frame(colour, "sizes", { yRange: heights(labelled), bottom: 40 });
  const place = (row) => `${bound(row.lower)}–<br>${bound(row.upper)}`;
  Object.assign(shown.xaxis, { type: "category", showgrid: false, range: undefined, tickformatstops: undefined, tickangle: 0, categoryorder: "array", categoryarray: rows.map(place) });
  shown.barmode = "overlay";
  return { traces: twoTones(labelled, place, bars(colour), colour), shown };
}

// --- the distribution ----------------------------------------------------------------------------

function distribution({ distribution: bins, whole, currency }, colour) {
  const inner = bins.find((bin) => bin.lower !== null && bin.upper !== null);
  const width = Number(inner.upper) - Number(inner.lower);
  const centre = (bin) => (bin.lower === null ? Number(bin.upper) - width / 2 : Number(bin.lower) + width / 2);
  const between = (bin) => (bin.lower === null ? `below ${points(bin.upper)}` : bin.upper === null ? `${points(bin.lower)} and above` : `${points(bin.lower)} to ${points(bin.upper)}`);
  const tone = (bin) => (bin.upper !== null && Number(bin.upper) <= 0 ? colour.good : bin.lower !== null && Number(bin.lower) >= 0 ? colour.warn : colour.muted);
  const share = (bin) => percent(Number(bin.notional) / Number(whole.notional));
  const highest = Math.max(...bins.map((bin) => bin.orders));
  const shown = frame(colour, "distribution", { title: "orders", yRange: [0, highest * 1.22] });
  const lines = [["median", Number(whole.quartiles.median), "dot", "left"], ["weighted mean", Number(whole.mean), "dash", "right"]];
  const ends = bins.filter((bin) => bin.lower === null || bin.upper === null);
  const [left, right] = [centre(bins[0]) - 0.8 * width, centre(bins.at(-1)) + 0.8 * width];
  Object.assign(shown.xaxis, { type: "linear", range: [left, right], tickformatstops: undefined, title: { text: "bp", font: { size: 11 }, standoff: 2 }, showgrid: false });
  Object.assign(shown, {
    bargap: 0.08,
    shapes: lines.map(([, at, dash]) => ({ type: "line", xref: "x", yref: "paper", x0: at, x1: at, y0: 0, y1: 1, line: { color: colour.text, width: 1, dash } })),
    annotations: [
      ...lines.map(([name, at, , side], index) => ({ ...levelName(name, 1 - 0.08 * index, colour.text, "paper", "top"), x: at, xref: "x", xanchor: beside(lines, at, side) })),
      ...ends.map((bin) => ({
        text: bin.lower === null ? "and below" : "and above",
        x: centre(bin),
        xref: "x",
        y: bin.orders,
        yref: "y",
        yanchor: "bottom",
        xanchor: bin.lower === null ? "left" : "right",
        showarrow: false,
        font: { size: 10, color: colour.muted },
      })),
    ],
  });
  return {
    traces: [{
      type: "bar",
      x: bins.map(centre),
      y: bins.map((bin) => bin.orders),
      width: bins.map(() => width * 0.92),
      marker: { color: bins.map(tone), opacity: bins.map((bin) => (bin.lower === null || bin.upper === null ? 0.6 : 1)), line: { width: 0 } },
      text: bins.map((bin) => `${between(bin)} bp<br>${bin.orders} order${bin.orders === 1 ? "" : "s"}<br>${decimal(bin.notional, 0)} ${currency}, ${share(bin)} of the notional`),
      textposition: "none",
      hovertemplate: "%{text}<extra></extra>",
    }],
    shown,
  };
}

/** The names of two lines stand on their outer sides. */
const beside = (lines, at, side) => {
  const others = lines.map(([, other]) => other).filter((other) => other !== at);
  if (!others.length) return side;
  return at < others[0] ? "right" : "left";
};

// --- predictions ---------------------------------------------------------------------------------

function predictions({ predictions: found, currency }, colour) {
  const rows = found.orders.map((row) => ({ ...row, x: Number(row.predicted_bp), y: Number(row.achieved_bp) }));
  const steps = found.steps.map((step) => ({ ...step.achieved, at: Number(step.predicted.mean) }));
  const xRange = span(rows.map((row) => row.x));
  const yRange = span(rows.map((row) => row.y));
  const isInside = (row) => row.x >= xRange[0] && row.x <= xRange[1] && row.y >= yRange[0] && row.y <= yRange[1];
  const outside = rows.filter((row) => !isInside(row)).length;
  const ends = [Math.min(xRange[0], yRange[0]), Math.max(xRange[1], yRange[1])];
  const shown = frame(colour, "predictions", { title: "achieved, bp", yRange });
  Object.assign(shown.xaxis, { type: "linear", range: xRange, tickformatstops: undefined, title: { text: "predicted, bp", font: { size: 11 }, standoff: 2 } });
  shown.annotations = [
    {
      text: "above the line: dearer than predicted",
      x: 0.01,
      xref: "paper",
      xanchor: "left",
      y: 1,
      yref: "paper",
      yanchor: "top",
      showarrow: false,
      bgcolor: colour.panel,
      font: { size: 10, color: colour.muted },
    },
    ...(outside || found.left_out
      ? [{
        text: [outside && `${outside} outside of the picture`, found.left_out && `${found.left_out} older not drawn`].filter(Boolean).join(", "),
        x: 0.99,
        xref: "paper",
        xanchor: "right",
        y: 0,
        yref: "paper",
        yanchor: "bottom",
        showarrow: false,
        bgcolor: colour.panel,
        font: { size: 10, color: colour.muted },
      }]
      : []),
  ];
  return {
    traces: [
      { type: "scatter", mode: "lines", x: ends, y: ends, line: { color: colour.muted, width: 1, dash: "dash" }, hoverinfo: "skip" },
      {
        type: "scatter",
        mode: "markers",
        x: rows.map((row) => row.x),
        y: rows.map((row) => row.y),
        marker: { color: colour.accent, size: 5, opacity: 0.45 },
        text: rows.map((row) => `${row.order}<br>predicted ${points(row.predicted_bp)}, achieved ${points(row.achieved_bp)} bp<br>${decimal(row.notional, 0)} ${currency}`),
        hovertemplate: "%{text}<extra></extra>",
      },
      {
        type: "scatter",
        mode: "markers",
        x: steps.map((step) => step.at),
        y: steps.map((step) => Number(step.mean)),
        marker: { color: colour.text, size: 8, symbol: "square" },
        error_y: { type: "data", array: steps.map((step) => Number(step.standard_error ?? 0)), color: colour.text, thickness: 1.2, width: 3 },
        text: steps.map((step) => words(`a fifth of the orders, predicted ${points(String(step.at))}`, step)),
        hovertemplate: "%{text}<extra></extra>",
      },
    ],
    shown,
  };
}

/** The range of the middle part of the values. */
function span(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const cut = Math.floor((sorted.length * (1 - INSIDE)) / 2);
  const [low, high] = [sorted[cut], sorted[sorted.length - 1 - cut]];
  const more = Math.max(0.5, 0.1 * (high - low));
  return [low - more, high + more];
}

// --- venues --------------------------------------------------------------------------------------

/** One small chart for each figure beside each other; on a phone two in a row. */
function venues({ venues: rows }, colour, node) {
  const names = rows.map((row) => row.venue).reverse();
  const across = node.clientWidth < 420 ? 2 : VENUE_FIGURES.length;
  const down = VENUE_FIGURES.length / across;
  const longest = Math.max(...names.map((name) => name.length));
  const shown = frame(colour, "venues", { title: "", left: Math.min(120, 20 + 7 * longest), bottom: 24 });
  shown.margin.t = 24;
  const traces = VENUE_FIGURES.flatMap(([key, label], index) => {
    const [column, line] = [index % across, Math.floor(index / across)];
    const suffix = index ? String(index + 1) : "";
    const domain = [column / across + (column ? 0.02 : 0), (column + 1) / across - 0.01];
    const height = [1 - (line + 1) / down + (down > 1 && line < down - 1 ? 0.16 : 0), 1 - line / down - (line ? 0.08 : 0)];
    const part = rows.map((row) => ({ label: `${row.venue}: ${label}`, venue: row.venue, cost: row.figures[key] }));
    const range = room([0, ...known(part).flatMap((row) => [-1, 1].map((sign) => Number(row.cost.mean) + sign * Number(row.cost.standard_error ?? 0)))]);
    shown[`xaxis${suffix}`] = {
      ...shown.xaxis,
      type: "linear",
      tickformatstops: undefined,
      domain,
      range,
      nticks: across > 2 ? 3 : 4,
      tickangle: 0,
      anchor: `y${suffix}`,
      zeroline: true,
      zerolinecolor: colour.muted,
    };
    shown[`yaxis${suffix}`] = {
      ...shown.yaxis,
      type: "category",
      categoryorder: "array",
      categoryarray: names,
      range: [-0.6, names.length - 0.4],
      domain: height,
      anchor: `x${suffix}`,
      showticklabels: column === 0,
      tickfont: { size: 12, color: colour.text },
      zeroline: false,
      tickmode: "array",
      tickvals: names,
    };
    shown.annotations.push({
      text: label,
      x: (domain[0] + domain[1]) / 2,
      xref: "paper",
      xanchor: "center",
      y: height[1],
      yref: "paper",
      yanchor: "bottom",
      showarrow: false,
      font: { size: 11, color: colour.muted },
    });
    return [false, true].map((isFew) => {
      const tone = known(part).filter((row) => row.cost.is_few === isFew);
      return {
        type: "scatter",
        mode: "markers",
        xaxis: `x${suffix}`,
        yaxis: `y${suffix}`,
        x: means(tone),
        y: tone.map((row) => row.venue),
        opacity: isFew ? PALE : 1,
        marker: { color: tone.map((row) => colour[costClass(row.cost.mean)] ?? colour.muted), size: 9 },
        error_x: { type: "data", array: errors(tone), color: colour.text, thickness: 1, width: 3 },
        text: tone.map((row) => words(row.label, row.cost)),
        hovertemplate: "%{text}<extra></extra>",
      };
    });
  });
  return { traces, shown };
}
