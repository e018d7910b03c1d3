// The market beside a ticket or an order: one websocket, open while the page is seen.

import { byId } from "../lib/dom.js";
import { LiveSocket } from "../lib/socket.js";
import { BookPanel, GROUPS } from "./book.js";

const TICK = 500;
const STORED = "tranche-ladder-group";

/** The step that was chosen last; without storage, the default. */
function storedGroup() {
  try {
    const group = Number(localStorage.getItem(STORED));
    return GROUPS.includes(group) ? group : GROUPS[1];
  } catch {
    return GROUPS[1];
  }
}

function storeGroup(group) {
  try {
    localStorage.setItem(STORED, String(group));
  } catch {
    // Storage may be refused; then the choice lasts as long as the page.
  }
}

export class MarketPane {
  /** `pick` takes the price of a row, or is null; `server` is the server's clock when the page was made. */
  constructor({ pick = null, server }) {
    this.wish = null;
    this.why = "";
    this.group = storedGroup();
    this.book = new BookPanel(byId("book"), { pick, group: this.group, onGroup: (group) => this.regroup(group) });
    this.socket = new LiveSocket("/ws/market/", {
      opened: () => this.ask(),
      snapshot: (message) => this.take(message),
      delta: (message) => this.take(message),
      gone: () => this.take({ ladder: null }),
    }, server);
    document.addEventListener("visibilitychange", () => this.hide(document.hidden));
    setInterval(() => this.tick(), TICK);
  }

  /** What is watched from now on. `why` says what is missing where there is nothing to watch. */
  watch(wish, why = "") {
    this.why = why;
    const text = JSON.stringify(wish);
    if (text === JSON.stringify(this.wish)) return;
    this.wish = wish;
    this.ask();
  }

  regroup(group) {
    this.group = group;
    storeGroup(group);
    this.ask();
  }

  ask() {
    if (this.wish !== null) this.socket.send({ type: "watch", ...this.wish, group: this.group });
  }

  take(message) {
    if (document.hidden) return;
    if (message.ladder !== undefined) this.book.draw(message.ladder, this.why);
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
