// Where an order gets: by its plan, as far as it keeps to that. This is its ETA on every page.

import { DASH, percent, shortMoment } from "./format.js";
import { finishShare, ON_SCHEDULE } from "./plan.js";

/**
 * When the order is done, and the share that is done by then: 1 unless it is behind its plan and ends short of it.
 * Without a plan it goes on at its average pace since its start. `order` is a row or an order's facts, `line` its plan
 * in shares. Null when the order does not work, has come to its end, or nobody can say.
 */
export function finishOf(order, line, now) {
  const share = Number(order.filled) / Number(order.quantity);
  if (order.status !== "working" || order.started_at === null || share >= 1) return null;
  const finish = finishShare(line, now, share);
  if (finish !== null) return now < line.at(-1)[0] ? { at: line.at(-1)[0], share: finish } : null;
  if (!(share > 0) || now <= order.started_at) return null;
  const at = Math.round(order.started_at + (now - order.started_at) / share);
  if (order.end_at === null || at <= order.end_at) return { at, share: 1 };
  return now < order.end_at ? { at: order.end_at, share: (share * (order.end_at - order.started_at)) / (now - order.started_at) } : null;
}

/** "14:52:07", or how much is done by the end: "91 % filled by end". */
export function finishWords(found, now) {
  if (found === null) return DASH;
  return found.share >= 1 ? shortMoment(found.at, now) : `${percent(found.share, 0)} filled by end`;
}

/** The column ETA: when a scheduled order starts, when an ended one ended, else when a working one is done. */
export function etaWords(order, now, found = finishOf(order, order.schedule, now)) {
  if (order.ended_at !== null) return `ended ${shortMoment(order.ended_at, now)}`;
  if (order.status === "scheduled" && order.start_at > now) return `starts ${shortMoment(order.start_at, now)}`;
  return finishWords(found, now);
}

/**
 * "3.0 % behind", "0.3 % ahead" or "on schedule", for the share by which an order leads its plan. Null for an order that
 * stands still and has missed nothing yet: its plan goes on without it.
 */
export function leadWords(status, lead) {
  if (Math.abs(lead) >= ON_SCHEDULE) return `${percent(Math.abs(lead))} ${lead > 0 ? "ahead" : "behind"}`;
  return status === "paused" ? null : "on schedule";
}
