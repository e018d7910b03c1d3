// A new basket: a file or pasted rows, the review that the server makes of them, and sending what was reviewed.

import { decoded, fileProblem } from "../basket/file.js";
import { byId, element, setText } from "../lib/dom.js";

const COSTS_AGAIN = 1500;
/** A review that waits for books is asked for again. The server says when a venue gives none. */
const REVIEW_AGAIN = 500;

const form = byId("basket-form");
const area = byId("csv");
const host = byId("basket-review");
let timer = null;

function review() {
  clearTimeout(timer);
  const values = { csv: area.value, name: form.elements.name.value, key: form.elements.key.value, csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value };
  for (const field of host.querySelectorAll("[data-confirm]")) {
    if (field.type !== "checkbox" || field.checked) values[field.name] = field.value;
  }
  if (!host.childElementCount) host.replaceChildren(element("p", { class: "muted basket-note", "data-reading": "" }, "Reviewing…"));
  window.htmx.ajax("POST", form.dataset.review, { source: host, target: host, swap: "innerHTML", values });
}

/** What was reviewed is what is sent: when the rows change, there is nothing to send until they are reviewed again. */
function stale() {
  clearTimeout(timer);
  host.replaceChildren();
}

async function takeFile(file) {
  const bytes = await file.arrayBuffer();
  const problem = fileProblem(file.name, bytes, Number(form.dataset.most));
  setText(byId("error-file"), problem);
  if (problem) return;
  area.value = decoded(bytes);
  showExample();
  if (!form.elements.name.value) form.elements.name.value = file.name.replace(/\.[a-z]+$/i, "");
  review();
}

/** The example is offered while there is nothing that it would replace. */
function showExample() {
  byId("csv-example").hidden = area.value.trim() !== "";
}

function allow() {
  const send = byId("basket-send");
  if (!send) return;
  const fields = [...host.querySelectorAll("[data-confirm]")];
  send.disabled = !fields.every((field) => (field.type === "checkbox" ? field.checked : field.value.trim()));
}

/** Asks for the costs that are still being simulated, and writes them into their cells. */
async function costs() {
  const cells = [...host.querySelectorAll("[data-cost]")];
  if (!cells.length) return;
  const body = new URLSearchParams(cells.map((cell) => ["key", cell.dataset.cost]));
  const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
  const response = await fetch(form.dataset.costs, { method: "POST", body, headers }).catch(() => null);
  const found = response?.ok ? await response.json() : {};
  for (const cell of cells) {
    const cost = found[cell.dataset.cost];
    if (!cost) continue;
    setText(cell, cost.text);
    cell.title = cost.title;
    cell.className = `number ${cost.tone}`;
    delete cell.dataset.cost;
  }
  timer = setTimeout(costs, COSTS_AGAIN);
}

function received() {
  clearTimeout(timer);
  allow();
  if (host.querySelector('[data-waits="yes"]')) timer = setTimeout(review, REVIEW_AGAIN);
  else timer = setTimeout(costs, COSTS_AGAIN);
}

byId("basket-review-button").addEventListener("click", review);
/** The example stands in the empty field already; written, it can be changed into one's own orders. */
byId("csv-example").addEventListener("click", () => {
  area.value = area.placeholder;
  stale();
  showExample();
  area.focus();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (!byId("basket-review-button").disabled) review();
});
form.addEventListener("input", (event) => {
  if (event.target.type !== "file") stale();
  showExample();
});
byId("basket-file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) takeFile(file);
  event.target.value = "";
});
host.addEventListener("input", allow);
host.addEventListener("htmx:afterSwap", received);
host.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.successful) host.querySelector("[data-reading]")?.remove();
});
showExample();
if (host.childElementCount) received();
