// The three charts of an order on one time axis: progress, price, volume.

import { CONFIG, colours, layout, levelLine, nowLine, shadedTime } from "./chart_style.js";
import { byId, setText } from "./dom.js";
import { decimal, percent, places } from "./format.js";
import { projection } from "./pace.js";
import { heightAt, scheduleLine } from "./plan.js";

const NAMES = ["progress", "price", "volume"];
const BUCKETS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400].map((seconds) => seconds * 1000);

export class OrderCharts {
  constructor(orderId, onZoom) {
    this.revision = orderId;
    this.onZoom = onZoom;
    this.zoom = null;
    this.zooms = 0;
    this.resetUntil = 0;
    this.nodes = Object.fromEntries(NAMES.map((name) => [name, document.getElementById(`chart-${name}`)]));
    this.linked = false;
  }

  /** `view`: order, slices, fills, samples (sorted), now, market (the last update). */
  async draw(view) {
    const colour = colours();
    const frame = this.frame(view, colour);
    const drawings = [progress(view, colour, frame), price(view, colour, frame), volume(view, colour, frame)];
    await Promise.all(
      NAMES.map((name, index) => window.Plotly.react(this.nodes[name], drawings[index].traces, drawings[index].layout, CONFIG)),
    );
    NAMES.forEach((name, index) => drawings[index].legend && setText(byId(`legend-${name}`), drawings[index].legend.join(", ")));
    this.link();
  }

  frame(view, colour) {
    const { order, slices } = view;
    const start = Math.min(order.start_at ?? view.now, slices[0]?.starts_at ?? Infinity);
    const planned = Math.max(order.end_at ?? view.now, slices.at(-1)?.ends_at ?? 0);
    const end = order.ended_at ? Math.max(Math.min(planned, order.ended_at + 0.05 * (planned - start)), order.ended_at) : planned;
    const shade = order.pauses.map(([from, to]) => shadedTime(from, to ?? view.now, colour.warn));
    const marks = order.ended_at ? shade : [...shade, nowLine(view.now, colour)];
    const xRange = this.zoom ?? [start, end];
    return { start, end, xRange, xRevision: `${this.revision}.${this.zooms}`, shapes: marks, revision: this.revision };
  }

  /** The time axis is ours, not each chart's: zooming one zooms all, a double click shows the whole again. */
  link() {
    if (this.linked) return;
    this.linked = true;
    for (const name of NAMES) {
      this.nodes[name].on("plotly_relayout", (change) => this.zoomed(change));
      this.nodes[name].on("plotly_doubleclick", () => this.unzoomed());
    }
  }

  zoomed(change) {
    const from = change["xaxis.range[0]"];
    const to = change["xaxis.range[1]"];
    if (from !== undefined && performance.now() > this.resetUntil) this.setZoom([from, to]);
  }

  unzoomed() {
    // The double click's own change of the range follows, and is not a zoom.
    this.resetUntil = performance.now() + 400;
    this.setZoom(null);
  }

  setZoom(zoom) {
    this.zoom = zoom;
    this.zooms += 1;
    this.onZoom();
  }
}

// --- progress ------------------------------------------------------------------------------------

function progress(view, colour, frame) {
  const total = Number(view.order.quantity);
  const line = scheduleLine(view.slices, total);
  const own = view.order.side === "buy" ? colour.buy : colour.sell;
  const earlier = earlierPlans(view, total, colour);
  const projected = projectedLine(view, own);
  const traces = [...band(view, line, total, colour), ...earlier, ...schedule(line, view, own), filledLine(view, own, frame), ...projected];
  const legend = [line.length ? "filled against schedule" : "filled"];
  if (line.length) legend.push("band ±2 slices");
  if (earlier.length) legend.push("earlier plan in grey");
  if (projected.length) legend.push("dotted at the pace of now");
  return {
    traces,
    legend,
    layout: layout(colour, { ...frame, title: view.order.base, yRange: [0, total * 1.04] }),
  };
}

function band(view, line, total, colour) {
  if (!line.length) return [];
  const width = (2 * total) / Math.max(1, view.slices.length);
  const x = line.map(([time]) => time);
  const edge = (sign) => line.map(([, height]) => Math.min(total, Math.max(0, height + sign * width)));
  const shared = { x, mode: "lines", line: { width: 0 }, hoverinfo: "skip", type: "scatter" };
  const shade = view.order.side === "buy" ? colour.band : colour.band_sell;
  return [{ ...shared, y: edge(-1) }, { ...shared, y: edge(1), fill: "tonexty", fillcolor: shade }];
}

function schedule(line, view, own) {
  if (!line.length) return [];
  const text = line.map(([time, height]) => `schedule ${decimal(height.toFixed(places(view.order.lot) ?? 4))}`);
  return [{
    x: line.map(([time]) => time), y: line.map(([, height]) => height), text,
    type: "scatter", mode: "lines", opacity: 0.75, line: { color: own, width: 1, dash: "dash" },
    hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
  }];
}

