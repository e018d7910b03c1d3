// The watchlist: a row for each symbol, changed in place as its market moves.

import { arrange, byId, element, setText } from "../lib/dom.js";
import { age, DASH, decimal, places, points, price, short } from "../lib/format.js";
import { courseSpark } from "../lib/spark.js";
import { mayTrade } from "../blotter/rights.js";

const cell = (name, kind = "number") => element("td", { class: kind, "data-part": name });

/** A trader's link opens the ticket, a supervisor's the symbol's live orders. */
const addressOf = (symbol) => (mayTrade() ? `/orders/new/?symbol=${encodeURIComponent(symbol)}` : `/orders/?state=live&symbol=${encodeURIComponent(symbol)}`);

function rowNode(row) {
  const words = mayTrade() ? `New order in ${row.symbol}` : `Live orders in ${row.symbol}`;
  const link = element("a", { href: addressOf(row.symbol), title: words, "aria-label": `${row.symbol}: ${words}` }, "");
  const remove = element("button", { type: "button", class: "quiet", "data-remove": row.symbol, "aria-label": `Remove ${row.symbol} from the watchlist`, title: "Remove" }, "✕");
  return element(
    "tr",
    { "data-symbol": row.symbol },
    element("th", { scope: "row", class: "name" }, link, element("small", { hidden: true })),
    cell("course", "course-cell"),
    ...["last", "change", "spread", "volume", "net"].map((name) => cell(name)),
    element("td", { class: "remove" }, remove),
  );
}

/** As many places as the lot has, fewer for a number that is long already: the tooltip has all. */
export function shortQuantity(value, lot) {
  if (Number(value) === 0) return "0";
  const whole = String(value).replace("-", "").split(".")[0].length;
  return decimal(value, Math.max(0, Math.min(lot === null ? 8 : places(lot), 6 - whole)));
}

/** A change in percent with its sign. */
export const changeWords = (change) => (change === null ? DASH : points(Number(change) * 100, 2));

function fillRow(node, row, single) {
  const get = (name) => node.querySelector(`[data-part="${name}"]`);
  setText(node.querySelector("a"), single ? row.base : row.symbol);
  setText(get("last"), row.last === null ? DASH : price(row.last, row.tick));
  setText(get("change"), changeWords(row.change));
  setText(get("spread"), row.spread_bp === null ? DASH : decimal(row.spread_bp, 1));
  setText(get("volume"), short(row.volume));
  get("volume").title = row.volume === null ? "The 24 hours are not known of every venue." : `${decimal(row.volume)} ${row.quote} in 24 hours`;
  get("change").title = row.change === null ? "The price 24 hours before is not known." : "against 24 hours before";
  const net = Number(row.net);
  setText(get("net"), `${net > 0 ? "+" : ""}${shortQuantity(row.net, row.lot)}`);
  get("net").className = `number ${net > 0 ? "buy-text" : net < 0 ? "sell-text" : "muted"}`;
  get("net").title = `${decimal(row.net)} ${row.base} bought less sold today`;
}

function drawCourse(host, row) {
  const key = row.line.join(" ");
  if (host.dataset.key === key) return;
  host.dataset.key = key;
  host.replaceChildren(...(row.line.length > 1 ? [courseSpark(row.line)] : []));
}

/** "stale 12 s" under the name of a symbol whose quote is old; what is known of it stays. */
function tickAge(node, row, now) {
  const isStale = row.stale_since !== null;
  const words = node.querySelector("small");
  node.classList.toggle("is-stale", isStale);
  words.hidden = !isStale && row.last !== null;
  words.className = isStale ? "warn" : "muted";
  setText(words, isStale ? `stale ${age(now - row.stale_since)}` : "no quote");
}

export class Watchlist {
  constructor() {
    this.body = byId("watch-rows");
    this.nodes = new Map();
    this.drawn = new Map();
  }

  /** `rows` by symbol, in the order of `symbols`. */
  draw(rows, symbols, now) {
    const quotes = new Set(symbols.map((symbol) => rows.get(symbol).quote));
    const single = quotes.size === 1;
    const nodes = symbols.map((symbol) => {
      const row = rows.get(symbol);
      const node = this.nodes.get(symbol) ?? rowNode(row);
      this.nodes.set(symbol, node);
      const known = this.drawn.get(symbol);
      if (known?.row !== row || known.single !== single) fillRow(node, row, single);
      drawCourse(node.querySelector('[data-part="course"]'), row);
      this.drawn.set(symbol, { row, single });
      return node;
    });
    arrange(this.body, nodes);
    byId("watch-empty").hidden = nodes.length > 0;
    const table = this.body.closest("table");
    table.hidden = !nodes.length;
    table.classList.toggle("is-mixed", !single);
    setText(byId("watch-unit"), symbols.length ? `${symbols.length}${single ? ` against ${[...quotes][0]}` : ""}, 24 h` : "");
    this.rows = rows;
    this.symbols = symbols;
    this.tick(now);
  }

  tick(now) {
    for (const symbol of this.symbols) tickAge(this.nodes.get(symbol), this.rows.get(symbol), now);
  }
}
