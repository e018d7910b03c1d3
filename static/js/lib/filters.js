// Filter bars apply themselves: a select at once, a text when it is left or Enter is pressed, a day when it is complete.

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Whether the change of a field is enough to ask again. A day that is half written waits for the rest. Pure. */
export const applies = (field) => !field.matches("[data-day]") || !field.value.trim() || DAY.test(field.value.trim());

export function watchFilters() {
  for (const form of document.querySelectorAll("form.filter-bar")) {
    // Only what filters stands in the address.
    form.addEventListener("formdata", (event) => {
      for (const [name, value] of [...event.formData]) if (!value.trim()) event.formData.delete(name);
    });
    form.addEventListener("change", (event) => applies(event.target) && form.requestSubmit());
    // A search that is cleared by its cross is no change until it is left.
    form.addEventListener("search", (event) => !event.target.value && form.requestSubmit());
  }
}
