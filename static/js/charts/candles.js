// Candles with own fills, VWAP, limit and collar. Grey is the market's; up candles are hollow, down candles solid.

import { fillTraces, fillWords, sideWords } from "./fills.js";
import { hiddenTicks, levelMarks, padded } from "./levels.js";
import { colours, CONFIG, layout, levelLine, levelName, lineTrace, shadedTime } from "./style.js";
import { clock, decimal, places } from "../lib/format.js";

const MINUTE = 60000;
const AXIS_RIGHT = 74;
/** A limit or collar this many times the candles' height away is named at the edge instead of drawn. */
const FAR = 1.5;
/** So many candles' time is shown at least. */
const FEWEST = 20;
/** So much of the time before the first known candle is shown: the least, and the most of a young market. */
const GREY = [3, 6];
/** Where the prices end above the volume, as a part of the chart. */
const PRICES_FROM = 0.2;

/** `view`: market (symbol, base, quote, tick, lot), candles, rows, mid, limit, collar, side. Returns what it says in words. */
export function drawCandles(node, view) {
  const colour = colours();
  const { market, candles, rows } = view;
  const length = candles.minutes * MINUTE;
  const digits = places(market.tick) ?? 2;
  const range = padded(shownPrices(view));
  const marks = levelTags(view, colour, range, digits);
  const named = (value) => `VWAP ${decimal(value.toFixed(digits))}`;
  const bodies = rows.map((row) => candle(row, length));
  const vwap = rows.filter((row) => row[6] !== null).map((row) => [row[0] + length / 2, Number(row[6])]);
  const traces = [
    volumeTrace(bodies, market, colour),
    wickTrace(bodies, colour),
    bodyTrace(bodies.filter((bar) => bar.close >= bar.open), length, colour, true, market),
    bodyTrace(bodies.filter((bar) => bar.close < bar.open), length, colour, false, market),
    lineTrace(vwap, named, { color: colour.benchmark, width: 1.4 }),
    ...fillTraces(candles.fills, market, colour),
  ];
  const xRange = timeRange(rows, candles, length);
  const drawn = layout(colour, {
    title: "",
    xRange,
    yRange: range,
    digits,
    right: AXIS_RIGHT,
    left: 12,
    revision: `${market.symbol}.${candles.minutes}`,
    xRevision: `${market.symbol}.${candles.since}.${xRange[0]}`,
    shapes: [...candles.unknown.map(([from, to]) => shadedTime(from, to, colour.muted)), ...refused(view, range, colour), ...marks.shapes],
    annotations: [...marks.annotations, ...unknownWords(candles, xRange, colour)],
  });
  Object.assign(drawn.yaxis, { side: "right", domain: [PRICES_FROM, 1], labelalias: hiddenTicks(marks.tagged, range, digits) });
  drawn.yaxis2 = { ...drawn.yaxis, title: undefined, domain: [0, 0.14], range: undefined, showticklabels: false, showgrid: false, rangemode: "tozero", fixedrange: true };
  drawn.xaxis.anchor = "y2";
  drawn.barmode = "overlay";
  window.Plotly.react(node, traces, drawn, CONFIG);
  return legend(view, digits);
}

const candle = ([at, open, high, low, close, volume], length) => ({
  at: at + length / 2,
  opened: at,
  open: Number(open),
  high: Number(high),
  low: Number(low),
  close: Number(close),
  volume: Number(volume),
});

/** The candles and own fills decide the range; limit and collar only when they are near. */
function shownPrices({ rows, candles, mid, limit, collar }) {
  const prices = [...rows.flatMap((row) => [Number(row[2]), Number(row[3])]), ...candles.fills.map((fill) => Number(fill.price))];
  if (mid !== null) prices.push(Number(mid));
  if (!prices.length) return prices;
  const [low, high] = padded(prices);
  const near = (value) => value !== null && Number(value) > low - FAR * (high - low) && Number(value) < high + FAR * (high - low);
  return [...prices, ...[limit, collar].filter(near).map(Number)];
}

/** Lines with their price on the axis and their name at the left; one off the picture is named at its edge. */
function levelTags({ limit, collar, mid, side }, colour, range, digits) {
  const levels = [
    ["", mid, colour.text, "dot"],
    ["limit", limit, side === "sell" ? colour.sell : colour.buy, "longdash"],
    [side === "sell" ? "collar: below it nothing is sold" : "collar: above it nothing is bought", collar, colour.warn, "dash"],
  ].filter(([, value]) => value !== null);
  const isInside = ([, value]) => range && Number(value) >= range[0] && Number(value) <= range[1];
  const beyond = levelMarks(levels.filter((level) => !isInside(level)), range, digits, { paper: colour.panel, bottom: PRICES_FROM });
  const inside = levels.filter(isInside);
  return {
    tagged: inside.map(([, value]) => Number(value)),
    shapes: inside.map(([, value, color, dash]) => levelLine(Number(value), color, dash)),
    annotations: [
      ...beyond.annotations,
      ...inside.flatMap(([label, value, color]) => [
        priceTag(decimal(value, digits), Number(value), color, colour),
        ...(label ? [{ ...levelName(label, Number(value), color), x: 0, xanchor: "left", bgcolor: colour.panel }] : []),
      ]),
    ],
  };
}

