// Where an order gets at the pace of now.

import { DASH, moment, percent } from "./format.js";

/** Slices that the pace of now is judged by. Whole ones: a slice fills in bursts, somewhere between its ends. */
const SLICES = 5;

/**
 * From now at the pace of the last whole slices to the whole quantity, or to the end if that comes first.
 * Null when the order does not work, or no slice has passed since its start or its last pause.
 */
export function projection({ order, slices, fills, now }) {
  if (order.status !== "working" || order.end_at === null || now >= order.end_at) return null;
  const resumed = order.pauses.at(-1)?.[1] ?? 0;
  const passed = slices.filter((part) => part.ends_at <= now && part.starts_at >= resumed).slice(-SLICES);
  const total = Number(order.quantity);
  const sum = (some) => some.reduce((quantity, fill) => quantity + Number(fill.quantity), 0);
  const done = sum(fills);
  if (!passed.length || done >= total) return null;
  const [since, until] = [passed[0].starts_at, passed.at(-1).ends_at];
  const pace = sum(fills.filter((fill) => fill.at >= since && fill.at < until)) / (until - since);
  // From the last whole slice on: the current one may not have had its burst yet.
  const before = sum(fills.filter((fill) => fill.at < until));
  const finished = pace > 0 ? until + (total - before) / pace : Infinity;
  if (finished <= order.end_at) return { from: now, done, to: Math.max(now, finished), height: total };
  return { from: now, done, to: order.end_at, height: Math.max(done, before + pace * (order.end_at - until)) };
}

/** "done 14:52:07", or how much will be done by the end. */
export function paceWords(view) {
  const found = projection(view);
  if (found === null) return DASH;
  const total = Number(view.order.quantity);
  return found.height >= total ? `done ${moment(found.to, view.now)}` : `${percent(found.height / total)} at the end`;
}
