// The switch of the charts' time range. This browser keeps the choice for all orders.

import { DEFAULT_RANGE, isRange, RANGES } from "../charts/ranges.js";
import { element, fillOnce, setText } from "../lib/dom.js";
import { keep, kept } from "../lib/storage.js";

const KEPT = "tranche-order-range";

export function keptRange() {
  const name = kept(KEPT);
  return isRange(name) ? name : DEFAULT_RANGE;
}

export class RangeSwitch {
  constructor(host, note, onChoose) {
    this.host = host;
    this.note = note;
    this.chosen = keptRange();
    fillOnce(
      host,
      RANGES,
      ([name, words, title]) => [element("label", { title }, element("input", { type: "radio", name: "range", value: name, checked: name === this.chosen }), element("span", {}, words))],
    );
    host.addEventListener("change", (event) => {
      this.chosen = event.target.value;
      keep(KEPT, this.chosen);
      onChoose(this.chosen);
    });
  }

  /** While the charts are zoomed by hand no range is chosen: so each of them can be chosen, the last one too. */
  showZoomed(isZoomed) {
    for (const input of this.host.querySelectorAll("input")) input.checked = !isZoomed && input.value === this.chosen;
    setText(this.note, isZoomed ? "zoomed by hand: choose a range or double-click a chart to end it" : "");
  }
}
