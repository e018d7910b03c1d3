// ● live · 0.3 s: the connection's state and the age of what is shown.

import { byId, setText } from "./dom.js";
import { age } from "./format.js";

const STALE_AFTER = 3000;
const EVERY = 250;
/** Until the first data, so that the page says at once that it is live. */
const EVERY_AT_FIRST = 30;

/** Draws state and age four times a second; `read` gives {state, age}, age in milliseconds or null. */
export function showConnection(read) {
  const node = byId("connection");
  if (!node) return;
  const draw = () => {
    const now = read();
    const stale = now.state === "live" && now.age !== null && now.age > STALE_AFTER;
    const state = stale ? "stale" : now.state;
    const words = { live: "live", stale: "stale", lost: "disconnected", waiting: "connecting", unknown: "no data" };
    node.dataset.state = state;
    setText(node.lastElementChild, now.age === null ? words[state] : `${words[state]} · ${age(now.age)}`);
    setTimeout(draw, state === "waiting" ? EVERY_AT_FIRST : EVERY);
  };
  draw();
}
