// Price: the market's mid and running VWAP, own fills as markers, arrival, own average and limit as levels.

import { fillTraces, fillWords } from "./fills.js";
import { levelMarks, padded } from "./levels.js";
import { emptied } from "./nothing.js";
import { layout, lineTrace } from "./style.js";
import { decimal, places } from "../lib/format.js";

export function price(view, colour, frame) {
  const { order, samples, fills } = view;
  const digits = places(order.tick) ?? 2;
  const named = (name) => (value) => `${name} ${decimal(value.toFixed(digits + 1))}`;
  const quoted = samples.filter((sample) => sample[1] !== null && sample[2] !== null);
  const mids = quoted.map((sample) => [sample[0], (Number(sample[1]) + Number(sample[2])) / 2]);
  const vwap = view.form.shows.market ? runningVwap(samples) : [];
  const range = padded(shownPrices(view, mids, frame));
  const traces = [
    lineTrace(mids, named("mid"), { color: colour.text, width: 1 }),
    lineTrace(vwap, named("market VWAP"), { color: colour.benchmark, width: 1.4 }),
    ...fillTraces(fills.map((fill) => ({ ...fill, side: order.side })), order, colour),
  ];
  const levels = levelMarks(
    [
      ["arrival", order.arrival_mid, colour.muted, "dash"],
      ["average", order.average, order.side === "buy" ? colour.buy : colour.sell, "solid"],
      ["limit", order.limit_price, order.side === "buy" ? colour.buy : colour.sell, "longdash"],
    ],
    range,
    digits,
    { paper: colour.panel },
  );
  const shown = layout(colour, {
    ...frame,
    title: order.quote,
    yRange: range,
    digits,
    shapes: [...frame.shapes, ...levels.shapes],
    annotations: levels.annotations,
  });
  return {
    traces,
    legend: priceLegend(order, fills, mids.length > 0, vwap.length > 0),
    layout: range ? shown : emptied(shown, view, colour),
  };
}

/** The prices between which the chart is drawn: those of its time, else all. Arrival and average belong to the start. */
function shownPrices({ order, fills }, mids, { span: [from, to], range }) {
  const points = [...mids, ...fills.map((fill) => [fill.at, Number(fill.price)])];
  const within = points.filter(([time]) => time >= from && time <= to);
  const prices = (within.length ? within : points).map(([, price]) => price);
  if (range === "recent" && within.length) return prices;
  return [...prices, ...[order.arrival_mid, order.average].filter((value) => value !== null).map(Number)];
}

/** Only what is drawn is named. */
function priceLegend(order, fills, hasMid, hasVwap) {
  return [
    hasMid && "mid",
    fills.length > 0 && `own fills ${fillWords(fills)}`,
    order.limit_price !== null && "limit",
    order.arrival_mid !== null && "arrival",
    hasVwap && "violet: market VWAP",
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
