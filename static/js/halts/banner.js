// The halts that a person is under, above every page but the wall, which shows them with their progress.

import { byId, element, fillOnce } from "../lib/dom.js";
import { clock, local } from "../lib/format.js";
import { KINDS, subjectOf } from "./halt_text.js";

const WORDS = { stop: "No order is sent.", no_new_orders: "New orders are refused. Live orders go on." };

function strip(halt, role) {
  const tone = halt.kind === "stop" ? "bad" : "warn";
  const state = halt.kind === "stop" ? "■ HALTED" : "■ NO NEW ORDERS";
  const by = element("span", { class: "muted", title: local(halt.set_at) }, ` · ${halt.set_by} ${clock(halt.set_at)} UTC`);
  return element(
    "p",
    { class: `halt-strip ${tone}`, title: KINDS[halt.kind] },
    element("b", { class: "halt-word" }, state),
    element("span", { class: "what" }, element("b", {}, subjectOf(halt)), ` · ${halt.reason}. ${WORDS[halt.kind]}`, by),
    role === "supervisor" ? element("a", { class: "button", href: `/halts/${halt.id}/` }, "Progress") : null,
  );
}

export function drawHaltBanner(halts) {
  const host = byId("halt-banner");
  if (host) fillOnce(host, halts, (halt) => [strip(halt, host.dataset.role)]);
}