const priceTag = (text, height, color, colour) => ({
  text,
  x: 1,
  xref: "paper",
  xanchor: "left",
  xshift: 2,
  y: height,
  yref: "y",
  yanchor: "middle",
  showarrow: false,
  bgcolor: color,
  borderpad: 2,
  font: { family: colour.mono, size: 10.5, color: colour.panel },
});

/** Where nothing may be filled: beyond the limit and beyond the collar. */
function refused({ limit, collar, side }, range, colour) {
  if (!range || !side) return [];
  const edge = side === "sell" ? range[0] : range[1];
  const isInside = (value) => value !== null && Number(value) > range[0] && Number(value) < range[1];
  return [[limit, side === "sell" ? colour.sell : colour.buy], [collar, colour.warn]].filter(([value]) => isInside(value)).map(([value, color]) => ({
    type: "rect",
    xref: "paper",
    yref: "y",
    x0: 0,
    x1: 1,
    y0: Number(value),
    y1: edge,
    layer: "below",
    fillcolor: color,
    opacity: 0.08,
    line: { width: 0 },
  }));
}

/** The whole stretch, or from shortly before the first known candle on. A young market leaves room for what comes. */
export function timeRange(rows, candles, length) {
  const end = candles.until + 2 * length;
  if (!rows.length) return [candles.since, end];
  const missing = FEWEST - (end - rows[0][0]) / length;
  const grey = Math.min(Math.max(missing, GREY[0]), GREY[1]);
  const start = Math.max(candles.since, rows[0][0] - grey * length);
  return [start, Math.max(end, start + FEWEST * length)];
}

/** The longest stretch of which nothing is known says so, if there is room. */
function unknownWords(candles, [start, end], colour) {
  const seen = candles.unknown.map(([from, to]) => [Math.max(from, start), to]);
  const longest = seen.reduce((most, stretch) => (most === null || stretch[1] - stretch[0] > most[1] - most[0] ? stretch : most), null);
  if (longest === null || longest[1] - longest[0] < 0.15 * (end - start)) return [];
  return [{ text: "not known", x: (longest[0] + longest[1]) / 2, y: 0.6, yanchor: "middle", xref: "x", yref: "paper", showarrow: false, font: { size: 11, color: colour.muted } }];
}

function wickTrace(bodies, colour) {
  const x = bodies.flatMap((bar) => [bar.at, bar.at, null, bar.at, bar.at, null]);
  const y = bodies.flatMap((bar) => [bar.low, Math.min(bar.open, bar.close), null, Math.max(bar.open, bar.close), bar.high, null]);
  return { x, y, type: "scatter", mode: "lines", line: { color: colour.muted, width: 1 }, hoverinfo: "skip" };
}

function bodyTrace(bodies, length, colour, isUp, market) {
  const digits = places(market.tick) ?? 2;
  const shown = (value) => decimal(value.toFixed(digits));
  return {
    x: bodies.map((bar) => bar.at),
    base: bodies.map((bar) => Math.min(bar.open, bar.close)),
    y: bodies.map((bar) => Math.abs(bar.close - bar.open)),
    width: bodies.map(() => length * 0.66),
    type: "bar",
    marker: { color: isUp ? colour.panel : colour.muted, line: { color: colour.muted, width: 1 } },
    text: bodies.map((bar) =>
      `${clock(bar.opened).slice(0, 5)} open ${shown(bar.open)}, high ${shown(bar.high)}<br>low ${shown(bar.low)}, close ${shown(bar.close)}<br>volume ${decimal(String(bar.volume))} ${market.base}`
    ),
    textposition: "none",
    hovertemplate: "%{text}<extra></extra>",
  };
}

function volumeTrace(bodies, market, colour) {
  return {
    x: bodies.map((bar) => bar.at),
    y: bodies.map((bar) => bar.volume),
    type: "bar",
    yaxis: "y2",
    marker: { color: colour.market_bar },
    hovertemplate: `%{x|%H:%M}<br>%{y} ${market.base}<extra></extra>`,
  };
}

/** What is drawn, in words: the line under the chart, and what the chart is called. */
function legend({ market, candles, rows, limit, collar }, digits) {
  const last = rows.at(-1);
  const vwap = last?.[6] ?? null;
  const lines = [
    rows.length && "hollow: up, solid: down",
    vwap !== null && `VWAP of these candles ${decimal(Number(vwap).toFixed(digits))}, by typical prices`,
    candles.fills.length && `own fills ${fillWords(candles.fills)} (${sideWords(candles.fills)})`,
    limit !== null && "limit",
    collar !== null && "collar now",
    candles.unknown.length && "grey: not known",
    candles.left_out.length && `without ${candles.left_out.join(", ")}`,
  ].filter(Boolean);
  const low = rows.reduce((least, row) => Math.min(least, Number(row[3])), Infinity);
  const high = rows.reduce((most, row) => Math.max(most, Number(row[2])), -Infinity);
  const prices = last ? `last ${decimal(last[4])}, low ${decimal(low.toFixed(digits))}, high ${decimal(high.toFixed(digits))}` : "no candle is known";
  return { line: lines.join(" · "), label: `${market.symbol}, candles of ${candles.minutes} min: ${prices}. ${lines.join(", ")}` };
}
