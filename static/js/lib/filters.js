// Filter bars apply themselves: a select at once, a text when it is left or Enter is pressed, a day when it is complete.

import { element } from "./dom.js";

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Whether the change of a field is enough to ask again. A day that is half written waits for the rest. Pure. */
export const applies = (field) => !field.matches("[data-day]") || !field.value.trim() || DAY.test(field.value.trim());

/** So many fields have room on a phone; more of them are folded there. */
const FEW = 2;

/** The button that shows a filter's fields on a phone. It says how many of them are set. */
function foldOf(form) {
  const set = form.querySelectorAll(".active").length;
  const fold = element("button", { type: "button", class: "filter-fold", "aria-expanded": "false" }, set ? `Filters (${set})` : "Filters");
  fold.addEventListener("click", () => {
    const isOpen = form.classList.toggle("is-open");
    fold.setAttribute("aria-expanded", String(isOpen));
  });
  return fold;
}

export function watchFilters() {
  for (const form of document.querySelectorAll("form.filter-bar")) {
    const search = form.querySelector("[type=search]");
    const fields = form.querySelectorAll("select, input:not([type=hidden], [type=search])");
    if (fields.length > FEW) (search ?? form.firstElementChild).after(foldOf(form));
    // Only what filters stands in the address.
    form.addEventListener("formdata", (event) => {
      for (const [name, value] of [...event.formData]) if (!value.trim()) event.formData.delete(name);
    });
    form.addEventListener("change", (event) => applies(event.target) && form.requestSubmit());
    // A search that is cleared by its cross is no change until it is left.
    form.addEventListener("search", (event) => !event.target.value && form.requestSubmit());
  }
}