/** Each replaced plan up to the moment at which the next one replaced it. */
function earlierPlans({ order }, total, colour) {
  return order.earlier_plans.filter((plan) => plan.line.length).map((plan) => {
    const before = plan.line.filter(([time]) => time < plan.until);
    const points = [...before, [plan.until, heightAt(plan.line, plan.until)]].map(([time, share]) => [time, share * total]);
    return {
      x: points.map(([time]) => time), y: points.map(([, height]) => height),
      text: points.map(([, height]) => `earlier plan ${decimal(height.toFixed(places(order.lot) ?? 4))}`),
      type: "scatter", mode: "lines", line: { color: colour.faint, width: 1, dash: "dash" },
      hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
    };
  });
}

function projectedLine(view, own) {
  const found = projection(view);
  if (found === null) return [];
  const y = [found.done, found.height];
  return [{
    x: [found.from, found.to], y, text: y.map((height) => `at the pace of now ${decimal(height.toFixed(places(view.order.lot) ?? 4))}`),
    type: "scatter", mode: "lines", line: { color: own, width: 2, dash: "dot" },
    hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
  }];
}

function filledLine(view, own, frame) {
  const x = [view.order.started_at ?? frame.start];
  const y = [0];
  let done = 0;
  for (const fill of view.fills) {
    done += Number(fill.quantity);
    x.push(fill.at);
    y.push(done);
  }
  x.push(Math.max(x.at(-1), view.order.ended_at ?? view.now));
  y.push(done);
  const text = y.map((height) => `filled ${decimal(height.toFixed(places(view.order.lot) ?? 6))}`);
  return {
    x, y, text, type: "scatter", mode: "lines", line: { color: own, width: 2, shape: "hv" },
    hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
  };
}

// --- price ---------------------------------------------------------------------------------------

function price(view, colour, frame) {
  const { order, samples, fills } = view;
  const digits = places(order.tick) ?? 2;
  const mids = samples.filter((sample) => sample[1] !== null && sample[2] !== null);
  const mid = mids.map((sample) => (Number(sample[1]) + Number(sample[2])) / 2);
  const vwap = runningVwap(samples);
  const prices = [...mid, ...fills.map((fill) => Number(fill.price))];
  for (const value of [order.arrival_mid, order.average]) if (value !== null) prices.push(Number(value));
  const range = padded(prices);
  const traces = [
    lineOf(mids.map((sample) => sample[0]), mid, "mid", colour.text, 1, digits),
    lineOf(vwap.map(([time]) => time), vwap.map(([, value]) => value), "market VWAP", colour.benchmark, 1.4, digits),
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

function lineOf(x, y, name, color, width, digits) {
  const text = y.map((value) => `${name} ${decimal(value.toFixed(digits + 1))}`);
  return {
    x, y, text, type: "scatter", mode: "lines", line: { color, width },
    hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
  };
}

function runningVwap(samples) {
  let volume = 0;
  let notional = 0;
  const line = [];
  for (const [time, , , added, money] of samples) {
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
  const name = (text, height, color, yref = "y", anchor = "bottom") => annotations.push({
    text, x: 1, xref: "paper", xanchor: "right", y: height, yref, yanchor: anchor, showarrow: false, font: { size: 10, color },
  });
  const add = (label, value, color, dash) => {
    if (value === null || !range) return;
    const height = Number(value);
    if (height >= range[0] && height <= range[1]) {
      shapes.push(levelLine(height, color, dash));
      name(`${label} ${decimal(height.toFixed(digits))}`, height, color);
    } else {
      const above = height > range[1];
      name(`${label} ${decimal(value)} ${above ? "↑" : "↓"}`, above ? 1 : 0, color, "paper", above ? "top" : "bottom");
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

// --- volume --------------------------------------------------------------------------------------

export const bucketOf = (length) => BUCKETS.find((size) => length / size <= 70) ?? BUCKETS.at(-1);

function volume(view, colour, frame) {
  const size = bucketOf(frame.end - frame.start);
  const market = bucketed(view.samples.map((sample) => [sample[0], Number(sample[3])]), size, frame.start);
  const own = bucketed(view.fills.map((fill) => [fill.at, Number(fill.quantity)]), size, frame.start);
  const bars = (sums, color, text, opacity = 1) => ({
    type: "bar", x: [...sums.keys()].map((time) => time + size / 2), y: [...sums.values()], width: size * 0.78,
    text, textposition: "none", marker: { color, opacity, line: { width: 0 } },
    hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
  });
  const digits = 4;
  const share = (time, amount) => (market.get(time) ? percent(Math.min(1, amount / market.get(time))) : "–");
  const highest = Math.max(0, ...market.values(), ...own.values());
  const drawn = layout(colour, { ...frame, title: view.order.base, yRange: [0, highest * 1.12 || 1] });
  return {
    traces: [
      bars(market, colour.market_bar, [...market].map(([, amount]) => `market ${amount.toFixed(digits)}`)),
      bars(own, view.order.side === "buy" ? colour.buy : colour.sell, [...own].map(([time, amount]) => `own ${amount.toFixed(digits)}, ${share(time, amount)} of the market`)),
    ],
    layout: { ...drawn, barmode: "overlay", bargap: 0 },
  };
}

function bucketed(pairs, size, start) {
  const sums = new Map();
  for (const [time, amount] of pairs) {
    const bucket = start + Math.floor((time - start) / size) * size;
    sums.set(bucket, (sums.get(bucket) ?? 0) + amount);
  }
  return sums;
}

export const scheduledNow = (view) => heightAt(scheduleLine(view.slices, Number(view.order.quantity)), view.now);
