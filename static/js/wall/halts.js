// The halts in force as strips at the top of the wall, each with its progress and the way to lift it.

import { bar, byId, element, setText } from "../lib/dom.js";
import { clock } from "../lib/format.js";
import { KINDS, progressOf, stateOf, subjectOf } from "../halts/halt_text.js";

export function haltStrip(halt) {
  const lift = element("button", { type: "button" }, "Lift…");
  lift.addEventListener("click", () => askToLift(halt));
  return element(
    "section",
    { class: "halt-strip" },
    element("b", { "data-part": "state", class: "halt-word" }),
    element("span", { class: "what" }, element("b", {}, subjectOf(halt)), ` · ${KINDS[halt.kind]} · ${halt.reason}`, element("span", { class: "muted" }, ` · ${halt.set_by} ${clock(halt.set_at)}`)),
    element("span", { "data-part": "progress", class: "mono" }),
    element("div", { class: "bar", "data-part": "bar" }),
    element("a", { class: "button", href: `/halts/${halt.id}/` }, "Progress"),
    lift,
  );
}

export function tickStrip(node, halt, now) {
  const part = (name) => node.querySelector(`[data-part="${name}"]`);
  const [sign, word, tone] = stateOf(halt);
  setText(part("state"), `${sign} ${word.toUpperCase()}`);
  node.className = `halt-strip ${tone}`;
  setText(part("progress"), progressOf(halt, now));
  part("progress").title = halt.open.map((child) => `${child.account} ${child.symbol} ${child.status}: ${child.reason || "cancel under way"}`).join("\n");
  const host = part("bar");
  host.hidden = halt.kind !== "stop" || halt.flat_at !== null;
  const share = halt.children ? halt.settled / halt.children : 1;
  if (host.dataset.share !== String(share)) {
    host.dataset.share = String(share);
    host.replaceChildren(bar(share, null, progressOf(halt, now)));
  }
}

function askToLift(halt) {
  const dialog = byId("lift-dialog");
  const form = dialog.querySelector("form");
  form.reset();
  form.setAttribute("hx-post", `/halts/${halt.id}/lift/`);
  window.htmx.process(form);
  // Its page is where the orders that it paused are resumed together.
  form.dataset.after = halt.orders ? `/halts/${halt.id}/` : "";
  setText(dialog.querySelector("[data-halt-line]"), `${subjectOf(halt)}, ${KINDS[halt.kind]}: ${halt.reason}`);
  dialog.showModal();
}
