// What a person does to one order from its row: the acts that its state allows, and the questions before them.

import { byId, setText } from "../lib/dom.js";
import { questionWords } from "../order/order_panels.js";
import { drawResume, watchResume } from "../order/resume.js";
import { mayAct } from "./rights.js";

const LABELS = { pause: "Pause", resume: "Resume…", cancel: "Cancel…" };

/** The acts that the order's state allows to this person, with their labels. */
export const actsOf = (row) => (mayAct(row) ? row.actions.filter((act) => act in LABELS).map((act) => [act, LABELS[act]]) : []);

function send(form, row, act) {
  form.setAttribute("hx-post", `/orders/${row.id}/${act}/`);
  window.htmx.process(form);
}

/** `now` gives the server's clock. */
export function runAct(row, act, now) {
  if (act === "pause") {
    send(byId("pause-form"), row, act);
    window.htmx.trigger("#pause-form", "submit");
    return;
  }
  const dialog = byId(`${act}-dialog`);
  const form = dialog.querySelector("form");
  form.reset();
  if (act === "resume") watchResume(dialog, () => drawResume(row, now()));
  send(form, row, act);
  const line = dialog.querySelector("[data-order-line]");
  line.hidden = false;
  setText(line, questionWords(row));
  dialog.showModal();
}
