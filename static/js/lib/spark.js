// Small lines in a row: the life of an order against its plan, and the course of a price. Geometry is pure.

import { percent } from "./format.js";
import { allowedEdges, dueOf } from "./plan.js";

const SVG = "http://www.w3.org/2000/svg";
export const WIDTH = 160;
export const HEIGHT = 32;
/** Room above and below, so that a line at the edge is whole. */
const EDGE = 3;

const near = (number) => Math.round(number * 10) / 10;
const within = (number, least, most) => Math.min(most, Math.max(least, number));
const joined = (points) => points.map(([x, y], index) => `${index ? "L" : "M"}${near(x)} ${near(y)}`).join("");

/** The order's whole life: from its start to its end, or to now where it has none. */
export function lifeOf(row, now) {
  const start = Math.min(row.schedule[0]?.[0] ?? Infinity, row.started_at ?? row.start_at ?? row.created_at);
  const end = Math.max(row.schedule.at(-1)?.[0] ?? 0, row.end_at ?? 0, row.started_at === null ? 0 : now, start + 1000);
  return { start, end };
}

/**
 * The paths of an order's line: `plan`, the `band` in which it is on schedule (both empty without a plan), `fill` up to
 * the last fill, and `tip`, from where that line goes on level to `now`. Everything lies within the box; the filled line never falls.
 */
export function orderLine(row, now) {
  const { start, end } = lifeOf(row, now);
  const x = (at) => within(((at - start) / (end - start)) * WIDTH, 0, WIDTH);
  const y = (share) => HEIGHT - EDGE - within(share, 0, 1) * (HEIGHT - 2 * EDGE);
  const began = row.started_at ?? start;
  let fill = `M${near(x(began))} ${near(y(0))}`;
  for (const [at, share] of row.done) fill += `H${near(x(at))}V${near(y(share))}`;
  const [lastAt, last] = row.done.at(-1) ?? [began, 0];
  const drawn = (points) => points.map(([at, share]) => [x(at), y(share)]);
  const { least, most } = allowedEdges(row.schedule);
  return {
    plan: joined(drawn(row.schedule)),
    band: row.schedule.length ? `${joined(drawn([...most, ...least.reverse()]))}Z` : "",
    fill,
    tip: [near(x(lastAt)), near(y(last))],
    now: near(x(now)),
  };
}

/** A course of prices in a box, from the lowest to the highest; level where they are equal. */
export function courseLine(prices, width = 46, height = 18) {
  const numbers = prices.map(Number);
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const y = (price) => (most > least ? height - 2 - ((price - least) / (most - least)) * (height - 4) : height / 2);
  return joined(numbers.map((price, index) => [(index / Math.max(1, numbers.length - 1)) * width, y(price)]));
}

function part(name, tag = "path") {
  const node = document.createElementNS(SVG, tag);
  node.setAttribute("class", `spark-${name}`);
  return node;
}

function set(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

function box(kind, width, height, ...parts) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { class: kind, viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  svg.append(...parts);
  return svg;
}

/** The line of an order's row; `tickOrderSpark` moves it on. */
export function orderSpark(row, now) {
  const parts = ["band", "plan", "fill", "level", "now", "dot"].map((name) => part(name));
  const svg = box(`spark ${row.side}-spark`, WIDTH, HEIGHT, ...parts);
  svg.setAttribute("role", "img");
  tickOrderSpark(svg, row, now);
  return svg;
}

/** What is drawn of each line: only what moves is computed again, until the order moves or its life grows. */
const drawn = new WeakMap();

function drawnLine(svg, row, now) {
  const life = lifeOf(row, now);
  const known = drawn.get(svg);
  if (known?.row === row && known.life.end === life.end) return known;
  const line = orderLine(row, now);
  const [band, plan, fill] = svg.children;
  set(band, "d", line.band);
  set(plan, "d", line.plan);
  set(fill, "d", line.fill);
  const fresh = { row, life, tip: line.tip, at: null };
  drawn.set(svg, fresh);
  return fresh;
}

/** What moves with time alone. An order past its end, or without one, is drawn anew: its life has grown. */
export function tickOrderSpark(svg, row, now) {
  const line = drawnLine(svg, row, now);
  const at = near(within(((now - line.life.start) / (line.life.end - line.life.start)) * WIDTH, 0, WIDTH));
  if (line.at === at) return;
  line.at = at;
  const [level, mark, dot] = [...svg.children].slice(3);
  const [x, y] = line.tip;
  const end = row.started_at === null ? x : Math.max(x, at);
  set(level, "d", `M${x} ${y}H${end}`);
  set(mark, "d", `M${at} 0V${HEIGHT}`);
  set(dot, "d", `M${end} ${y}h0`);
  const share = Number(row.filled) / Number(row.quantity);
  const due = dueOf(row, row.schedule, now, share);
  set(svg, "aria-label", due === null ? `${percent(share)} done` : `${percent(share)} done, schedule ${percent(due)}`);
}

export function courseSpark(prices) {
  const path = part("course");
  path.setAttribute("d", courseLine(prices));
  const svg = box("course", 46, 18, path);
  svg.setAttribute("aria-hidden", "true");
  return svg;
}
