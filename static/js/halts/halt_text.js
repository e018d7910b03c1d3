// A halt in words: what, for whom, how far.

import { age } from "../lib/format.js";

export const KINDS = { stop: "cancel everything and stop", no_new_orders: "no new orders" };

/** "alpha", "trader second_trader", "the desk" */
export function subjectOf(halt) {
  const word = { account: "account ", trader: "trader ", algorithm: "algorithm ", order: "order " }[halt.scope] ?? "";
  return word + halt.subject;
}

/** "Desk halt", "Halt of account alpha" */
export const titleOf = (halt) => (halt.scope === "desk" ? "Desk halt" : `Halt of ${subjectOf(halt)}`);

/** The state of a halt: a sign, a word and its tone. */
export function stateOf(halt) {
  if (halt.lifted_at !== null) return ["○", "lifted", "muted"];
  if (halt.kind === "no_new_orders") return ["■", "no new orders", "warn"];
  if (halt.flat_at !== null) return ["■", "halted", "bad"];
  return ["◍", "halting", "bad"];
}

/** 1.42 s: to the hundredth, because that is what a halt is judged by. */
export const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;

/** How far a halt has come, in words. */
export function progressOf(halt, now) {
  if (halt.kind === "no_new_orders") return "live orders go on";
  if (halt.flat_at !== null) return `no child order open after ${seconds(halt.time_to_flat)}`;
  const settled = `${halt.settled} of ${halt.children} settled`;
  return halt.lifted_at === null ? `${settled}, ${age(now - halt.set_at)} since the halt was set` : settled;
}
