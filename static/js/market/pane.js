// The market beside a ticket or an order: one websocket, open while the page is seen.

import { byId } from "../lib/dom.js";
import { LiveSocket } from "../lib/socket.js";
import { keep, kept } from "../lib/storage.js";
import { BookPanel, groupOf, GROUPS, isFull } from "./book.js";
import { CandlePanel, LENGTHS } from "./candle_panel.js";

const TICK = 500;
const GROUP = "tranche-ladder-group";
const MINUTES = "tranche-candle-minutes";

/** What was chosen last; without storage, the default. */
function stored(name, choices, fallback) {
  const value = Number(kept(name));
  return choices.includes(value) ? value : fallback;
}

export class MarketPane {
  /** `pick` takes the price of a row, or is null; `server` is the server's clock when the page was made. */
  constructor({ pick = null, server }) {
    this.wish = null;
    this.why = "";
    this.ladder = null;
    /** Until a person chooses a step, the desk chooses one for the book. */
    this.isChosen = stored(GROUP, GROUPS, null) !== null;
    this.choice = { group: stored(GROUP, GROUPS, null), minutes: stored(MINUTES, LENGTHS, 1) };
    this.book = new BookPanel(byId("book"), { pick, group: this.choice.group, onGroup: (group) => this.chooseGroup(group) });
    this.candles = new CandlePanel(byId("candles"), { minutes: this.choice.minutes, onMinutes: (minutes) => this.choose(MINUTES, { minutes }) });
    this.socket = new LiveSocket("/ws/market/", {
      opened: () => this.ask(),
      snapshot: (message) => this.take(message),
      delta: (message) => this.take(message),
      gone: () => this.take({ type: "snapshot", ladder: null, candles: null }),
    }, server);
    document.addEventListener("visibilitychange", () => this.hide(document.hidden));
    document.addEventListener("tranche:redraw", () => this.candles.draw(this.ladder, this.why, true));
    setInterval(() => this.tick(), TICK);
  }

  /** What is watched from now on. `why` says what is missing where there is nothing to watch. */
  watch(wish, why = "") {
    this.why = why;
    const text = JSON.stringify(wish);
    if (text === JSON.stringify(this.wish)) return;
    if (!this.isChosen && wish.symbol !== this.wish?.symbol) this.setGroup(null);
    this.wish = wish;
    this.ask();
  }

  /** The limit that is drawn; null: none. */
  setLimit(limit) {
    if (limit === this.candles.limit) return;
    this.candles.limit = limit;
    this.candles.draw(this.ladder, this.why, true);
  }

  setGroup(group) {
    this.choice.group = group;
    this.book.group = group;
  }

  chooseGroup(group) {
    this.isChosen = true;
    this.choose(GROUP, { group });
  }

  /** The step that the desk chose stays while the book moves: rows do not jump from one step to another. */
  holdGroup(ladder) {
    const { group } = this.choice;
    if (group !== null || !isFull(ladder) || (this.wish.symbol ?? ladder.symbol) !== ladder.symbol) return;
    this.setGroup(groupOf(ladder));
    this.ask();
  }

  choose(name, choice) {
    this.choice = { ...this.choice, ...choice };
    keep(name, String(Object.values(choice)[0]));
    this.ask();
  }

  ask() {
    if (this.wish !== null) this.socket.send({ type: "watch", ...this.wish, ...this.choice });
  }

  take(message) {
    if (document.hidden) return;
    const isWhole = message.type === "snapshot";
    if (message.ladder !== undefined) {
      this.ladder = message.ladder;
      this.book.draw(this.ladder, this.why);
      this.holdGroup(this.ladder);
    }
    if (message.candles !== undefined) this.candles.take(message.candles, isWhole);
    this.candles.draw(this.ladder, this.why, isWhole);
    this.tick();
  }

  /** What nobody sees is not sent. */
  hide(isHidden) {
    if (isHidden) this.socket.pause();
    else this.socket.resume();
  }

  tick() {
    if (!document.hidden) this.book.tick(this.socket.now(), this.socket.state === "lost");
  }
}
