// The question before a halt: the preview follows the form, and the phrase opens the button.

import { byId, setText } from "../lib/dom.js";
import { decimal } from "../lib/format.js";

const PREVIEW_EVERY = 3000;

const form = byId("halt-form");
const host = byId("halt-preview");
const send = byId("halt-send");

let asked = 0;

const wanted = () => host.firstElementChild?.dataset.phrase ?? "";

function judge() {
  setText(byId("phrase-wanted"), wanted());
  const ready = wanted() && byId("phrase").value.trim() === wanted() && byId("reason").value.trim();
  send.disabled = !ready;
}

function group() {
  for (const node of host.querySelectorAll("[data-amount]")) {
    if (node.dataset.amount) setText(node, decimal(node.dataset.amount, 2));
  }
}

/** What the form would do now, as the server says it; an answer that a later question overtook is left. */
async function refresh() {
  const number = (asked += 1);
  const query = new URLSearchParams(new FormData(form));
  for (const name of ["csrfmiddlewaretoken", "phrase", "reason"]) query.delete(name);
  try {
    const answer = await fetch(`${host.dataset.source}?${query}`);
    const text = await answer.text();
    if (!answer.ok || answer.redirected || number !== asked) return;
    host.replaceChildren(...document.createRange().createContextualFragment(text.trim()).children);
    group();
    judge();
  } catch {
    // The time of the preview stands above it; the next one is soon.
  }
}

form.addEventListener("input", judge);
form.addEventListener("change", (event) => {
  const { target } = event;
  if (target.matches("[name^=subject_]")) form.elements.scope.value = target.name.replace("subject_", "");
  if (target.closest("fieldset")) refresh();
});
// Enter in a field never submits.
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
});
form.addEventListener("submit", () =>
  setTimeout(() => {
    send.disabled = true;
  }));
group();
judge();
setInterval(() => {
  if (!document.hidden) refresh();
}, PREVIEW_EVERY);
