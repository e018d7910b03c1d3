// Volume: the market's and own by stretches of time, and what a plan expected of the market.

import { emptied } from "./nothing.js";
import { heightsWithin } from "./ranges.js";
import { layout, lineTrace, shadedTime } from "./style.js";
import { percent, spoken } from "../lib/format.js";

const BUCKETS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400].map((seconds) => seconds * 1000);

/** Milliseconds of a sample. */
const SAMPLE = 1000;
/** The newest seconds are unknown until a later trade or a look at the venue has proven them. */
const PROVEN_WITHIN = 30000;

const bucketOf = (length) => BUCKETS.find((size) => length / size <= 70) ?? BUCKETS.at(-1);

export function volume(view, colour, frame) {
  const size = bucketOf(frame.span[1] - frame.span[0]);
  // The second in which the order starts belongs to its first bar.
  const known = view.samples.filter(([time, , , amount]) => amount !== null && time > frame.start - SAMPLE);
  const market = bucketed(known.map(([time, , , amount]) => [Math.max(time, frame.start), Number(amount)]), size, frame.start);
  const own = bucketed(view.fills.map((fill) => [fill.at, Number(fill.quantity)]), size, frame.start);
  const bars = (name, sums, color, text, opacity = 1) => ({
    type: "bar",
    name,
    x: [...sums.keys()].map((time) => time + size / 2),
    y: [...sums.values()],
    width: size * 0.78,
    text,
    textposition: "none",
    marker: { color, opacity, line: { width: 0 } },
    hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
  });
  const digits = 4;
  const share = (time, amount) => (market.get(time) ? percent(Math.min(1, amount / market.get(time))) : "–");
  const expected = expectedLine(view, size, colour);
  const highest = highestOf([market, own], expected, size, frame.span);
  const unknown = unknownStretches(view).map(([from, to]) => shadedTime(from, to, colour.muted));
  const shapes = [...frame.shapes, ...unknown];
  const drawn = layout(colour, { ...frame, shapes, title: view.order.base, yRange: [0, highest * 1.12 || 1] });
  return {
    traces: [
      bars("market", market, colour.market_bar, [...market].map(([, amount]) => `market ${amount.toFixed(digits)}`)),
      bars("own", own, view.order.side === "buy" ? colour.buy : colour.sell, [...own].map(([time, amount]) => `own ${amount.toFixed(digits)}, ${share(time, amount)} of the market`)),
      ...expected,
    ],
    legend: [
      `market by ${spoken(size)}`,
      "own share",
      unknown.length && "grey: not known",
      expected.length && "violet: expected in the market",
    ].filter(Boolean),
    layout: { ...(highest > 0 || known.length ? drawn : emptied(drawn, view, colour)), barmode: "overlay", bargap: 0 },
  };
}

/** The highest bar or expectation between two times. */
function highestOf(bars, expected, size, [from, to]) {
  const seen = bars.flatMap((sums) => [...sums].filter(([time]) => time + size >= from && time <= to).map(([, amount]) => amount));
  const lines = expected.map((trace) => trace.x.map((time, index) => [time, trace.y[index]]));
  return [...seen, ...heightsWithin(lines, [from, to])].reduce((most, height) => Math.max(most, height), 0);
}

/** [from, to] of each stretch in which nobody knows what the market traded. */
export function unknownStretches({ samples, now }) {
  const found = [];
  samples.forEach(([time, , , volume], index) => {
    const until = samples[index + 1]?.[0] ?? time + SAMPLE;
    if (volume !== null || time > now - PROVEN_WITHIN) return;
    if (found.at(-1)?.[1] === time) found.at(-1)[1] = until;
    else found.push([time, until]);
  });
  return found;
}

/** What the plan expects of the market in a stretch of this size. */
function expectedLine({ order, profile }, size, colour) {
  if (!profile.length) return [];
  const end = Math.max(order.end_at ?? 0, profile.at(-1)[0] + 1);
  const edges = [...profile.map(([time]) => time), end];
  const heights = profile.map(([, volume], index) => (volume * size) / Math.max(1, edges[index + 1] - edges[index]));
  const line = edges.map((time, index) => [time, heights[index] ?? heights.at(-1)]);
  return [lineTrace(line, (volume) => `expected in the market ${volume.toPrecision(3)}`, { color: colour.benchmark, width: 1.6, shape: "hv" }, { name: "expected" })];
}

function bucketed(pairs, size, start) {
  const sums = new Map();
  for (const [time, amount] of pairs) {
    const bucket = start + Math.floor((time - start) / size) * size;
    sums.set(bucket, (sums.get(bucket) ?? 0) + amount);
  }
  return sums;
}
