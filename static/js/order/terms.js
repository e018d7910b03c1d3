// The panels of an order's page beside its cost: its terms, its venues, and what an iceberg shows.

import { byId, cell, element, fillList, fillOnce, number, setText } from "../lib/dom.js";
import { DASH, decimal, percent, places, points, price, quantity, spoken } from "../lib/format.js";
import { shownLine, venueRows } from "./children_folds.js";
import { isLiveChild } from "../lib/states.js";

/** ISO 8601, as the records keep a duration: PT1M30S. */
function duration(text) {
  const found = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(text);
  if (!found) return text;
  const [days, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0));
  return spoken((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

function worded({ widget, unit, choices }, value) {
  if (widget === "choice" || widget === "switch") return choices[value] ?? value;
  if (widget === "duration") return duration(value);
  if (widget === "percent") return `${decimal(String(Number((Number(value) * 100).toFixed(8))))} ${unit}`;
  if (widget === "share") return String(Number(value));
  return `${decimal(String(value))}${unit ? ` ${unit}` : ""}`;
}

export function drawTerms(order, form) {
  setText(byId("terms-version"), `version ${order.terms_version}`);
  const set = form.parameters.filter(({ name }) => order.parameters[name] !== null && order.parameters[name] !== undefined);
  fillList(byId("terms"), [
    ["Algorithm", form.label, "number"],
    ["Limit", order.limit_price === null ? "none" : price(order.limit_price, order.tick)],
    ["End", order.end_is_fixed ? "fixed" : "by duration"],
    ...set.map((field) => [field.label, worded(field, order.parameters[field.name])]),
  ]);
}

export function drawAccounts(order, fills) {
  const host = document.querySelector("#venues tbody");
  if (!host) return;
  fillOnce(
    host,
    venueRows(order, fills),
    (row) =>
      element(
        "tr",
        {},
        cell(row.label),
        number(row.filled ? decimal(row.filled.toFixed(places(order.lot) ?? 6)) : DASH),
        number(percent(row.share, 0)),
        number(row.average === null ? DASH : decimal(row.average.toFixed((places(order.tick) ?? 2) + 1))),
        number(row.feesBp === null ? DASH : points(row.feesBp, 1)),
      ),
  );
}

export function drawIceberg({ order, children, fills }) {
  const host = byId("iceberg");
  if (!host) return;
  const shownNow = shownLine(children, fills).at(-1)?.[1] ?? 0;
  const left = Math.max(0, Number(order.quantity) - Number(order.filled));
  const size = (value) => quantity(Math.max(0, value).toFixed(12), order.lot);
  const resting = children.filter((child) => isLiveChild(child.status) && child.price !== null);
  fillList(host, [
    ["Shown now", size(shownNow)],
    ["Hidden", size(left - shownNow)],
    ["Visible at most", quantity(order.parameters.visible_quantity, order.lot)],
    ["Parts so far", String(children.length)],
    ["At", resting.length ? resting.map((child) => price(child.price, order.tick)).join("; ") : DASH],
  ]);
}
