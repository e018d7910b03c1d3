// Price: the market's mid and running VWAP, own fills as markers, arrival, own average and limit as levels.

import { fillTraces, fillWords } from "./fills.js";
import { levelMarks, padded } from "./levels.js";
import { layout, lineTrace } from "./style.js";
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
    ...fillTraces(fills.map((fill) => ({ ...fill, side: order.side })), order, colour),
  ];
  const levels = levelMarks([
    ["arrival", order.arrival_mid, colour.muted, "dash"],
    ["average", order.average, order.side === "buy" ? colour.buy : colour.sell, "solid"],
    ["limit", order.limit_price, colour.warn, "longdash"],
  ], range, digits);
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
  return [
    hasMid && "mid",
    fills.length > 0 && `own fills ${fillWords(fills)}`,
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
