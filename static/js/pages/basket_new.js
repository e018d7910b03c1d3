// A new basket: a file or pasted rows, the review that the server makes of them, and sending what was reviewed.

import { decoded, fileProblem } from "../basket/file.js";
import { isAllConfirmed } from "../lib/confirm.js";
import { byId, element, setText } from "../lib/dom.js";
import { register } from "../lib/pages.js";

const COSTS_AGAIN = 1500;
/** A review that waits for books is asked for again. The server says when a venue gives none. */
const REVIEW_AGAIN = 500;

/** Writes the costs that are known by now into the cells that wait for them. */
function showCosts(cells, found) {
  for (const cell of cells) {
    const cost = found[cell.dataset.cost];
    if (!cost) continue;
    setText(cell, cost.text);
    cell.title = cost.title;
    cell.className = `number ${cost.tone}`;
    delete cell.dataset.cost;
  }
}

class BasketForm {
  constructor() {
    this.form = byId("basket-form");
    this.area = byId("csv");
    this.example = byId("csv-example");
    this.host = byId("basket-review");
    this.timer = null;
  }

  review() {
    clearTimeout(this.timer);
    const { form, host } = this;
    const { name, key, csrfmiddlewaretoken } = form.elements;
    const values = { csv: this.area.value, name: name.value, key: key.value, csrfmiddlewaretoken: csrfmiddlewaretoken.value };
    for (const field of host.querySelectorAll("[data-confirm]")) {
      if (field.type !== "checkbox" || field.checked) values[field.name] = field.value;
    }
    if (!host.childElementCount) host.replaceChildren(element("p", { class: "muted basket-note", "data-reading": "" }, "Reviewing…"));
    window.htmx.ajax("POST", form.dataset.review, { source: host, target: host, swap: "innerHTML", values });
  }

  received() {
    clearTimeout(this.timer);
    this.allow();
    if (this.host.querySelector('[data-waits="yes"]')) this.timer = setTimeout(() => this.review(), REVIEW_AGAIN);
    else this.timer = setTimeout(() => this.costs(), COSTS_AGAIN);
  }

  /** What was reviewed is what is sent: when the rows change, there is nothing to send until they are reviewed again. */
  stale() {
    clearTimeout(this.timer);
    this.host.replaceChildren();
  }

  allow() {
    const send = byId("basket-send");
    if (send) send.disabled = !isAllConfirmed(this.host);
  }

  /** Asks for the costs that are still being simulated. */
  async costs() {
    const cells = [...this.host.querySelectorAll("[data-cost]")];
    if (!cells.length) return;
    const body = new URLSearchParams(cells.map((cell) => ["key", cell.dataset.cost]));
    const headers = { "X-CSRFToken": this.form.elements.csrfmiddlewaretoken.value };
    const response = await fetch(this.form.dataset.costs, { method: "POST", body, headers }).catch(() => null);
    showCosts(cells, response?.ok ? await response.json() : {});
    this.timer = setTimeout(() => this.costs(), COSTS_AGAIN);
  }

  async takeFile(file) {
    const bytes = await file.arrayBuffer();
    const problem = fileProblem(file.name, bytes, Number(this.form.dataset.most));
    setText(byId("error-file"), problem);
    if (problem) return;
    this.area.value = decoded(bytes);
    this.offerExample();
    const { name } = this.form.elements;
    if (!name.value) name.value = file.name.replace(/\.[a-z]+$/i, "");
    this.review();
  }

  /** The example is offered while there is nothing that it would replace. */
  offerExample() {
    this.example.hidden = this.area.value.trim() !== "";
  }

  /** The example stands in the empty field already; written, it can be changed into one's own orders. */
  writeExample() {
    this.area.value = this.area.placeholder;
    this.stale();
    this.offerExample();
    this.area.focus();
  }

  listen() {
    const { form, host } = this;
    const button = byId("basket-review-button");
    button.addEventListener("click", () => this.review());
    this.example.addEventListener("click", () => this.writeExample());
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (!button.disabled) this.review();
    });
    form.addEventListener("input", (event) => {
      if (event.target.type !== "file") this.stale();
      this.offerExample();
    });
    byId("basket-file").addEventListener("change", (event) => {
      const [file] = event.target.files;
      if (file) this.takeFile(file);
      event.target.value = "";
    });
    host.addEventListener("input", () => this.allow());
    host.addEventListener("htmx:afterSwap", () => this.received());
    host.addEventListener("htmx:afterRequest", (event) => {
      if (!event.detail.successful) host.querySelector("[data-reading]")?.remove();
    });
  }
}

export function start() {
  const form = new BasketForm();
  form.listen();
  form.offerExample();
  if (form.host.childElementCount) form.received();
}

register(start);
