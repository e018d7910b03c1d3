// The review of a ticket: asked for until the books are there, shown as a question, and sent as it was reviewed.

import { isAllConfirmed } from "../lib/confirm.js";
import { byId, readJson, setText } from "../lib/dom.js";
import { haltsOf, showRefused } from "./problems.js";

/** A review that waits for books is asked for again. The server says when a venue gives none. */
const REVIEW_AGAIN = 500;

/** What the button says. Pure. */
export function reviewWords({ isHalted, isWaiting, side, size }) {
  if (isHalted) return "Halted";
  return isWaiting ? "Waiting for the order books" : `Review ${side.toUpperCase()} ${size}`.trim();
}

export class Review {
  /** `ticket` gives the form, its `posted()` values, its `problems` and `size`, and takes what the server `refused`. */
  constructor(ticket) {
    this.ticket = ticket;
    this.dialog = byId("review-dialog");
    this.button = byId("review");
    this.send = byId("send");
    this.asked = null;
    this.again = null;
  }

  get isOpen() {
    return this.dialog.open;
  }

  written() {
    return JSON.stringify(this.ticket.posted());
  }

  draw() {
    const { form, problems, size } = this.ticket;
    const side = form.elements.side.value;
    const isHalted = haltsOf(problems).length > 0;
    setText(byId("review-text"), reviewWords({ isHalted, isWaiting: this.again !== null, side, size }));
    for (const button of [this.button, this.send]) button.dataset.side = side;
    this.button.setAttribute("aria-disabled", String(isHalted));
  }

  /** What was asked to be reviewed is asked for again until the books are there; another entry ends that. */
  wait(on) {
    clearTimeout(this.again);
    this.again = on ? setTimeout(() => (this.asked === this.written() ? this.ask() : this.wait(false)), REVIEW_AGAIN) : null;
    this.button.setAttribute("aria-busy", String(on));
    this.ticket.hint();
  }

  ask() {
    if (this.isOpen || this.button.disabled) return;
    const halts = haltsOf(this.ticket.problems);
    if (halts.length) {
      showRefused(halts);
      byId("review-refused").scrollIntoView({ block: "nearest" });
      return;
    }
    this.asked = this.written();
    const values = this.ticket.posted();
    window.htmx.ajax("POST", this.ticket.form.dataset.review, { source: "#review-body", target: "#review-body", swap: "innerHTML", values });
  }

  received() {
    const problems = readJson("review-problems");
    if (problems === null) return; // the answer to Send: it stays in the dialog
    this.wait(readJson("review-waits") === "true");
    if (this.again !== null) return;
    if (problems.length) this.refuse(problems);
    else this.question();
  }

  refuse(problems) {
    this.ticket.refused(problems);
    const field = problems.map((problem) => this.ticket.form.elements[problem.field]).find((node) => node instanceof HTMLElement);
    field?.closest("details")?.setAttribute("open", "");
    (field ?? this.button).focus();
  }

  question() {
    if (!this.isOpen) {
      this.ticket.refresh(); // what stands behind the question is as new as the question
      this.dialog.showModal();
    }
    this.judge();
    (this.dialog.querySelector("[data-confirm]") ?? this.send).focus();
  }

  /** Send waits for what is to be confirmed. */
  judge() {
    this.send.disabled = !isAllConfirmed(this.dialog);
    setText(this.send, this.dialog.querySelector("[data-approval]") ? "Send for approval" : "Send");
  }

  listen() {
    this.dialog.addEventListener("input", () => this.judge());
    this.button.addEventListener("click", () => this.ask());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.ask();
    });
    this.send.addEventListener("htmx:beforeRequest", (event) => {
      // What was reviewed is what is sent.
      if (this.asked !== this.written()) event.preventDefault();
      this.send.disabled = true;
    });
    this.send.addEventListener("htmx:afterRequest", (event) => {
      // Without an answer the same key may be sent again: it makes one order at most.
      if (!event.detail.successful) this.send.disabled = false;
    });
    // Back from the order that was sent: the same form with the same key; sending it again makes no second order.
    addEventListener("pageshow", (event) => event.persisted && this.dialog.close());
  }
}
