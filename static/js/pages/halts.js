// Halts in force and former ones.

import { labelCards } from "../lib/cards.js";
import { byId, cell, element, number, readJson } from "../lib/dom.js";
import { DASH, local, moment } from "../lib/format.js";
import { KINDS, seconds, stateOf, subjectOf, titleOf } from "../halts/halt_text.js";
import { register } from "../lib/pages.js";

/** The dialog is on the halt's page, because a person should see what waits there before they lift it. */
const liftCell = (halt) => element("td", {}, element("a", { href: `/halts/${halt.id}/#lift`, class: "button small-button", "aria-label": `Lift… ${titleOf(halt)}` }, "Lift…"));

/** The row of a halt; one that is lifted says when, by whom and why. */
export function haltRow(halt, now) {
  const [sign, word, tone] = stateOf(halt);
  const stops = halt.kind === "stop";
  const time = (at) => cell(moment(at, now), "mono", local(at));
  const last = halt.lifted_at === null ? [liftCell(halt)] : [time(halt.lifted_at), cell(halt.lifted_by), cell(halt.lift_reason, "wrap")];
  return element(
    "tr",
    { "data-id": halt.id },
    element("td", {}, element("span", { class: `pill ${tone}` }, element("span", { "aria-hidden": "true" }, sign), word)),
    element("td", {}, element("a", { href: `/halts/${halt.id}/`, class: "mono" }, halt.id)),
    cell(subjectOf(halt)),
    cell(KINDS[halt.kind]),
    time(halt.set_at),
    cell(halt.set_by),
    number(stops ? String(halt.orders) : DASH),
    number(stops ? `${halt.settled} / ${halt.children}` : DASH),
    number(halt.time_to_flat === null ? DASH : seconds(halt.time_to_flat)),
    cell(halt.reason, "wrap"),
    ...last,
  );
}

export function start() {
  const now = readJson("halts-now");
  for (const name of ["in-force", "former"]) {
    const rows = readJson(`halts-${name}-data`);
    const body = byId("halts").querySelector(`[data-halts="${name}"]`);
    body.replaceChildren(...rows.map((halt) => haltRow(halt, now)));
    body.closest("table").hidden = !rows.length;
    document.querySelector(`[data-empty="${name}"]`).hidden = rows.length > 0;
  }
  labelCards();
}

register(start);
