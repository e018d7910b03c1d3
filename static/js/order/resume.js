// The question before a paused order is resumed: what each answer does to its end.

import { byId, setText } from "../lib/dom.js";
import { moment, spoken } from "../lib/format.js";

const ASK_EVERY = 1000;

/** "Now 3 min 12 s: the order would end 14:55:19 UTC." and, for catching up, when it ends and how long that is. */
export function resumeWords(order, now) {
  if (order.end_at === null) return { catchUp: "", shift: "" };
  const left = order.end_at - now;
  const ends = `${moment(order.end_at, now)} UTC`;
  const catchUp = left > 0 ? `It ends ${ends}, in ${spoken(left)}.` : `Its end ${ends} has passed.`;
  if (order.lost_since === null || order.end_is_fixed) return { catchUp, shift: "" };
  const lost = Math.max(0, now - order.lost_since);
  return { catchUp, shift: `So far ${spoken(lost)}: it would end ${moment(order.end_at + lost, now)} UTC.` };
}

/** A schedule with a fixed end cannot move, so that choice is not offered, and the dialog says why. */
export function drawResume(order, now) {
  const choice = byId("shift-choice");
  if (!choice) return; // who only watches has no dialogs
  choice.hidden = order.end_is_fixed;
  byId("shift-refused").hidden = !order.end_is_fixed;
  const words = resumeWords(order, now);
  setText(byId("catch-up-words"), words.catchUp);
  setText(byId("shift-words"), words.shift);
}

/** Draw now, and again each second while the dialog is open. */
export function watchResume(dialog, draw) {
  draw();
  const timer = setInterval(draw, ASK_EVERY);
  dialog.addEventListener("close", () => clearInterval(timer), { once: true });
}
