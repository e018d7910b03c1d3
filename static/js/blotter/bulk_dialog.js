// The review of an action on many orders: it counts and sums, is asked for again as its fields change, and is sent once.

import { byId, setText } from "../lib/dom.js";
import { notice } from "../lib/notices.js";

/** As many as the server takes in one request. */
export const MOST = 200;
const DEBOUNCE = 350;

/** Makes the function that opens the review of an action for these ids. */
export function bulkDialog({ onDone = () => {} } = {}) {
  const dialog = byId("bulk-dialog");
  const form = dialog.querySelector("form");
  const host = byId("bulk-review");
  let asked = null;
  let timer = null;

  function refresh() {
    clearTimeout(timer);
    if (asked === null) return;
    const values = { orders: asked.ids, csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value };
    for (const [name, value] of new FormData(form)) if (["mode", "by", "urgency"].includes(name)) values[name] = value;
    const path = `${form.dataset.source}${asked.action}/review/`;
    window.htmx.ajax("POST", path, { source: host, target: host, swap: "innerHTML", values });
  }

  form.addEventListener("input", (event) => {
    if (!event.target.closest("[data-for]")) return;
    if (event.target.type === "range") setText(event.target.parentElement.querySelector("output"), event.target.value);
    // What was reviewed is what is sent: until the new review is there, nothing is.
    const send = byId("bulk-send");
    if (send) send.disabled = true;
    clearTimeout(timer);
    timer = setTimeout(refresh, DEBOUNCE);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  host.addEventListener("htmx:afterSwap", () => {
    setText(byId("bulk-title"), host.querySelector("[data-title]")?.dataset.title ?? "Review");
    const done = host.querySelector("[data-bulk-done]");
    if (!done) return;
    asked = null;
    byId("bulk-fields").hidden = true;
    onDone();
    if (done.dataset.bulkDone !== "complete") return;
    dialog.close();
    notice(done.dataset.words, "good");
  });
  dialog.addEventListener("close", () => {
    asked = null;
    clearTimeout(timer);
  });

  return (action, ids) => {
    asked = { action, ids: ids.slice(0, MOST) };
    form.reset();
    setText(form.querySelector("output"), form.elements.urgency.value);
    byId("bulk-fields").hidden = false;
    for (const part of form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== action;
    setText(byId("bulk-title"), "Review");
    host.replaceChildren(Object.assign(document.createElement("p"), { className: "muted", textContent: "Reviewing…" }));
    if (ids.length > MOST) notice(`Only the first ${MOST} of ${ids.length} orders are reviewed at once.`, "warn");
    dialog.showModal();
    refresh();
  };
}
