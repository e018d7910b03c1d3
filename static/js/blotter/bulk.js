// Chosen rows of a list and the bar that acts on them. The list draws its rows and says which stand on the screen.

import { byId, element, setText } from "../lib/dom.js";
import { Chosen } from "../lib/chosen.js";
import { bulkDialog } from "./bulk_dialog.js";
import { mayAct } from "./rights.js";

/** The buttons' actions, and what a row's state must allow for each. */
const NEEDS = { pause: "pause", resume: "resume", extend: "amend", urgency: "amend", cancel: "cancel" };

/** The checkbox of a row; null where the viewer may do nothing. */
export function chooseBox(row, isChosen) {
  if (!mayAct(row) || !row.actions.length) return null;
  const box = element("input", { type: "checkbox", "data-choose": "", "aria-label": `Choose ${row.id}` });
  box.checked = isChosen;
  return element("label", {}, box);
}

export const chooseCell = (row, isChosen) => element("td", { class: "narrow-cell choose-cell" }, chooseBox(row, isChosen));

export function bulkBar({ body, rows, redraw }) {
  const chosen = new Chosen();
  const bar = byId("bulk-bar");
  const all = byId("choose-all");
  const open = bulkDialog({ onDone: clear });
  let shown = [];

  function clear() {
    chosen.clear();
    redraw();
  }

  const choosable = () => shown.filter((id) => mayAct(rows().get(id)) && rows().get(id).actions.length);
  const fitting = (action, ids = [...chosen.ids]) => ids.filter((id) => rows().get(id).actions.includes(NEEDS[action]));
  /** Those of all rows that the action fits, chosen or not. */
  const fits = (action) => fitting(action, choosable());

  function words() {
    const picked = [...chosen.ids].map((id) => rows().get(id));
    const counts = new Map();
    for (const row of picked) counts.set(row.status, (counts.get(row.status) ?? 0) + 1);
    const symbols = new Set(picked.map((row) => row.symbol));
    const states = [...counts].map(([status, count]) => `${count} ${status.replaceAll("_", " ")}`).join(", ");
    return `${states} · ${symbols.size === 1 ? [...symbols][0] : `${symbols.size} symbols`}`;
  }

  function drawBar() {
    bar.hidden = chosen.size === 0;
    const state = chosen.of(choosable());
    all.checked = state === "all" && chosen.size > 0;
    all.indeterminate = state === "some";
    all.disabled = choosable().length === 0;
    if (bar.hidden) return;
    setText(byId("bulk-count"), `${chosen.size} chosen`);
    setText(byId("bulk-words"), words());
    for (const button of bar.querySelectorAll("[data-bulk]")) {
      const fit = fitting(button.dataset.bulk).length;
      button.disabled = fit === 0;
      button.title = fit === 0 ? "None of the chosen orders allows this now." : `Fits ${fit} of ${chosen.size}.`;
    }
  }

  body.addEventListener("click", (event) => {
    const box = event.target.closest("[data-choose]");
    if (!box) return;
    chosen.set(box.closest("[data-id]").dataset.id, box.checked, choosable(), event.shiftKey);
    redraw();
  });
  all.addEventListener("change", () => {
    chosen.setAll(choosable(), all.checked);
    redraw();
  });
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("[data-bulk]");
    if (button) open(button.dataset.bulk, [...chosen.ids]);
    if (event.target.closest("[data-bulk-clear]")) clear();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && chosen.size && !document.querySelector("dialog[open], :popover-open")) clear();
  });

  return {
    has: (id) => chosen.has(id),
    /** "none", "some" or "all" of these. */
    of: (ids) => chosen.of(ids),
    choose(ids, on) {
      const possible = new Set(choosable());
      chosen.setAll(ids.filter((id) => possible.has(id)), on);
      redraw();
    },
    fits,
    /** Opens the review of an action for all rows that it fits. */
    openFor: (action) => open(action, fits(action)),
    /** To be called with what stands on the screen, after it is drawn. */
    update(ids) {
      shown = ids;
      chosen.keep(choosable());
      drawBar();
    },
  };
}
