// The palette: one field that finds pages, orders and more, and takes an order in words. It only opens pages.

import { byId, element, setText } from "./dom.js";

const DEBOUNCE = 120;

/** What the server found; a text says why there is nothing. */
async function asked(source, text, signal) {
  const response = await fetch(`${source}?${new URLSearchParams({ q: text })}`, { signal, headers: { Accept: "application/json" } });
  if (response.redirected) throw new Error("You are logged out. Reload the page.");
  if (!response.ok) {
    const isText = (response.headers.get("Content-Type") ?? "").startsWith("text/plain");
    throw new Error(isText ? await response.text() : `The server answered with error ${response.status}.`);
  }
  return response.json();
}

function optionNode(item, index) {
  const detail = item.detail ? element("small", {}, item.detail) : null;
  return element("div", { class: "palette-item", role: "option", id: `palette-option-${index}`, "aria-selected": "false", "data-url": item.url }, element("b", {}, item.label), detail);
}

/** The list's groups, with their options numbered through. */
function groupNodes(groups) {
  let index = 0;
  return groups.map(({ name, items }) =>
    element("div", { role: "group", "aria-label": name }, element("div", { class: "palette-title", "aria-hidden": "true" }, name), ...items.map((item) => optionNode(item, index++)))
  );
}

const counted = (count, text) => (count ? `${count} result${count === 1 ? "" : "s"}` : text && `Nothing found for “${text}”.`);

class Palette {
  constructor(dialog) {
    this.dialog = dialog;
    this.field = byId("palette-field");
    this.list = byId("palette-list");
    this.problems = byId("palette-problems");
    this.timer = null;
    this.request = null;
    /** Enter was pressed before the answer to what is written came. */
    this.enters = false;
    /** The address of the line that an arrow key chose. A later answer keeps it. */
    this.kept = null;
    this.field.addEventListener("input", () => this.typed());
    this.field.addEventListener("keydown", (event) => this.pressed(event));
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the field
    this.list.addEventListener("click", (event) => this.go(event.target.closest("[role=option]")));
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => this.stop());
  }

  open() {
    this.field.value = "";
    this.kept = null;
    this.draw({ groups: [], problems: [] }, "");
    this.dialog.showModal();
    this.field.focus();
    this.search();
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
    this.request?.abort();
    this.request = null;
    this.enters = false;
  }

  typed() {
    this.kept = null;
    this.stop();
    this.timer = setTimeout(() => this.search(), DEBOUNCE);
  }

  async search() {
    this.stop();
    const request = new AbortController();
    this.request = request;
    const text = this.field.value.trim();
    try {
      this.draw(await asked(this.dialog.dataset.source, text, request.signal), text);
    } catch (error) {
      if (request !== this.request) return; // something else is written by now
      this.draw({ groups: [], problems: [error instanceof TypeError ? "The server cannot be reached." : error.message] }, text);
    }
    if (request !== this.request) return;
    this.request = null;
    if (this.enters) this.go(this.active);
    this.enters = false;
  }

  draw({ groups, problems }, text) {
    this.list.replaceChildren(...groupNodes(groups));
    this.problems.hidden = !problems.length;
    this.problems.replaceChildren(...problems.map((words) => element("p", {}, words)));
    const { options } = this;
    this.field.setAttribute("aria-expanded", String(options.length > 0));
    setText(byId("palette-status"), problems.length ? "" : counted(options.length, text));
    this.choose(options.find((option) => option.dataset.url === this.kept) ?? options[0]);
  }

  get options() {
    return [...this.list.querySelectorAll("[role=option]")];
  }

  get active() {
    return this.list.querySelector('[aria-selected="true"]');
  }

  choose(option) {
    this.active?.setAttribute("aria-selected", "false");
    if (!option) {
      this.field.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", option.id);
  }

  pressed(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.isComposing) return;
    if (step) {
      event.preventDefault();
      const { options } = this;
      if (!options.length) return;
      this.choose(options[(options.indexOf(this.active) + step + options.length) % options.length]);
      this.kept = this.active.dataset.url;
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this.timer === null && this.request === null) this.go(this.active);
      else {
        if (this.timer !== null) this.search();
        this.enters = true;
      }
    }
  }

  go(option) {
    if (!option) return;
    this.dialog.close();
    location.assign(option.dataset.url);
  }
}

export function watchPalette() {
  const dialog = byId("palette");
  if (!dialog) return;
  const palette = new Palette(dialog);
  const toggle = () => {
    if (dialog.open) dialog.close();
    else if (!document.querySelector("dialog[open]")) palette.open();
  };
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault(); // a browser's own search would open
    if (!event.repeat) toggle();
  });
  document.addEventListener("click", (event) => event.target.closest("[data-palette]") && toggle());
}
