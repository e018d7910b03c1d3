// Which columns the blotter shows, and in what order; and views, which are a filter with its columns. Pure but for the
// browser's own memory: what a person chooses here stays in this browser.

import { kept } from "../lib/storage.js";

/** These stand where they stand, and are always shown. */
export const FIXED = ["choose", "open", "actions"];

/** A layout of the known columns from what was kept: what is new stands at the end of the others, and is shown. */
export function layoutOf(kept, known) {
  const movable = known.filter((key) => !FIXED.includes(key));
  const order = [...(kept?.order ?? []).filter((key) => movable.includes(key))];
  for (const key of movable) if (!order.includes(key)) order.push(key);
  return { order, hidden: (kept?.hidden ?? []).filter((key) => movable.includes(key)) };
}

/** All columns in the order of a layout, the fixed ones at their ends. */
export const keysOf = (layout) => ["choose", "open", ...layout.order, "actions"];

export function moved(layout, key, by) {
  const order = [...layout.order];
  const at = order.indexOf(key);
  const to = Math.min(order.length - 1, Math.max(0, at + by));
  order.splice(to, 0, ...order.splice(at, 1));
  return { ...layout, order };
}

export function toggled(layout, key) {
  const hidden = layout.hidden.includes(key) ? layout.hidden.filter((each) => each !== key) : [...layout.hidden, key];
  return { ...layout, hidden };
}

/** Views by name; one with the same name is replaced. */
export const withView = (views, view) => [...views.filter((each) => each.name !== view.name), view].sort((one, other) => one.name.localeCompare(other.name));

export function readKept(name) {
  try {
    return JSON.parse(kept(name)) ?? {};
  } catch {
    return {}; // somebody else's: the page as it is
  }
}
