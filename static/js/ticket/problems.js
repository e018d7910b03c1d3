// What the server refuses of a ticket. Each problem stands once: beside its field once the field was used, else in the
// list at the right, or above the button where a review was asked for.

import { byId, element, setText } from "../lib/dom.js";

/** A halt refuses whatever stands in the form: there is nothing to review until it is lifted. Pure. */
export const haltsOf = (problems) => problems.filter((problem) => problem.code === "trading_halted");

/** The first message of each field. Pure. */
export function firstByField(problems) {
  const found = new Map();
  for (const { field, message } of problems) if (!found.has(field)) found.set(field, message);
  return found;
}

/** The limit as it is drawn; what is no number, or was refused, is no line. Pure. */
export function writtenLimit(written, problems) {
  if (problems.some((problem) => problem.field === "limit_price")) return null;
  const text = written.replaceAll(",", "").trim();
  return text && Number.isFinite(Number(text)) ? text : null;
}

/** Writes the messages beside the fields that `isUsed` names, and returns those that are seen there, by field. */
function showBeside(form, problems, isUsed) {
  const messages = firstByField(problems);
  const beside = new Map();
  for (const node of form.querySelectorAll(".error")) {
    const name = node.id.replace("error-", "");
    const message = isUsed(name) ? (messages.get(name) ?? "") : "";
    setText(node, message);
    if (message && node.checkVisibility()) beside.set(name, message);
    const input = form.elements[name];
    if (!(input instanceof HTMLElement && input.matches("input, select"))) continue;
    if (message) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  return beside;
}

/** Returns the messages that are seen beside their fields. */
export function showProblems(form, problems, isUsed) {
  const beside = showBeside(form, problems, isUsed);
  const listed = [...byId("preview").querySelectorAll("[data-refused]")];
  for (const line of listed) line.hidden = beside.get(line.dataset.refused) === line.querySelector("[data-text]").textContent;
  const notice = byId("refused-beside");
  if (notice) notice.hidden = !listed.length || listed.some((line) => !line.hidden);
  return new Set(beside.values());
}

/** Says above the button why there is no review, where it does not stand beside a field: the checks may be off screen. */
export function showRefused(problems, beside = new Set()) {
  const said = [...new Set(problems.map((problem) => problem.message))].filter((message) => !beside.has(message));
  const host = byId("review-refused");
  host.hidden = !said.length;
  host.replaceChildren(...said.map((message) => element("p", {}, message)));
}
