// Where an order gets at the pace of now.

import { DASH, moment, percent } from "./format.js";

/** Slices that the pace of now is judged by: what one leaves the next ones catch up. */
const SLICES = 3;

/**
 * From now at the pace of the last slices to the whole quantity, or to the end if that comes first.
 * Null when the order does not work, or has not worked for a slice's time since its start or last pause.
 */
export function projection({ order, slices, fills, now }) {
  if (order.status !== "working" || !slices.length || order.end_at === null || now >= order.end_at) return null;
  const length = slices[0].ends_at - slices[0].starts_at;
  const resumed = order.pauses.at(-1)?.[1] ?? 0;
  const since = Math.max(order.start_at ?? 0, resumed, now - SLICES * length);
  if (now - since < length) return null;
  const sum = (some) => some.reduce((total, fill) => total + Number(fill.quantity), 0);
  const total = Number(order.quantity);
  const done = sum(fills);
  const pace = sum(fills.filter((fill) => fill.at > since && fill.at <= now)) / (now - since);
  if (done >= total) return null;
  const until = pace > 0 ? now + (total - done) / pace : Infinity;
  if (until <= order.end_at) return { from: now, done, to: until, height: total };
  return { from: now, done, to: order.end_at, height: done + pace * (order.end_at - now) };
}

/** "done 14:52:07", or how much will be done by the end. */
export function paceWords(view) {
  const found = projection(view);
  if (found === null) return DASH;
  const total = Number(view.order.quantity);
  return found.height >= total ? `done ${moment(found.to, view.now)}` : `${percent(found.height / total)} at the end`;
}
