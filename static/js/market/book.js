// The panel of the book: whose books are merged and how old they are, the ladder's step, and how far sizes reach.

import { element, fillOnce, setText } from "../lib/dom.js";
import { age, decimal, places } from "../lib/format.js";
import { LadderTable, reachLines } from "./ladder.js";

const ROWS = 12;
export const GROUPS = [1, 10, 100, 1000];
/** The ticks of a ladder's step. */
export const groupOf = ({ step, tick }) => Math.round(Number(step) / Number(tick));
export const isFull = (ladder) => ladder !== null && Math.min(ladder.asks.length, ladder.bids.length) >= ROWS;
const part = (host, name) => host.querySelector(`[data-part="${name}"]`);

export class BookPanel {
  /**
   * `host`: the panel of `_book.html`. `group` is the chosen step, null: the desk's. `onGroup` is called when another
   * step is chosen.
   */
  constructor(host, { pick, group, onGroup }) {
    this.host = host;
    this.table = new LadderTable(part(host, "ladder"), ROWS, pick);
    this.ladder = null;
    /** Beside a ticket nothing is filled yet. */
    this.whole = pick === null ? "remainder" : "whole order";
    this.group = group;
    part(host, "steps").addEventListener("change", (event) => {
      this.group = Number(event.target.value);
      onGroup(this.group);
    });
  }

  /** `why` says why there is no ladder. */
  draw(ladder, why) {
    this.ladder = ladder;
    const hasRows = ladder !== null && ladder.asks.length + ladder.bids.length > 0;
    part(this.host, "scroll").hidden = !hasRows;
    part(this.host, "empty").hidden = hasRows;
    setText(part(this.host, "empty"), ladder === null ? why : "No order book has come yet.");
    this.drawSteps(ladder);
    this.drawNotes(ladder);
    if (!hasRows) return;
    this.host.classList.toggle("is-old", ladder.is_old);
    this.host.dataset.side = ladder.side ?? "";
    setText(part(this.host, "base"), ladder.base);
    this.table.draw(ladder);
  }

  /** The ages; called again as time passes. */
  tick(now, isLost) {
    setText(part(this.host, "unit"), this.words(now, isLost));
    part(this.host, "unit").classList.toggle("warn", isLost || Boolean(this.ladder?.is_old));
  }

  words(now, isLost) {
    const used = this.ladder?.books.filter((book) => book.used) ?? [];
    if (!used.length) return isLost ? "disconnected" : "";
    const names = new Intl.ListFormat("en-GB").format(used.map((book) => book.label));
    const oldest = age(Math.max(...used.map((book) => now - book.at)));
    const state = isLost ? "disconnected, " : this.ladder.is_old ? "old, " : "";
    return `${names}${used.length > 1 ? " merged" : ""} · ${state}${oldest}`;
  }

  drawSteps(ladder) {
    const host = part(this.host, "steps");
    host.hidden = ladder === null;
    if (ladder === null) return;
    const digits = places(ladder.tick);
    fillOnce(host, GROUPS.map((group) => [group, ladder.tick]), ([group]) => {
      const text = decimal(String(Number((group * Number(ladder.tick)).toFixed(digits))));
      return [
        element(
          "label",
          { title: `Steps of ${text} ${ladder.quote}` },
          element("input", { type: "radio", name: "ladder-step", value: group }),
          element("span", {}, text),
        ),
      ];
    });
    const shown = this.group ?? groupOf(ladder);
    for (const input of host.querySelectorAll("input")) input.checked = Number(input.value) === shown;
  }

  drawNotes(ladder) {
    const out = ladder?.books.filter((book) => !book.used || ladder.is_old) ?? [];
    const others = ladder?.books.flatMap((book) => book.notes.map((words) => `${book.label}: ${words}`)) ?? [];
    const said = [...out.map((book) => `${book.label}${book.used ? "" : " is left out"}: ${book.words}`), ...others];
    const notes = part(this.host, "notes");
    notes.hidden = !said.length;
    fillOnce(notes, said, (text) => [element("li", { class: "warn" }, `! ${text}`)]);
    const used = ladder?.books.filter((book) => book.used) ?? [];
    fillOnce(part(this.host, "key"), used.length > 1 ? used.map((book) => book.label) : [], (label) => [element("span", { class: "book-key" }, label)]);
    const lines = ladder === null ? [] : reachLines(ladder, this.whole);
    const reaches = part(this.host, "reaches");
    reaches.hidden = !lines.length;
    fillOnce(reaches, lines, ([name, words]) => [element("li", { class: `reach-${name}` }, words)]);
  }
}
