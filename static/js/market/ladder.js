// The ladder of the book: its rows stand still and change in place, so that a price does not move under the pointer.

import { element, setText } from "../lib/dom.js";
import { decimal, places, points, price, quantity } from "../lib/format.js";

const SVG = "http://www.w3.org/2000/svg";
const SIDES = { buy: ["▲", "buy-text"], sell: ["▼", "sell-text"] };
/** More books than this share the colours again. */
const SHADES = 3;
/** More digits than this do not fit into a column of sizes. */
const DIGITS = 6;

export class LadderTable {
  /** Fills `table` with so many rows a side. `pick` is called with the price of a row; null: prices are text. */
  constructor(table, rows, pick) {
    this.asks = Array.from({ length: rows }, () => ladderRow(pick !== null, "sell-text"));
    this.bids = Array.from({ length: rows }, () => ladderRow(pick !== null, "buy-text"));
    this.above = edgeLine();
    this.below = edgeLine();
    this.mid = element(
      "div",
      {},
      element("b", { class: "number" }),
      element("span", { class: "muted" }, "mid"),
      element("span", { class: "spacer" }),
      element("span", { class: "number touch" }),
      element("span", { class: "muted" }),
    );
    // Best prices meet in the middle: asks stand the other way round.
    table.append(
      element("tbody", {}, this.above, ...rowNodes(this.asks).reverse()),
      element("tbody", {}, element("tr", { class: "ladder-mid" }, element("td", { colspan: 5 }, this.mid))),
      element("tbody", {}, ...rowNodes(this.bids), this.below),
    );
    if (pick !== null) this.listen(table, pick);
  }

  listen(table, pick) {
    // What was shown when the pointer went down is what was meant.
    let meant = null;
    table.addEventListener("pointerdown", (event) => {
      meant = event.target.closest("[data-price]")?.dataset.price ?? null;
    });
    table.addEventListener("click", (event) => {
      const node = event.target.closest("[data-price]");
      if (node && !node.disabled) pick((event.detail > 0 && meant) || node.dataset.price);
      meant = null;
    });
    table.addEventListener("keydown", (event) => this.step(event));
    this.bids[0].price.tabIndex = 0;
  }

