// The ticket: the form stands still, only the right side is swapped; so focus and caret are never lost.

import { showConnection } from "../lib/connection.js";
import { byId, readJson } from "../lib/dom.js";
import { pngButtons } from "../charts/png.js";
import { MarketPane } from "../market/pane.js";
import { showSliders, switchFields } from "../ticket/fields.js";
import { showHints, sizeWords } from "../ticket/hints.js";
import { showPlan } from "../ticket/plan.js";
import { watchPresets } from "../ticket/presets.js";
import { showProblems, showRefused, writtenLimit } from "../ticket/problems.js";
import { Review } from "../ticket/review.js";
import { commonSymbols, fillSymbols } from "../ticket/symbols.js";
import { register } from "../lib/pages.js";

const REFRESH = 2000;
const DEBOUNCE = 250;

const watchWords = ({ accounts, symbol }) => (accounts.length ? `None of the chosen accounts trades ${symbol}.` : "Choose an account to see its market.");

class Ticket {
  constructor() {
    this.form = byId("ticket");
    this.accounts = readJson("ticket-accounts");
    this.touched = new Set();
    /** The server's last answer, when it came, and what it refuses. A review may refuse more than that. */
    this.data = null;
    this.receivedAt = 0;
    this.problems = [];
    this.failed = false;
    this.algorithm = this.form.elements.algorithm.value;
    this.timer = null;
    this.review = new Review(this);
    /** A price of the ladder becomes the limit. */
    this.pane = new MarketPane({ pick: (price) => this.set("limit_price", price), server: readJson("ticket-now") });
  }

  // --- the form

  chosen() {
    return [...this.form.querySelectorAll('[name="accounts"]:checked')].map((box) => box.value);
  }

  /** What the form posts. */
  posted() {
    return { ...Object.fromEntries(new FormData(this.form)), accounts: this.chosen() };
  }

  get size() {
    const { quantity, unit } = this.form.elements;
    return sizeWords(this.data?.size, quantity.value, unit.value);
  }

  offerSymbols() {
    fillSymbols(this.form.elements.symbol, commonSymbols(this.accounts, this.chosen()));
  }

  /** The fields that the algorithm has, and those that depend on another one. */
  switchTo(algorithm) {
    switchFields(this.form, this.algorithm, algorithm);
    this.algorithm = algorithm;
  }

  set(name, value) {
    this.form.elements[name].value = value;
    this.touched.add(name);
    this.review.wait(false);
    this.refresh();
  }

  written({ name, type, value }) {
    const { duration, end_at: end } = this.form.elements;
    this.touched.add(name);
    this.review.wait(false);
    showRefused([]);
    // Either a duration or an end: what is written last holds.
    if (name === "end_at" && value) duration.value = "";
    if (name === "duration" && value) end.value = "";
    if (name === "accounts") this.offerSymbols();
    if (name === "algorithm") this.switchTo(value);
    else if (type === "radio") this.switchTo(this.algorithm);
    if (type === "range") showSliders(this.form);
    this.soon();
  }

  clicked(target) {
    const share = target.closest("[data-share]");
    const limit = target.closest("[data-limit]");
    if (share) this.set("quantity", this.data.helpers.shares[share.dataset.share]);
    if (limit) this.set("limit_price", limit.dataset.limit === "none" ? "" : this.data.helpers.limit);
  }

  presetFilled() {
    this.offerSymbols();
    this.switchTo(this.algorithm);
    this.review.wait(false);
    this.refresh();
  }

  // --- the server's answer

  /** Asks for the right side. An answer to an older question is dropped by htmx: the newest wins. */
  refresh() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), REFRESH);
    if (document.hidden || this.review.isOpen) return;
    window.htmx.ajax("POST", this.form.dataset.preview, { source: "#preview", target: "#preview", swap: "innerHTML", values: this.posted() });
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), DEBOUNCE);
  }

  received() {
    this.data = readJson("preview-data");
    this.problems = this.data.problems;
    this.receivedAt = performance.now();
    this.failed = false;
    byId("first-problems")?.remove(); // what was refused when the page was made stands in the checks now
    showProblems(this.form, this.problems, (name) => this.touched.has(name));
    this.hint();
    showPlan(this.data);
    this.pane.watch(this.data.watch, watchWords(this.data.watch));
    this.pane.setLimit(writtenLimit(this.form.elements.limit_price.value, this.problems));
    if (!this.problems.length) showRefused([]);
  }

  refused(problems) {
    this.problems = problems;
    showRefused(problems, showProblems(this.form, problems, () => true));
  }

  hint() {
    if (this.data === null) return;
    showHints(this.form, this.data);
    this.review.draw();
  }

  connection() {
    if (this.failed) return { state: "lost", age: null };
    if (this.data === null) return { state: "waiting", age: null };
    if (!this.data.quote) return { state: "unknown", age: null };
    return { state: "live", age: this.data.quote.age + performance.now() - this.receivedAt };
  }

  // --- the page

  listen() {
    this.form.addEventListener("input", (event) => this.written(event.target));
    this.form.addEventListener("click", (event) => this.clicked(event.target));
    this.form.addEventListener("submit", (event) => event.preventDefault());
    watchPresets({ form: this.form, values: () => this.posted(), beside: () => this.data?.helpers.limit ?? null, filled: () => this.presetFilled() });
    this.review.listen();
    document.body.addEventListener("htmx:afterSwap", (event) => {
      if (event.detail.target.id === "preview") this.received();
      if (event.detail.target.id === "review-body") this.review.received();
    });
    for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
      document.body.addEventListener(name, () => {
        this.failed = true;
      });
    }
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    document.addEventListener("tranche:redraw", () => this.data && showPlan(this.data));
    showConnection(() => this.connection());
  }
}

export function start() {
  const ticket = new Ticket();
  pngButtons();
  ticket.listen();
  ticket.offerSymbols();
  showSliders(ticket.form);
  ticket.refresh();
}

register(start);
