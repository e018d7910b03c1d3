// An opened row of the blotter: what its cells have no room for, the newest children and the newest fills.

import { element, fillOnce } from "../lib/dom.js";
import { DASH, moment, price } from "../lib/format.js";
import { etaWords } from "../lib/pace.js";
import { TableView } from "../lib/tables.js";

/** At most so often is an opened row asked for again while its order moves, in milliseconds. */
const EVERY = 1000;

const facts = (row, now) => [
  ["Accounts", row.account || DASH],
  ["Algorithm", row.algorithm.toUpperCase()],
  ["Limit", row.limit_price === null ? DASH : price(row.limit_price, row.tick)],
  ["Arrival", row.arrival_mid === null ? DASH : price(row.arrival_mid, row.tick, 1)],
  ["ETA", etaWords(row, now)],
  ["Last fill", row.last_fill_at === null ? DASH : `${moment(row.last_fill_at, now)} UTC`],
  ["Placed", `${moment(row.created_at, now)} UTC by ${row.trader}`],
  ["Basket", row.basket || DASH],
  ["Reference", row.client_reference || DASH],
  ["Tags", row.tags.join(", ") || DASH],
];

export class OpenedRow {
  constructor(id, columns) {
    this.id = id;
    this.version = null;
    this.askedAt = -Infinity;
    this.source = element("div", { id: `source-${id}`, hidden: true });
    this.facts = element("dl", { class: "row-facts" });
    this.tables = { children: this.table("children", "Children"), fills: this.table("fills", "Fills") };
    const parts = element("div", { class: "row-parts" }, ...Object.values(this.tables).map((table) => table.section));
    const cell = element("td", { colspan: columns }, this.facts, parts, this.source);
    this.node = element("tr", { class: "opened", id: `parts-${id}`, "data-of": id }, cell);
  }

  table(name, title) {
    const host = element("div", { class: "scroll" });
    const count = element("span", { class: "unit" }, "…");
    const section = element("section", { "aria-label": `${title} of ${this.id}` }, element("h2", { class: "panel-title" }, `${title} `, count), host);
    const view = new TableView(host);
    view.select(name);
    return { section, view, count };
  }

  /** Asks for the parts when the order has moved since; what is drawn stays until they come. */
  update(row, now) {
    this.row = row;
    this.tick(now);
    if (row.version === this.version || performance.now() - this.askedAt < EVERY) return;
    this.askedAt = performance.now();
    this.version = row.version;
    window.htmx.ajax("GET", `/orders/${this.id}/parts/`, { source: this.source, target: this.source, swap: "innerHTML" });
  }

  tick(now) {
    fillOnce(this.facts, facts(this.row, now), ([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text)));
  }

  received(now) {
    const parts = JSON.parse(this.source.querySelector("script").textContent);
    for (const [name, { view, count }] of Object.entries(this.tables)) {
      const total = parts[`${name}_total`];
      view.draw(parts[name], { order: this.row, now });
      const all = element("a", { href: `/orders/${this.id}/#${name}` }, `all ${total}`);
      count.replaceChildren(...(total > parts.most ? [`newest ${parts.most} of `, all] : [String(total)]));
    }
  }
}
