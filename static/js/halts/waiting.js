// The orders that a halt paused and that wait for a person: all of them, by symbol and by trader, each with one review.

import { byId, element, fillOnce, setText } from "../lib/dom.js";

/** How many orders there are by a name of theirs, as pairs sorted by it. Pure. */
export function grouped(orders, name) {
  const counts = new Map();
  for (const order of orders) counts.set(order[name], (counts.get(order[name]) ?? 0) + 1);
  return [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** The ids of a group: "all", or a name and its value. Pure. */
export const idsOf = (orders, name, value) => orders.filter((order) => name === "all" || order[name] === value).map((order) => order.id);

const resumeButton = (name, value, count, isLifted) =>
  element("button", { type: "button", class: "small-button", "data-bulk": "resume", "data-group": name, "data-value": value, disabled: !isLifted }, `Resume ${count}…`);

function drawGroups(host, name, { waiting, isLifted }) {
  const rows = grouped(waiting, name).map(([value, count]) => [value, count, isLifted]);
  fillOnce(
    host,
    rows,
    (
      [value, count],
    ) => [element("tr", {}, element("td", {}, value), element("td", { class: "number" }, String(count)), element("td", { class: "row-actions" }, resumeButton(name, value, count, isLifted)))],
  );
}

/** "Cancel 1 order…", "Resume all 3 orders…". Pure. */
export const allWords = (act, count) => `${act} ${count === 1 ? "1 order" : `all ${count} orders`}…`;

export function drawWaiting(halt) {
  const { waiting } = halt;
  const isLifted = halt.lifted_at !== null;
  byId("halt-waiting").hidden = !waiting.length;
  setText(byId("waiting-words"), isLifted ? "paused by the halt, not resumed yet" : "they can be resumed when the halt is lifted");
  setText(byId("resume-all"), allWords("Resume", waiting.length));
  setText(byId("cancel-all"), allWords("Cancel", waiting.length));
  byId("resume-all").disabled = !isLifted;
  drawGroups(byId("waiting-symbols"), "symbol", { waiting, isLifted });
  drawGroups(byId("waiting-traders"), "trader", { waiting, isLifted });
}

/** Opens the review for the group of a button that is pressed. */
export function watchWaiting(host, orders, open) {
  host.addEventListener("click", (event) => {
    const button = event.target.closest("[data-bulk]");
    if (button) open(button.dataset.bulk, idsOf(orders(), button.dataset.group, button.dataset.value));
  });
}
