// Progress: what is filled against what should be by then.

import { layout } from "./style.js";
import { decimal, places, points } from "../lib/format.js";
import { dueByVolume } from "./volume_target.js";
import { finishOf } from "../lib/pace.js";
import { heightAt } from "../lib/plan.js";

export function progress(view, colour, frame) {
  const total = Number(view.order.quantity);
  const line = view.line.map(([time, share]) => [time, share * total]);
  const own = view.order.side === "buy" ? colour.buy : colour.sell;
  const earlier = earlierPlans(view, total, colour);
  const projected = projectedLine(view, total, own);
  const due = dueLine(view, colour);
  const traces = [...band(view, line, total, colour), ...earlier, ...schedule(line, view, own), ...due, filledLine(view, own, frame), ...projected];
  const legend = [line.length ? "filled against schedule" : "filled"];
  if (due.length) legend.push("violet: due by the market's volume so far");
  if (view.order.algorithm === "vwap" && view.market?.vwap_bp) legend.push(`tracking so far ${points(view.market.vwap_bp)} bp`);
  if (line.length) legend.push("band ±2 slices");
  if (earlier.length) legend.push("earlier plan in grey");
  if (projected.length) legend.push("dotted at the pace of now");
  return {
    traces,
    legend,
    layout: layout(colour, { ...frame, title: view.order.base, yRange: [0, total * 1.04] }),
  };
}

/** What an order that follows the market's volume should have done by what was traded. */
function dueLine(view, colour) {
  const line = dueByVolume(view);
  if (!line.length) return [];
  return [{
    x: line.map(([time]) => time), y: line.map(([, height]) => height), name: "due by volume",
    text: line.map(([, height]) => `due by volume ${decimal(height.toFixed(places(view.order.lot) ?? 4))}`),
    type: "scatter", mode: "lines", line: { color: colour.benchmark, width: 1.4 },
    hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
  }];
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
    name: "schedule", type: "scatter", mode: "lines", opacity: 0.75, line: { color: own, width: 1, dash: "dash" },
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

function projectedLine(view, total, own) {
  const found = finishOf(view.order, view.line, view.now);
  if (found === null) return [];
  const y = [Number(view.order.filled), found.share * total];
  return [{
    x: [view.now, found.at], y, text: y.map((height) => `at the pace of now ${decimal(height.toFixed(places(view.order.lot) ?? 4))}`),
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
    x, y, text, name: "filled", type: "scatter", mode: "lines", line: { color: own, width: 2, shape: "hv" },
    hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
  };
}
