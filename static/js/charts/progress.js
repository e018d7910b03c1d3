// Progress: what is filled against what should be by then.

import { padded } from "./levels.js";
import { heightsWithin } from "./ranges.js";
import { layout, lineTrace } from "./style.js";
import { decimal, places, points } from "../lib/format.js";
import { dueByVolume } from "./volume_target.js";
import { finishOf } from "../lib/pace.js";
import { allowedEdges, heightAt, movesByApproval, planAhead } from "../lib/plan.js";

/** The least part of the quantity that the heights of the chart span. */
const FLATTEST = 0.02;

/** A height in the order's lots, with its name before it. */
const named = (name, order, digits = 4) => (height) => `${name} ${decimal(height.toFixed(places(order.lot) ?? digits))}`;

export function progress(view, colour, frame) {
  const total = Number(view.order.quantity);
  const line = view.line.map(([time, share]) => [time, share * total]);
  const own = view.order.side === "buy" ? colour.buy : colour.sell;
  const earlier = earlierPlans(view, total, colour);
  const projected = projectedLine(view, total, own);
  const due = dueLine(view, colour);
  const traces = [...band(view, line, colour), ...earlier, ...schedule(line, view, own), ...due, filledLine(view, own, frame), ...projected];
  const legend = [movesByApproval(view.order, view.now) ? "schedule if it is approved now" : line.length ? "filled against schedule" : "filled"];
  if (due.length) legend.push("violet: due by market volume so far");
  if (view.order.algorithm === "vwap" && view.market?.vwap_bp) legend.push(`tracking so far ${points(view.market.vwap_bp)} bp`);
  if (line.length) legend.push("band: on schedule");
  if (earlier.length) legend.push("earlier plan in grey");
  if (projected.length) legend.push("dotted: expected until the ETA");
  return {
    traces,
    legend,
    layout: layout(colour, { ...frame, title: view.order.base, yRange: heights(traces, total, frame) }),
  };
}

/** The whole quantity with all of the order's time, else the heights that are seen. */
function heights(traces, total, frame) {
  const whole = [0, total * 1.04];
  if (frame.range === "all") return whole;
  const seen = heightsWithin(traces.map((trace) => trace.x.map((time, index) => [time, trace.y[index]])), frame.span);
  if (!seen.some((height) => height > 0)) return whole;
  const [low, high] = padded(seen);
  // A stretch without a fill is a level line, not the finest of heights.
  const room = Math.max(0, FLATTEST * total - (high - low)) / 2;
  return [Math.max(0, low - room), Math.min(whole[1], high + room)];
}

/** What an order that follows the market's volume should have done by what was traded. */
function dueLine(view, colour) {
  const line = dueByVolume(view);
  if (!line.length) return [];
  return [lineTrace(line, named("due by volume", view.order), { color: colour.benchmark, width: 1.4 }, { name: "due by volume" })];
}

/** What the plan allows: an order in it is on schedule. */
function band(view, line, colour) {
  if (!line.length) return [];
  const { least, most } = allowedEdges(line);
  const edge = (points) => ({ x: points.map(([time]) => time), y: points.map(([, height]) => height) });
  const shared = { mode: "lines", line: { width: 0 }, hoverinfo: "skip", type: "scatter" };
  const shade = view.order.side === "buy" ? colour.band : colour.band_sell;
  return [{ ...shared, ...edge(least), name: "least" }, { ...shared, ...edge(most), name: "most", fill: "tonexty", fillcolor: shade }];
}

function schedule(line, view, own) {
  if (!line.length) return [];
  return [lineTrace(line, named("schedule", view.order), { color: own, width: 1, dash: "dash" }, { name: "schedule", opacity: 0.75 })];
}

/** Each replaced plan up to the moment at which the next one replaced it. */
function earlierPlans({ order, form }, total, colour) {
  if (!form.shows.schedule) return [];
  return order.earlier_plans.filter((plan) => plan.line.length).map((plan) => {
    const before = plan.line.filter(([time]) => time < plan.until);
    const points = [...before, [plan.until, heightAt(plan.line, plan.until)]].map(([time, share]) => [time, share * total]);
    return lineTrace(points, named("earlier plan", order), { color: colour.faint, width: 1, dash: "dash" });
  });
}

function projectedLine(view, total, own) {
  const found = finishOf(view.order, view.line, view.now);
  if (found === null) return [];
  const done = Number(view.order.filled) / total;
  // An order that is ahead waits for its plan. One that is behind, or has no plan, goes on evenly.
  const shares = view.line.length && found.share >= 1 ? planAhead(view.line, view.now, done) : [[view.now, done], [found.at, found.share]];
  const line = shares.map(([time, share]) => [time, share * total]);
  return [lineTrace(line, named("expected", view.order), { color: own, width: 2, dash: "dot" }, { name: "expected" })];
}

function filledLine(view, own, frame) {
  const line = [[view.order.started_at ?? frame.start, 0]];
  let done = 0;
  for (const fill of view.fills) {
    done += Number(fill.quantity);
    line.push([fill.at, done]);
  }
  line.push([Math.max(line.at(-1)[0], view.order.ended_at ?? view.now), done]);
  return lineTrace(line, named("filled", view.order, 6), { color: own, width: 2, shape: "hv" }, { name: "filled" });
}