  /** One price is reached by Tab, the others by the arrows. */
  step(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    const all = [...[...this.asks].reverse(), ...this.bids].map((row) => row.price).filter((node) => !node.disabled);
    const next = all[all.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  draw(ladder) {
    const rows = [...ladder.asks, ...ladder.bids];
    const largest = largestOf(rows.map((row) => row.size));
    const deepest = largestOf(rows.map((row) => row.depth));
    const scale = { ladder, largest, digits: places(ladder.step), sizes: fittingPlaces(ladder.lot, largest), depths: fittingPlaces(ladder.lot, deepest) };
    this.drawSide(this.asks, ladder.asks, ladder.side === "buy", scale);
    this.drawSide(this.bids, ladder.bids, ladder.side === "sell", scale);
    drawEdge(this.above, ladder, "sell");
    drawEdge(this.below, ladder, "buy");
    const [mid, , , touch, spread] = this.mid.children;
    setText(mid, price(ladder.mid, ladder.tick, 1));
    setText(touch, ladder.mid === null ? "" : `${price(ladder.bid, ladder.tick)} / ${price(ladder.ask, ladder.tick)}`);
    setText(spread, ladder.mid === null ? "" : `${decimal(ladder.spread_bp)} bp`);
  }

  drawSide(nodes, rows, isTaken, scale) {
    const { slice, order } = isTaken ? scale.ladder : { slice: null, order: null };
    const ends = { slice: lastWithin(rows, slice), order: lastWithin(rows, order) };
    nodes.forEach((node, index) => {
      drawRow(node, rows[index] ?? null, scale);
      node.tr.classList.toggle("in-slice", index <= ends.slice);
      node.tr.classList.toggle("ends-slice", index === ends.slice);
      node.tr.classList.toggle("ends-order", index === ends.order && ends.order !== ends.slice);
    });
  }
}

const largestOf = (amounts) => Math.max(...amounts.map(Number), 0);

/** The places of a lot that fit into a column whose largest amount is `largest`. */
export function fittingPlaces(lot, largest) {
  const whole = String(Math.trunc(largest)).length;
  return lot === null ? null : Math.min(places(lot), Math.max(DIGITS - whole, 0));
}

const rowNodes = (rows) => rows.map((row) => row.tr);

/** The index of the row in which a size ends; -1 when that is not known or lies behind the rows. */
function lastWithin(rows, size) {
  if (!size || size.price === null) return -1;
  return rows.findIndex((row) => Number(row.depth) >= Number(size.quantity));
}

function ladderRow(isPicked, tone) {
  const at = isPicked ? element("button", { type: "button", class: `number price ${tone}`, tabindex: -1, disabled: true }) : element("span", { class: `number price ${tone}` });
  const own = element("span", { class: "own-child" });
  const size = element("td", { class: "number" });
  const bars = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" })) bars.setAttribute(name, value);
  const depth = element("td", { class: "number muted" });
  const tr = element("tr", {}, element("td", {}, own), element("td", { class: "number" }, at), size, element("td", { class: "ladder-bar" }, bars), depth);
  return { tr, own, price: at, size, bars, depth };
}

function drawRow(node, row, { ladder, largest, digits, sizes, depths }) {
  if ("disabled" in node.price) node.price.disabled = row === null;
  setText(node.price, row ? decimal(row.price, digits) : "");
  if (row) node.price.dataset.price = row.price;
  else delete node.price.dataset.price;
  setText(node.size, row ? decimal(row.size, sizes) : "");
  setText(node.depth, row ? decimal(row.depth, depths) : "");
  drawOwn(node.own, row?.own ?? [], ladder);
  drawBars(node.bars, row?.sizes ?? [], largest);
}

function drawOwn(node, own, ladder) {
  node.hidden = !own.length;
  if (!own.length) return;
  const [mark, tone] = SIDES[own[0].side];
  node.className = `own-child ${tone}`;
  setText(node, `${mark} ${sum(own, ladder)}${own.length > 1 ? ` ×${own.length}` : ""}`);
  node.title = own.map((child) => `${child.side.toUpperCase()} ${quantity(child.quantity, ladder.lot)} at ${price(child.price, ladder.tick)}, order ${child.order}`).join("\n");
}

const sum = (own, ladder) => decimal(own.reduce((total, child) => total + Number(child.quantity), 0).toFixed(places(ladder.lot)));

/** A bar for each book, one after the other, all rows on one scale. */
function drawBars(svg, sizes, largest) {
  while (svg.children.length > sizes.length) svg.lastElementChild.remove();
  while (svg.children.length < sizes.length) svg.append(document.createElementNS(SVG, "rect"));
  let from = 0;
  sizes.forEach((size, index) => {
    const rect = svg.children[index];
    const width = largest > 0 ? (Number(size) / largest) * 100 : 0;
    for (const [name, value] of Object.entries({ x: from, width, y: 0, height: 10, class: `book-${index % SHADES}` })) {
      if (rect.getAttribute(name) !== String(value)) rect.setAttribute(name, value);
    }
    from += width;
  });
}

// --- own children beyond the rows ----------------------------------------------------------------

const edgeLine = () => element("tr", { class: "ladder-edge" }, element("td", { colspan: 5 }, element("span", {}), element("span", { class: "muted" })));

function drawEdge(node, ladder, side) {
  const own = ladder.beyond.filter((child) => child.side === side);
  const [size, words] = node.firstElementChild.children;
  if (!own.length) {
    setText(size, "");
    setText(words, side === "sell" ? "asks ↑" : "bids ↓");
    return;
  }
  const [mark, tone] = SIDES[side];
  const nearest = own.reduce((best, child) => ((Number(child.price) - Number(best.price)) * (side === "sell" ? 1 : -1) < 0 ? child : best));
  size.className = `number ${tone}`;
  setText(size, `${mark} ${sum(own, ladder)}`);
  setText(words, ` own ${own.length > 1 ? `in ${own.length} children, from` : "at"} ${price(nearest.price, ladder.tick)}, ${nearest.order}`);
}

// --- how far a size reaches ----------------------------------------------------------------------

/**
 * [name, words] of each size. `whole` says what the order's quantity is: the whole order, or what remains of it. One
 * line serves for two sizes that are equal, and where the limit leaves nothing to take.
 */
export function reachLines(ladder, whole) {
  const { slice, order } = ladder;
  const lines = [["slice", "slice", slice], ["order", whole, order]].filter(([, , size]) => size !== null);
  const [nearest] = lines;
  if (nearest && ladder.limit !== null && Number(nearest[2].carried) === 0) {
    return [["none", `limit ${price(ladder.limit, ladder.tick)}: nothing to ${ladder.side} in ${booksOf(ladder)}`]];
  }
  const isOne = slice !== null && order !== null && Number(slice.quantity) === Number(order.quantity);
  return lines.slice(isOne ? 1 : 0).map(([name, label, size]) => [hasOneRule(name, ladder) ? "slice" : name, reachWords(label, size, ladder)]);
}

/** "slice 0.0667 BTC reaches 64,520.0: +0.2 bp, average +0.1 bp". */
function reachWords(name, size, ladder) {
  const amount = `${name} ${decimal(size.quantity)} ${ladder.base}`;
  if (size.price !== null) return `${amount} reaches ${price(size.price, ladder.tick)}: ${points(size.cost_bp)} bp, average ${points(size.average_bp)} bp`;
  const within = ladder.limit === null ? "" : ` within the limit ${price(ladder.limit, ladder.tick)}`;
  const books = booksOf(ladder);
  return `${amount}: ${books} ${books === "this book" ? "carries" : "carry"} only ${quantity(size.carried, ladder.lot)} ${ladder.base}${within}`;
}

const booksOf = (ladder) => (ladder.books.filter((book) => book.used).length === 1 ? "this book" : "these books");

/** Where slice and order end in the same row, the slice's solid rule stands for both. */
function hasOneRule(name, { asks, bids, side, slice, order }) {
  const rows = side === "buy" ? asks : bids;
  return name === "order" && slice !== null && lastWithin(rows, order) !== -1 && lastWithin(rows, slice) === lastWithin(rows, order);
}
