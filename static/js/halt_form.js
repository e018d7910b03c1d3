// The question before a halt: the preview follows the form, and the phrase opens the button.

import { byId, setText } from "./dom.js";
import { decimal } from "./format.js";

const form = byId("halt-form");
const host = byId("halt-preview");
const send = byId("halt-send");

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

form.addEventListener("input", judge);
// Choosing a subject chooses its scope; before the preview is asked for, which listens to the form, too.
form.addEventListener("change", (event) => {
  if (event.target.matches("select")) form.elements.scope.value = event.target.name.replace("subject_", "");
}, { capture: true });
// Enter in a field never submits.
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
});
form.addEventListener("submit", () => setTimeout(() => { send.disabled = true; }));
document.body.addEventListener("htmx:afterSwap", () => {
  group();
  judge();
});
group();
judge();
