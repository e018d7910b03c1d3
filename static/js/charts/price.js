// Price: the market's mid and running VWAP, own fills as markers, arrival, own average and limit as levels.

import { layout, levelLine, levelName, lineTrace } from "./style.js";
import { decimal, places } from "../lib/format.js";

export function price(view, colour, frame) {
  const { order, samples, fills } = view;
  const digits = places(order.tick) ?? 2;
  const named = (name) => (value) => `${name} ${decimal(value.toFixed(digits + 1))}`;
  const quoted = samples.filter((sample) => sample[1] !== null && sample[2] !== null);
  const mids = quoted.map((sample) => [sample[0], (Number(sample[1]) + Number(sample[2])) / 2]);
  const vwap = runningVwap(samples);
  const prices = [...mids.map(([, mid]) => mid), ...fills.map((fill) => Number(fill.price))];
  for (const value of [order.arrival_mid, order.average]) if (value !== null) prices.push(Number(value));
  const range = padded(prices);
  const traces = [
    lineTrace(mids, named("mid"), { color: colour.text, width: 1 }),
    lineTrace(vwap, named("market VWAP"), { color: colour.benchmark, width: 1.4 }),
    ...fillMarkers(view, colour),
  ];
  const levels = priceLevels(order, colour, range, digits);
  return {
    traces,
    legend: priceLegend(order, fills, mids.length > 0, vwap.length > 0),
    layout: layout(colour, {
      ...frame, title: order.quote, yRange: range,
      shapes: [...frame.shapes, ...levels.shapes], annotations: levels.annotations,
    }),
  };
}

/** Only what is drawn is named. */
function priceLegend(order, fills, hasMid, hasVwap) {
  const drawn = (kind) => fills.some((fill) => (fill.liquidity || "") === kind);
  const markers = [drawn("maker") && "● maker", drawn("taker") && "◆ taker", drawn("") && "□ liquidity unknown"].filter(Boolean);
  return [
    hasMid && "mid",
    markers.length > 0 && `own fills ${markers.join(" ")}`,
    order.limit_price !== null && "limit",
    order.arrival_mid !== null && "arrival",
    hasVwap && "market VWAP",
    order.average !== null && "own average",
  ].filter(Boolean);
}

function runningVwap(samples) {
  let volume = 0;
  let notional = 0;
  const line = [];
  for (const [time, , , added, money] of samples) {
    if (added === null) continue; // unknown, which is not zero
    volume += Number(added);
    notional += Number(money);
    if (volume > 0) line.push([time, notional / volume]);
  }
  return line;
}

function fillMarkers({ fills, order }, colour) {
  const largest = Math.max(...fills.map((fill) => Number(fill.quantity)), 0);
  const kinds = { maker: ["circle", colour.buy, "● maker"], taker: ["diamond", colour.warn, "◆ taker"], "": ["square-open", colour.muted, "liquidity unknown"] };
  return Object.entries(kinds).map(([kind, [symbol, color, label]]) => {
    const own = fills.filter((fill) => (fill.liquidity in kinds ? fill.liquidity : "") === kind);
    return {
      x: own.map((fill) => fill.at), y: own.map((fill) => Number(fill.price)),
      text: own.map((fill) => `${label}<br>${decimal(fill.quantity)} ${order.base} @ ${decimal(fill.price, places(order.tick))}`),
      type: "scatter", mode: "markers",
      marker: { symbol, color, opacity: 1, line: { color: colour.panel, width: 1 }, size: own.map((fill) => 6 + 6 * Math.sqrt(Number(fill.quantity) / largest)) },
      hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
    };
  });
}

function padded(values) {
  if (!values.length) return undefined;
  // Not Math.min(...values): a long order has more samples than a call may have arguments.
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const room = Math.max((high - low) * 0.12, high * 0.00002);
  return [low - room, high + room];
}

/** Arrival, own average and limit as level lines; a limit off the picture is named at its edge. */
function priceLevels(order, colour, range, digits) {
  const shapes = [];
  const annotations = [];
  const add = (label, value, color, dash) => {
    if (value === null || !range) return;
    const height = Number(value);
    if (height >= range[0] && height <= range[1]) {
      shapes.push(levelLine(height, color, dash));
      annotations.push(levelName(`${label} ${decimal(height.toFixed(digits))}`, height, color));
    } else {
      const above = height > range[1];
      annotations.push(levelName(`${label} ${decimal(value)} ${above ? "↑" : "↓"}`, above ? 1 : 0, color, "paper", above ? "top" : "bottom"));
    }
  };
  add("arrival", order.arrival_mid, colour.muted, "dash");
  add("average", order.average, order.side === "buy" ? colour.buy : colour.sell, "solid");
  add("limit", order.limit_price, colour.warn, "longdash");
  partLabels(annotations.filter((label) => label.yref === "y"), range);
  return { shapes, annotations };
}

/** Where two labels would lie on each other, the lower one hangs below its line. */
function partLabels(labels, range) {
  labels.sort((left, right) => left.y - right.y);
  for (let index = 1; index < labels.length; index += 1) {
    if (labels[index].y - labels[index - 1].y < (range[1] - range[0]) * 0.09) labels[index - 1].yanchor = "top";
  }
}
