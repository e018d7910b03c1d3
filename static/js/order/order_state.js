// What a page knows of its order: the snapshot that it was made with, and what the server has said since. Pure.

import { lineNow, shareLine } from "../lib/plan.js";

export const SECTIONS = ["slices", "children", "fills", "journal"];

export class OrderState {
  /** `broken` has the numbers of the journal's entries at which its chain did not hold when the page was made. */
  constructor(form, snapshot, broken = new Set()) {
    this.form = form;
    this.broken = broken;
    this.samples = new Map();
    this.market = null;
    this.take(snapshot);
  }

  take(snapshot) {
    this.samples.clear();
    this.rows = Object.fromEntries(SECTIONS.map((section) => [section, new Map(snapshot[section].map((row) => [row.key, row]))]));
    this.order = snapshot.order;
    this.profile = snapshot.profile;
  }

  change(delta) {
    if (delta.replan) {
      this.rows.slices.clear();
      this.profile = delta.profile;
    }
    for (const section of SECTIONS) for (const row of delta[section]) this.rows[section].set(row.key, row);
    this.order = delta.order;
  }

  /** Returns whether the order waits for something else than before. */
  hear(market) {
    for (const sample of market.samples) this.samples.set(sample[0], sample);
    this.market = market;
    const isOther = this.order.waits !== market.waits;
    this.order.waits = market.waits;
    return isOther;
  }

  /** All of it as the page draws it. */
  view(now) {
    const { form, order, rows } = this;
    const slices = [...rows.slices.values()].sort((left, right) => left.number - right.number);
    return {
      order,
      market: this.market,
      fills: [...rows.fills.values()].sort((left, right) => left.at - right.at),
      form,
      profile: this.profile,
      slices,
      broken: this.broken,
      now,
      // An order without a schedule is neither ahead nor behind.
      line: form.shows.schedule ? lineNow(order, shareLine(slices, Number(order.quantity)), now) : [],
      children: [...rows.children.values()],
      samples: [...this.samples.values()].sort((left, right) => left[0] - right[0]),
    };
  }
}
