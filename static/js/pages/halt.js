// A halt's progress until nothing is open, as the exchanges confirm it.

import { bulkDialog } from "../blotter/bulk_dialog.js";
import { drawWaiting, watchWaiting } from "../halts/waiting.js";
import { labelCards } from "../lib/cards.js";
import { showConnection } from "../lib/connection.js";
import { bar, byId, cell, element, number, readJson, setText } from "../lib/dom.js";
import { clock, DASH, decimal, local, spoken } from "../lib/format.js";
import { KINDS, seconds, stateOf, titleOf } from "../halts/halt_text.js";
import { LiveSocket } from "../lib/socket.js";
import { childPill, side } from "../lib/states.js";
import { register } from "../lib/pages.js";

const DRAW_EVERY = 100; // the time to flat is read while it runs

const WORDS = {
  lifted: "Orders that it paused stay paused until a person resumes them.",
  halted: "Nothing is open at the exchanges. No order is sent until the halt is lifted.",
  halting: "Cancels are on their way. No order is sent.",
  "no new orders": "New orders are refused. Live orders go on.",
};

const openRow = (child) =>
  element(
    "tr",
    {},
    element("td", {}, element("a", { href: `/orders/${child.order}/`, class: "mono" }, child.order)),
    cell(child.account),
    cell(child.symbol),
    element("td", {}, side(child.side)),
    number(decimal(child.quantity)),
    number(decimal(child.filled)),
    element("td", {}, childPill(child)),
    cell(child.reason || "the cancel is on its way", child.reason ? "wrap bad" : "wrap"),
  );

/** What is known of a halt and when: name, value and tooltip. */
export function factsOf(halt) {
  const moment = (at) => (at === null ? DASH : `${new Date(at).toISOString().slice(0, 10)} ${clock(at, true)} UTC`);
  const facts = [
    ["Set", `${moment(halt.set_at)} by ${halt.set_by}`, local(halt.set_at)],
    ["Cancels requested", moment(halt.swept_at)],
    ["No child order open", moment(halt.flat_at)],
    ["Lifted", halt.lifted_at === null ? "not lifted" : `${moment(halt.lifted_at)} by ${halt.lifted_by}: ${halt.lift_reason}`],
  ];
  if (halt.lifted_at === null) return facts;
  facts.push(["In force for", spoken(halt.lifted_at - halt.set_at)]);
  if (halt.kind === "stop") facts.push(["Orders' time", halt.keeps_time ? "given back: plans moved by the time of the halt" : "not given back"]);
  return facts;
}

/** The time until nothing was open, and whether it still runs: "flat", "running" or "none". Pure. */
export function timeToFlat(halt, now) {
  if (halt.flat_at !== null) return [seconds(halt.time_to_flat), "flat"];
  if (halt.kind !== "stop" || halt.lifted_at !== null) return [DASH, "none"];
  return [seconds(Math.max(0, now - halt.set_at)), "running"];
}

function drawState(halt) {
  const [sign, word, tone] = stateOf(halt);
  byId("halt-title").replaceChildren(titleOf(halt), element("span", { class: "connective" }, ` · ${KINDS[halt.kind]}`));
  setText(byId("halt-reason"), halt.reason);
  byId("halt-state").className = `figure ${tone}`;
  setText(byId("halt-state"), `${sign} ${word.toUpperCase()}`);
  setText(byId("halt-words"), WORDS[word]);
  const stops = halt.kind === "stop";
  setText(byId("halt-settled"), stops ? `${halt.settled} / ${halt.children}` : DASH);
  setText(byId("halt-orders"), stops ? String(halt.orders) : DASH);
  const share = halt.children ? halt.settled / halt.children : 1;
  byId("halt-bar").hidden = !stops;
  byId("halt-bar").replaceChildren(bar(share, null, `${halt.settled} of ${halt.children} children settled`));
  const lift = byId("halt-lift");
  if (halt.lifted_at !== null && document.activeElement === lift) byId("content").focus({ preventScroll: true });
  lift.hidden = halt.lifted_at !== null;
}

/** All that changes only with a message of the server. */
function drawHalt(halt) {
  drawState(halt);
  const rows = byId("halt-open");
  rows.replaceChildren(...halt.open.map(openRow));
  rows.closest("table").hidden = !halt.open.length;
  byId("halt-none").hidden = halt.open.length > 0;
  setText(byId("halt-none"), halt.kind === "stop" ? "Nothing is open." : "This kind of halt cancels nothing.");
  drawWaiting(halt);
  labelCards();
  byId("halt-facts").replaceChildren(...factsOf(halt).flatMap(([name, value, title]) => [element("dt", {}, name), element("dd", { title }, value)]));
}

export function start() {
  let halt = readJson("halt-data");
  let drawn = null;
  const take = (message) => {
    halt = message.halt;
    draw();
  };
  const socket = new LiveSocket(`/ws/halts/${halt.id}/`, { snapshot: take, delta: take, gone: () => location.assign("/") }, readJson("halt-now"));

  function draw() {
    if (document.hidden) return;
    if (drawn !== halt) drawHalt(halt);
    drawn = halt;
    const [shown, state] = timeToFlat(halt, socket.now());
    setText(byId("halt-flat"), shown);
    byId("halt-flat").dataset.state = state;
  }

  watchWaiting(byId("halt-waiting"), () => halt.waiting, bulkDialog());
  document.addEventListener("visibilitychange", draw);
  draw();
  if (location.hash === "#lift" && halt.lifted_at === null) byId("lift-dialog").showModal();
  setInterval(draw, DRAW_EVERY);
  showConnection(() => socket);
}

register(start);
