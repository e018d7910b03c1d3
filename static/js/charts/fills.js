// Own fills as markers: the colour is the side, the shape who took, the size the quantity.

import { decimal, places } from "../lib/format.js";

const SHAPES = { maker: ["circle", "● maker"], taker: ["diamond", "◆ taker"], "": ["square-open", "□ liquidity unknown"] };
const kindOf = (fill) => (fill.liquidity in SHAPES ? fill.liquidity : "");

/** A trace for each side and kind of fill; `market` has base, tick and lot, and each fill its side. */
export function fillTraces(fills, market, colour) {
  const largest = fills.reduce((most, fill) => Math.max(most, Number(fill.quantity)), 0);
  return ["buy", "sell"].flatMap((side) =>
    Object.entries(SHAPES).map(([kind, [symbol, label]]) => {
      const own = fills.filter((fill) => fill.side === side && kindOf(fill) === kind);
      return {
        x: own.map((fill) => fill.at),
        y: own.map((fill) => Number(fill.price)),
        text: own.map((fill) =>
          [`${label}, ${side}`, `${decimal(fill.quantity)} ${market.base} @ ${decimal(fill.price, places(market.tick))}`, fill.order && `order ${fill.order}`].filter(Boolean).join("<br>")
        ),
        type: "scatter",
        mode: "markers",
        marker: { symbol, color: colour[side], opacity: 1, line: { color: colour.panel, width: 1 }, size: own.map((fill) => 6 + 6 * Math.sqrt(Number(fill.quantity) / largest)) },
        hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>",
      };
    }).filter((trace) => trace.x.length)
  );
}

/** The colours that are drawn, in words, where both sides may be. */
export function sideWords(fills) {
  const sides = [["buy", "blue: buy"], ["sell", "orange: sell"]];
  return sides.filter(([side]) => fills.some((fill) => fill.side === side)).map(([, words]) => words).join(", ");
}

/** The shapes that are drawn, in words. */
export function fillWords(fills) {
  const drawn = new Set(fills.map(kindOf));
  return Object.entries(SHAPES).filter(([kind]) => drawn.has(kind)).map(([, [, label]]) => label).join(" ");
}
