// The panel of the candles: their length, what they are called, and when they are drawn.

import { drawCandles } from "../charts/candles.js";
import { element, fillOnce, setText } from "../lib/dom.js";
import { decimal, price } from "../lib/format.js";

const MINUTE = 60000;
const DRAW_EVERY = 1000;
export const LENGTHS = [1, 5];
const part = (host, name) => host.querySelector(`[data-part="${name}"]`);

export class CandlePanel {
  constructor(host, { minutes, onMinutes }) {
    this.host = host;
    this.candles = null;
    this.rows = new Map();
    this.ladder = null;
    this.limit = null;
    this.drawnAt = -Infinity;
    fillOnce(
      part(host, "lengths"),
      LENGTHS,
      (length) => [element("label", {}, element("input", { type: "radio", name: "candle-length", value: length, checked: length === minutes }), element("span", {}, `${length} min`))],
    );
    part(host, "lengths").addEventListener("change", (event) => onMinutes(Number(event.target.value)));
  }

  /** `candles` are whole, or only what is new of those of the same length. */
  take(candles, isWhole) {
    if (isWhole || candles === null) this.rows.clear();
    this.candles = candles;
    if (candles === null) return;
    for (const row of candles.rows) this.rows.set(row[0], row);
    const length = candles.minutes * MINUTE;
    for (const at of this.rows.keys()) {
      const isUnknown = candles.unknown.some(([from, to]) => to > at && from < at + length);
      if (at < candles.since || isUnknown) this.rows.delete(at);
    }
  }

  /** Draws at most once a second, unless something else than the market has changed. */
  draw(ladder, why, isUrgent = false) {
    this.ladder = ladder;
    const hasCandles = ladder !== null && this.candles !== null;
    part(this.host, "chart").classList.toggle("invisible", !hasCandles);
    const words = !hasCandles ? why || "Waiting for the market." : this.rows.size ? "" : noneWords(this.candles);
    part(this.host, "empty").hidden = !words;
    setText(part(this.host, "empty"), words);
    this.drawTitle();
    if (!hasCandles || !window.Plotly) return;
    if (!isUrgent && performance.now() - this.drawnAt < DRAW_EVERY) return;
    this.drawnAt = performance.now();
    const rows = [...this.rows.values()].sort((left, right) => left[0] - right[0]);
    const said = drawCandles(part(this.host, "chart"), {
      market: ladder,
      candles: this.candles,
      rows,
      mid: ladder.is_old ? null : ladder.mid,
      limit: this.limit,
      collar: ladder.collar,
      side: ladder.side,
    });
    setText(part(this.host, "legend"), said.line);
    part(this.host, "chart").setAttribute("aria-label", said.label);
  }

  drawTitle() {
    const { ladder } = this;
    const isKnown = ladder !== null && ladder.mid !== null;
    setText(part(this.host, "unit"), ladder === null ? "" : `${ladder.symbol}, UTC`);
    setText(part(this.host, "mid"), isKnown ? price(ladder.mid, ladder.tick, 1) : "");
    part(this.host, "mid").classList.toggle("muted", isKnown && ladder.is_old);
    if (ladder !== null) Object.assign(this.host.querySelector("[data-png]").dataset, { subject: `${ladder.symbol}, market`, file: `market-${ladder.symbol.replace("/", "-")}` });
    setText(part(this.host, "spread"), isKnown ? (ladder.is_old ? "old" : `spread ${decimal(ladder.spread_bp)} bp`) : "");
  }
}

function noneWords(candles) {
  if (candles.minutes === 1) return "No whole minute of trades is known yet. The desk makes these candles from the trades that it streams.";
  return "No candle of five minutes is known yet. The desk fetches them when it begins to watch a market.";
}
