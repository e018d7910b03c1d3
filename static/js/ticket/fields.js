// The ticket's fields by algorithm: all are in the form, those of others are hidden and not sent.

import { byId, readJson, setText } from "../lib/dom.js";
import { spoken } from "../lib/format.js";

/** Shows what the algorithm has. A field that still says what the last one proposed says what this one does. */
export function switchFields(form, before, after) {
  const defaults = readJson("ticket-fields");
  for (const host of form.querySelectorAll("[data-algorithms]")) {
    const name = host.dataset.field;
    const isShown = host.dataset.algorithms.split(" ").includes(after) && isWanted(form, host);
    if (isShown) propose(form, name, host.hidden ? null : (defaults[before]?.[name] ?? null), defaults[after][name]);
    host.hidden = !isShown;
    for (const input of host.querySelectorAll("input, select")) input.disabled = !isShown;
  }
  const advanced = [...form.querySelectorAll(".more [data-algorithms]:not([hidden]) label")].map((label) => label.firstChild.textContent.trim().toLowerCase());
  const more = form.elements.client_reference ? [...advanced, "reference"] : advanced;
  setText(form.querySelector(".more summary"), `More: ${more.join(", ")}`);
  showSliders(form);
}

/** Whether the field on which this one depends has the value for it. */
function isWanted(form, { dataset }) {
  return dataset.with === undefined || form.elements[dataset.with].value === dataset.is;
}

function propose(form, name, former, proposed) {
  const node = form.elements[name];
  if (node.placeholder !== undefined) node.placeholder = proposed.placeholder;
  if (name === "duration" && form.elements.end_at?.value) return; // an end was written instead
  if (former === null ? !node.value : node.value === former.value) node.value = proposed.value;
}

/** A slider's value in figures beside it. */
export function showSliders(form) {
  for (const slider of form.querySelectorAll('input[type="range"]')) {
    const text = String(Number(Number(slider.value).toFixed(4)));
    setText(slider.parentElement.querySelector("output"), text);
    slider.setAttribute("aria-valuetext", `${text}, from 0 passive to 1 aggressive`);
  }
}

/** What an empty field stands for, when the plan says it. */
export function showPlanned(form, plan, clock) {
  const end = form.elements.end_at;
  const slices = plan?.slices;
  if (end) end.placeholder = slices && form.elements.duration.value ? clock(slices.at(-1)[1]) : "by duration";
  const count = form.elements.slices;
  if (count && !count.disabled) count.placeholder = slices ? String(slices.length) : "one a minute";
  const length = form.elements.slice_length;
  if (length && !length.disabled) length.placeholder = slices ? spoken(slices[0][1] - slices[0][0]) : "five minutes";
}

/** What the trader should know of the plan. */
export function showNotes(notes) {
  const host = byId("plan-notes");
  const text = JSON.stringify(notes);
  if (host.dataset.shown === text) return;
  host.dataset.shown = text;
  host.hidden = !notes.length;
  host.replaceChildren(...notes.map((note) => Object.assign(document.createElement("li"), { textContent: note })));
}
