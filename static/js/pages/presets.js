// The page of presets: a supervisor's form shows the fields of the chosen algorithm.

import { byId } from "../lib/dom.js";
import { showSliders, switchFields } from "../ticket/fields.js";
import { register } from "../lib/pages.js";

export function start() {
  const form = byId("preset-new");
  let algorithm = form.elements.algorithm.value;
  form.addEventListener("input", (event) => {
    const next = form.elements.algorithm.value;
    if (event.target.type === "radio") switchFields(form, algorithm, next);
    algorithm = next;
    showSliders(form);
  });
  showSliders(form);
}

register(start);
