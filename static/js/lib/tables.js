// The tables under the charts. Newest first; the DOM holds a limited number of rows until all are asked for.

import { labelRow } from "./cards.js";
import { arrange, cell, element } from "./dom.js";
import { clock, DASH, decimal, local, percent, price, quantity } from "./format.js";
import { childPill } from "./states.js";

/** So many rows are drawn until all are asked for. On a phone a row is a card, as high as four rows. */
const limit = () => (matchMedia("(max-width: 760px)").matches ? 50 : 200);

const time = (milliseconds) => cell(clock(milliseconds, true), "mono", local(milliseconds));
const average = (value, order) => (value === null ? DASH : price(value, order.tick, 1));

const TIMES = { gtc: "", ioc: ", IOC", post_only: ", post-only" };

/** Facts of a journal entry as "key value, key value"; a change is "before → after". */
function details(data) {
  const shown = (value) => {
    if (typeof value !== "object" || value === null) return String(value ?? "–");
    const isChange = Object.keys(value).sort().join() === "after,before";
    return isChange ? `${shown(value.before)} → ${shown(value.after)}` : JSON.stringify(value);
  };
  return Object.entries(data).map(([name, value]) => `${name.replaceAll("_", " ")} ${shown(value)}`).join(" · ");
}

/** All parts of a fill's fee; one without an amount while it is unknown. */
const charged = (row) => [{ amount: row.fee, currency: row.fee_currency }, ...row.more_fees];

const share = (row) => percent(Number(row.filled) / Number(row.quantity));

function sliceState(row, now) {
  if (now >= row.ends_at) return "over";
  return now >= row.starts_at ? "running" : "to come";
}

export const TABLES = {
  children: {
    heads: ["Time (UTC)", "Child", "Slice", "Account", "Type", "Why", ">Quantity", ">Price", ">Filled", ">Average", "State", "Reason"],
    sort: (row) => row.sequence,
    empty: "No child orders yet.",
    cells: (row, { order }) => [
      time(row.at),
      cell(`#${row.sequence}`, "mono"),
      cell(row.slice === null ? DASH : String(row.slice), "mono"),
      cell(row.account),
      cell(row.type + (TIMES[row.time_in_force] ?? `, ${row.time_in_force}`)),
      cell(row.why, "wide", row.why),
      cell(quantity(row.quantity, order.lot), "number"),
      cell(row.price === null ? DASH : price(row.price, order.tick), "number"),
      cell(quantity(row.filled, order.lot), "number"),
      cell(average(row.average, order), "number"),
      element("td", {}, childPill(row)),
      cell(row.reason, "wide", row.reason),
    ],
  },
  fills: {
    heads: ["Time (UTC)", "Child", "Account", "Trade", "Liquidity", ">Quantity", ">Price", ">Value", ">Fee", "Currency", ">Fee in quote"],
    sort: (row) => row.at,
    empty: "No fill yet.",
    cells: (row, { order }) => [
      time(row.at),
      cell(row.child === null ? DASH : `#${row.child}`, "mono"),
      cell(row.account),
      cell(row.trade, "mono"),
      cell({ maker: "● maker", taker: "◆ taker" }[row.liquidity] ?? DASH),
      cell(quantity(row.quantity, order.lot), "number"),
      cell(price(row.price, order.tick), "number"),
      cell(decimal((Number(row.price) * Number(row.quantity)).toFixed(2)), "number"),
      cell(charged(row).map((fee) => decimal(fee.amount)).join(" + "), "number"),
      cell(charged(row).map((fee) => fee.currency || DASH).join(" + ")),
      cell(decimal(row.fee_in_quote), "number"),
    ],
  },
  slices: {
    heads: ["Slice", "From (UTC)", "To (UTC)", ">Planned", ">Filled", ">Done", "State"],
    sort: (row) => -row.number,
    empty: "No plan yet.",
    cells: (row, { order, now }) => [
      cell(String(row.number), "mono"),
      cell(clock(row.starts_at), "mono", local(row.starts_at)),
      cell(clock(row.ends_at), "mono", local(row.ends_at)),
      cell(quantity(row.quantity, order.lot), "number"),
      cell(quantity(row.filled, order.lot), "number"),
      cell(share(row), "number"),
      cell(sliceState(row, now), "muted"),
    ],
  },
  journal: {
    heads: ["Time (UTC)", ">Version", "What", "Who", "Why", "Details"],
    sort: (row) => row.version,
    empty: "The journal is empty.",
    cells: (row) => [
      time(row.at),
      cell(String(row.version), "number"),
      cell(row.kind.replaceAll("_", " ")),
      cell(row.actor.split(":").at(-1), "", row.actor),
      cell(row.reason || DASH, "wrap"),
      cell(details(row.data), "wide", details(row.data)),
    ],
  },
};

/** Draws one table and re-uses the rows that did not change, so that a selection in it survives. */
export class TableView {
  /** `leftOut` names columns that mean nothing here. */
  constructor(host, leftOut = []) {
    this.host = host;
    this.leftOut = leftOut;
    this.all = false;
    this.cache = new Map();
  }

  select(name) {
    if (this.name === name) return;
    this.name = name;
    this.all = false;
    this.cache.clear();
    this.shown = TABLES[name].heads.map((head) => !this.leftOut.includes(head));
    const shown = TABLES[name].heads.filter((_, index) => this.shown[index]);
    this.heads = shown.map((head) => head.replace(">", ""));
    const heads = shown.map((head, index) => element("th", { class: head.startsWith(">") ? "number" : null }, this.heads[index]));
    this.body = element("tbody");
    this.rest = element("div", { class: "more-rows", hidden: true });
    this.host.replaceChildren(element("table", { class: "grid cards", "data-cards": true }, element("thead", {}, element("tr", {}, ...heads)), this.body), this.rest);
  }

  draw(rows, context) {
    const table = TABLES[this.name];
    const sorted = [...rows].sort((left, right) => table.sort(right) - table.sort(left));
    const shown = this.all ? sorted : sorted.slice(0, limit());
    const nodes = shown.map((row) => this.node(row, table, context));
    if (!shown.length) nodes.push(element("tr", {}, element("td", { class: "empty", colspan: table.heads.length }, table.empty)));
    arrange(this.body, nodes);
    this.drawRest(sorted.length, rows, context);
  }

  node(row, table, context) {
    const state = this.name === "slices" ? sliceState(row, context.now) : "";
    const known = this.cache.get(row.key);
    if (known?.row === row && known.state === state) return known.node;
    const isBroken = this.name === "journal" && context.broken.has(row.version);
    const node = element("tr", isBroken ? { class: "is-broken", title: "The chain does not hold here." } : {}, ...table.cells(row, context).filter((_, index) => this.shown[index]));
    labelRow(node, this.heads);
    this.cache.set(row.key, { row, node, state });
    return node;
  }

  drawRest(count, rows, context) {
    this.rest.hidden = this.all || count <= limit();
    if (this.rest.hidden || this.rest.dataset.count === String(count)) return;
    this.rest.dataset.count = String(count);
    const button = element("button", { type: "button" }, `Show all ${count}`);
    button.addEventListener("click", () => {
      this.all = true;
      this.draw(rows, context);
    });
    this.rest.replaceChildren(button);
  }
}
