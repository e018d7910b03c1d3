// Single letters in a list of orders: j and k go from order to order, p pauses, c asks before it cancels, x chooses.
// Enter opens the order, because the focus is on its link.

import { bindKeys } from "../lib/keys.js";
import { notice } from "../lib/notices.js";
import { actsOf, runAct } from "./acts.js";

const handleOf = (node) => node.querySelector('a[href^="/orders/"]') ?? node.querySelector("button, input");

/** `body` has a `[data-id]` for each order, and `rows` gives what the server said of them, by id. */
export function listKeys({ body, rows, now }) {
  /** Where the focus is or was: the order, and its place in the list. */
  let place = null;
  let held = false;

  const nodes = () => [...body.querySelectorAll("[data-id]")];
  const here = () => (body.contains(document.activeElement) ? document.activeElement.closest("[data-id]") : null);

  function focusOn(node) {
    const handle = node && handleOf(node);
    if (!handle) return;
    handle.focus({ preventScroll: true });
    node.scrollIntoView({ block: "nearest" });
  }

  /** The row of the place: the same order, or what stands where it stood. */
  function rowOfPlace(all) {
    if (place === null || !all.length) return null;
    return all.find((node) => node.dataset.id === place.id) ?? all[Math.min(place.index, all.length - 1)];
  }

  function move(step) {
    const all = nodes();
    const at = all.indexOf(here());
    if (at >= 0) focusOn(all[Math.min(all.length - 1, Math.max(0, at + step))]);
    else focusOn(rowOfPlace(all) ?? (step > 0 ? all[0] : all.at(-1)));
  }

  function act(name, event) {
    const row = rows().get(here()?.dataset.id);
    if (event.repeat) return;
    if (!row) notice("Go to an order with j and k first.", "warn");
    else if (actsOf(row).some(([allowed]) => allowed === name)) runAct(row, name, now);
    else notice(`You cannot ${name} order ${row.id} now.`, "warn");
  }

  /** The focus stays in the list when a live update takes away what had it. */
  function restore() {
    const isLost = document.activeElement === document.body || document.activeElement === null;
    if (held && isLost && !document.querySelector("dialog[open]")) focusOn(rowOfPlace(nodes()));
  }

  document.addEventListener("focusin", (event) => {
    if (event.target.closest("dialog")) return;
    const node = here();
    held = node !== null;
    if (node) place = { id: node.dataset.id, index: nodes().indexOf(node) };
  });
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("dialog")) held = false;
  });
  document.addEventListener("close", () => setTimeout(restore), true);
  new MutationObserver(restore).observe(body, { childList: true, subtree: true });

  bindKeys({
    j: () => move(1),
    k: () => move(-1),
    p: (event) => act("pause", event),
    c: (event) => act("cancel", event),
    x: (event) => event.repeat || here()?.querySelector("[data-choose]")?.click(),
  });
}
