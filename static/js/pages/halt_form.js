// The question before a halt: the preview follows the form, and the phrase opens the button.

import { labelCards } from "../lib/cards.js";
import { byId, setText } from "../lib/dom.js";
import { decimal } from "../lib/format.js";
import { register } from "../lib/pages.js";

const PREVIEW_EVERY = 3000;
/** Fields that change nothing of the preview. */
const UNASKED = ["csrfmiddlewaretoken", "phrase", "reason"];

function groupAmounts(host) {
  for (const node of host.querySelectorAll("[data-amount]")) {
    if (node.dataset.amount) setText(node, decimal(node.dataset.amount, 2));
  }
}

class HaltForm {
  constructor() {
    this.form = byId("halt-form");
    this.host = byId("halt-preview");
    this.send = byId("halt-send");
    this.asked = 0;
  }

  judge() {
    const wanted = this.host.firstElementChild?.dataset.phrase ?? "";
    setText(byId("phrase-wanted"), wanted);
    this.send.disabled = !(wanted && byId("phrase").value.trim() === wanted && byId("reason").value.trim());
  }

  show() {
    groupAmounts(this.host);
    labelCards();
    this.judge();
  }

  /** What the form would do now, as the server says it; an answer that a later question overtook is left. */
  async refresh() {
    this.asked += 1;
    const number = this.asked;
    const query = new URLSearchParams(new FormData(this.form));
    for (const name of UNASKED) query.delete(name);
    try {
      const answer = await fetch(`${this.host.dataset.source}?${query}`);
      const text = await answer.text();
      if (!answer.ok || answer.redirected || number !== this.asked) return;
      this.host.replaceChildren(...document.createRange().createContextualFragment(text.trim()).children);
      this.show();
    } catch {
      // The time of the preview stands above it; the next one is soon.
    }
  }

  changed({ target }) {
    if (target.matches("[name^=subject_]")) this.form.elements.scope.value = target.name.replace("subject_", "");
    if (target.closest("fieldset")) this.refresh();
  }

  listen() {
    this.form.addEventListener("input", () => this.judge());
    this.form.addEventListener("change", (event) => this.changed(event));
    // Enter in a field never submits.
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
    });
    this.form.addEventListener("submit", () =>
      setTimeout(() => {
        this.send.disabled = true;
      }));
    setInterval(() => document.hidden || this.refresh(), PREVIEW_EVERY);
  }
}

export function start() {
  const form = new HaltForm();
  form.listen();
  form.show();
}

register(start);
