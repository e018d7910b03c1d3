// Volume: the market's and own by stretches of time, and what a plan expected of the market.

import { layout } from "./style.js";
import { percent } from "../lib/format.js";

const BUCKETS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400].map((seconds) => seconds * 1000);

export const bucketOf = (length) => BUCKETS.find((size) => length / size <= 70) ?? BUCKETS.at(-1);

export function volume(view, colour, frame) {
  const size = bucketOf(frame.end - frame.start);
  const market = bucketed(view.samples.map((sample) => [sample[0], Number(sample[3])]), size, frame.start);
  const own = bucketed(view.fills.map((fill) => [fill.at, Number(fill.quantity)]), size, frame.start);
  const bars = (name, sums, color, text, opacity = 1) => ({
    type: "bar", name, x: [...sums.keys()].map((time) => time + size / 2), y: [...sums.values()], width: size * 0.78,
    text, textposition: "none", marker: { color, opacity, line: { width: 0 } },
    hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
  });
  const digits = 4;
  const share = (time, amount) => (market.get(time) ? percent(Math.min(1, amount / market.get(time))) : "–");
  const expected = expectedLine(view, size, colour);
  const highest = Math.max(0, ...market.values(), ...own.values(), ...expected.flatMap((trace) => trace.y));
  const drawn = layout(colour, { ...frame, title: view.order.base, yRange: [0, highest * 1.12 || 1] });
  return {
    traces: [
      bars("market", market, colour.market_bar, [...market].map(([, amount]) => `market ${amount.toFixed(digits)}`)),
      bars("own", own, view.order.side === "buy" ? colour.buy : colour.sell, [...own].map(([time, amount]) => `own ${amount.toFixed(digits)}, ${share(time, amount)} of the market`)),
      ...expected,
    ],
    layout: { ...drawn, barmode: "overlay", bargap: 0 },
  };
}

/** What the plan expects of the market in a stretch of this size. */
function expectedLine({ order, profile }, size, colour) {
  if (!profile.length) return [];
  const end = Math.max(order.end_at ?? 0, profile.at(-1)[0] + 1);
  const edges = [...profile.map(([time]) => time), end];
  const heights = profile.map(([, volume], index) => (volume * size) / Math.max(1, edges[index + 1] - edges[index]));
  const y = [...heights, heights.at(-1)];
  return [{
    x: edges, y, name: "expected", text: y.map((volume) => `expected of the market ${volume.toPrecision(3)}`),
    type: "scatter", mode: "lines", line: { color: colour.benchmark, width: 1.6, shape: "hv" },
    hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
  }];
}

function bucketed(pairs, size, start) {
  const sums = new Map();
  for (const [time, amount] of pairs) {
    const bucket = start + Math.floor((time - start) / size) * size;
    sums.set(bucket, (sums.get(bucket) ?? 0) + amount);
  }
  return sums;
}
