// The ticket's presets: a choice fills fields and says which ones changed. It touches neither side nor quantity.

import { byId, readJson, setText } from "../lib/dom.js";

/** What a field says, as a person reads it. */
function said(form, name) {
  const node = form.elements[name];
  if (node instanceof RadioNodeList) return form.querySelector(`[name="${name}"]:checked + span`)?.textContent ?? "";
  return node instanceof HTMLSelectElement ? (node.selectedOptions[0]?.textContent ?? "") : node.value;
}

function labelOf(form, name) {
  const host = form.querySelector(`[data-field="${name}"] :is(label, legend)`) ?? form.querySelector(`label[for="${name}"]`);
  return host?.firstChild.textContent.trim() ?? name;
}

const chosenAccounts = (form) => [...form.querySelectorAll('[name="accounts"]:checked')].map((box) => box.parentElement.textContent.trim()).join(", ");

/** All that a filling may change, as it stands now: label and words by name. */
function standing(form, names) {
  const found = new Map(names.map((name) => [name, { label: labelOf(form, name), words: said(form, name) }]));
  found.set("accounts", { label: "Accounts", words: chosenAccounts(form) });
  return found;
}

function write(form, filling, limit) {
  for (const [name, value] of Object.entries(filling.fields)) {
    const node = form.elements[name];
    if (!node) continue;
    if (node.type === "range") node.step = "any"; // a step would round the value
    node.value = value;
  }
  if (filling.accounts) { for (const box of form.querySelectorAll('[name="accounts"]')) box.checked = filling.accounts.includes(box.value); }
  if (filling.limit === "none") form.elements.limit_price.value = "";
  if (filling.limit === "beside" && limit) form.elements.limit_price.value = limit;
}

/** The changes in words: "Duration 01:00:00 → 02:00:00". */
function changes(before, after) {
  return [...after].filter(([name, { words }]) => words !== before.get(name).words)
    .map(([name, { label, words }]) => `${label} ${before.get(name).words || "empty"} → ${words || "empty"}`);
}

/**
 * ``values`` returns what the form posts, ``beside`` the limit that the ticket proposes, if it knows one.
 * ``filled`` is called after a preset has changed fields.
 */
export function watchPresets({ form, values, beside, filled }) {
  const host = byId("presets");
  const dialog = byId("preset-dialog");
  let chosen = "";

  const say = (text) => setText(byId("preset-words"), text);

  function choose(key) {
    const filling = readJson("preset-fillings")[key];
    if (!filling) return;
    const names = [...Object.keys(filling.fields), "limit_price"].filter((name) => form.elements[name]);
    const before = standing(form, names);
    write(form, filling, beside());
    filled();
    const told = changes(before, standing(form, names));
    const missing = filling.limit === "beside" && !beside() ? ["No quote is known: the limit price stayed as it was."] : [];
    say([`${filling.name}: ${told.length ? `changed ${told.join(", ")}.` : "changes nothing."}`, ...filling.notes, ...missing].join(" "));
    byId("start-note")?.remove();
    chosen = key;
  }

  /** Other choices for another algorithm or symbol. */
  function reload() {
    chosen = "";
    say("");
    const address = `${host.dataset.choices}?${new URLSearchParams({ algorithm: form.elements.algorithm.value, symbol: form.elements.symbol.value })}`;
    window.htmx.ajax("GET", address, { source: "#presets", target: "#presets", swap: "innerHTML" });
  }

  function openDialog() {
    setText(byId("preset-symbol"), form.elements.symbol.value || "this symbol");
    setText(byId("preset-accounts"), chosenAccounts(form) || "none is chosen");
    byId("preset-answer").replaceChildren();
    dialog.showModal();
    byId("preset-name").focus();
  }

  function save() {
    const posted = { ...values(), ...Object.fromEntries(new FormData(byId("preset-form"))) };
    window.htmx.ajax("POST", byId("preset-form").dataset.save, { source: "#preset-answer", target: "#preset-answer", swap: "innerHTML", values: posted });
  }

  host.addEventListener("change", (event) => event.target.id === "preset" && choose(event.target.value));
  host.addEventListener("click", (event) => event.target.id === "preset-save" && openDialog());
  byId("preset-send").addEventListener("click", save);
  byId("preset-form").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    save();
  });
  // What a person writes over a preset is theirs.
  form.addEventListener("input", (event) => {
    const { name } = event.target;
    if (name === "algorithm" || name === "symbol" || name === "accounts") reload();
    else if (chosen && name in (readJson("preset-fillings")[chosen]?.fields ?? {})) {
      byId("preset").value = "";
      chosen = "";
    }
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const saved = event.detail.target.id === "preset-answer" && event.detail.target.querySelector("[data-saved]");
    if (!saved) return;
    const words = saved.textContent;
    dialog.close();
    reload();
    say(words);
  });
  return { reload };
}
