// The look that all charts share, taken from the page's own colours.

import { isNarrow } from "../lib/dom.js";

const LEFT = 64;
/** Room for half of the last time of the axis. */
const RIGHT = 27;
/** A part of the time before its start, so that a fill at the start is whole. */
const BESIDE_START = 0.012;

export function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["text", "muted", "faint", "line", "panel", "raised", "buy", "sell", "good", "warn", "accent", "benchmark", "band", "band-sell", "market-bar", "primary"];
  const found = Object.fromEntries(names.map((name) => [name.replace("-", "_"), read(name)]));
  return { ...found, sans: read("sans"), mono: read("mono") };
}

/** Seconds only where the ticks are that close; the date stands elsewhere, once. */
const TIME_TICKS = [
  { dtickrange: [null, 99], value: "%H:%M:%S.%L" },
  { dtickrange: [100, 999], value: "%H:%M:%S.%1f" },
  { dtickrange: [1000, 59999], value: "%H:%M:%S" },
  { dtickrange: [60000, 86399999], value: "%H:%M" },
  { dtickrange: [86400000, null], value: "%d %b" },
];

/** Prices with the places of the tick, and with more only where the axis steps by less than a tick. */
const priceTicks = (digits) =>
  [0, 1, 2, 3].map((more) => ({
    dtickrange: [0.99 * 10 ** -(digits + more), more ? 0.99 * 10 ** -(digits + more - 1) : null],
    value: `,.${digits + more}f`,
  }));

/** `digits` are the places of an axis of prices. */
export function layout(colour, { title, xRange, yRange, digits = null, revision, xRevision = revision, left = LEFT, right = RIGHT, bottom = 26, shapes = [], annotations = [] }) {
  const axis = {
    gridcolor: colour.line,
    linecolor: colour.line,
    zeroline: false,
    tickfont: { size: 11, color: colour.muted },
    automargin: false,
  };
  return {
    uirevision: revision,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colour.sans, size: 12, color: colour.muted },
    margin: { l: left, r: right, t: 8, b: bottom },
    showlegend: false,
    hovermode: "closest",
    hoverlabel: { bgcolor: colour.raised, bordercolor: colour.line, font: { family: colour.mono, size: 12, color: colour.text } },
    // A finger on a chart scrolls the page.
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    xaxis: { ...axis, type: "date", range: xRange, uirevision: xRevision, tickformatstops: TIME_TICKS, nticks: isNarrow() ? 4 : 8, tickangle: 0, showline: true },
    yaxis: {
      ...axis,
      title: { text: title, font: { size: 11 }, standoff: 4 },
      range: yRange,
      nticks: 6,
      tickformatstops: digits === null ? undefined : priceTicks(digits),
      separatethousands: true,
      exponentformat: "none",
      fixedrange: false,
    },
    shapes,
    annotations,
  };
}

/** A line of [time, height] points. `words` says a height in the tooltip; `more` is of the trace itself. */
export const lineTrace = (points, words, line, more = {}) => ({
  x: points.map(([time]) => time),
  y: points.map(([, height]) => height),
  text: points.map(([, height]) => words(height)),
  type: "scatter",
  mode: "lines",
  line,
  hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
  ...more,
});

/** The name of a level, at the right edge. */
export const levelName = (text, height, color, yref = "y", anchor = "bottom") => ({
  text,
  x: 1,
  xref: "paper",
  xanchor: "right",
  y: height,
  yref,
  yanchor: anchor,
  showarrow: false,
  font: { size: 10, color },
});

/** Plotly's own tips would lie on the buttons of the page; the page says what it has to say. */
export const CONFIG = { showTips: false, displayModeBar: false, displaylogo: false, responsive: true, doubleClick: "reset" };

/** A vertical dotted line at now, over the whole height. */
export const nowLine = (time, colour) => ({
  type: "line",
  xref: "x",
  yref: "paper",
  x0: time,
  x1: time,
  y0: 0,
  y1: 1,
  line: { color: colour.text, width: 1.5, dash: "dot" },
});

export const levelLine = (height, colour, dash) => ({
  type: "line",
  xref: "paper",
  yref: "y",
  x0: 0,
  x1: 1,
  y0: height,
  y1: height,
  layer: "below",
  line: { color: colour, width: 1, dash },
});

/** The axis of a stretch of time. */
export const paddedStart = ([from, to]) => [from - BESIDE_START * (to - from), to];

export const shadedTime = (from, to, colour, opacity = 0.14) => ({
  type: "rect",
  xref: "x",
  yref: "paper",
  x0: from,
  x1: to,
  y0: 0,
  y1: 1,
  layer: "below",
  fillcolor: colour,
  opacity,
  line: { width: 0 },
});
