// What the server's answer says beside the fields: amounts, the limit against the mid, shares of the balance.

import { setText } from "../lib/dom.js";
import { clock, decimal, places } from "../lib/format.js";
import { showPlanned } from "./fields.js";

/** The quantity in the other currency. Pure. */
export function quantityHint({ market, quantity, notional }, unit) {
  if (!market || notional === null) return "";
  return unit === "quote" ? `≈ ${decimal(quantity)} ${market.base}` : `≈ ${decimal(notional, 2)} ${market.quote}`;
}

/** Where the limit is against the mid. Pure. */
export function limitHint({ market, quote, limit_distance: distance }) {
  if (!quote) return "no quote";
  const mid = `mid ${decimal(quote.mid, places(market?.tick))}`;
  return distance ? `${distance} against ${mid}` : mid;
}

/** The quantity as the server read it. Text that is newer than its answer, or that is no number, has no size yet. Pure. */
export const sizeWords = (size, written, unit) => (size?.written === written && size.unit === unit ? size.words : "");

function showChips(form, { helpers }) {
  for (const chip of form.querySelectorAll("[data-share]")) {
    chip.disabled = !helpers.shares[chip.dataset.share];
    chip.title = helpers.free ? `of ${decimal(helpers.free)} ${helpers.currency} that can be used` : "the balance is not known";
  }
  const beside = form.querySelector('[data-limit="beside"]');
  beside.disabled = !helpers.limit;
  setText(beside, form.elements.side.value === "buy" ? "mid + 25 bp" : "mid − 25 bp");
}

export function showHints(form, data) {
  const { unit } = form.elements;
  setText(form.querySelector("#hint-quantity"), quantityHint(data, unit.value));
  setText(form.querySelector("#hint-limit_price"), limitHint(data));
  showChips(form, data);
  if (data.market) {
    setText(unit.options[0], data.market.base);
    setText(unit.options[1], data.market.quote);
  }
  showPlanned(form, data.plan, clock);
}
