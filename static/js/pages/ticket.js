// The ticket: the form stands still, only the right side is swapped; so focus and caret are never lost.

import { showConnection } from "../lib/connection.js";
import { byId, element, readJson, setText } from "../lib/dom.js";
import { clock, decimal, places } from "../lib/format.js";
import { drawPlan } from "../charts/plan_chart.js";
import { pngButtons } from "../charts/png.js";
import { MarketPane } from "../market/pane.js";
import { showNotes, showPlanned, showSliders, switchFields } from "../ticket/fields.js";
import { watchPresets } from "../ticket/presets.js";

const REFRESH = 2000;
const DEBOUNCE = 250;
/** A review that waits for books is asked for again. The server says when a venue gives none. */
const REVIEW_AGAIN = 500;

const form = byId("ticket");
const dialog = byId("review-dialog");
const send = byId("send");
const accounts = readJson("ticket-accounts");
const touched = new Set();
let data = null;
let receivedAt = 0;
let failed = false;
let asked = null;
let algorithm = form.elements.algorithm.value;
let timer = null;
let waiting = null;

// --- the preview ---------------------------------------------------------------------------------

/** Asks for the right side. An answer to an older question is dropped by htmx: the newest wins. */
function refresh() {
  clearTimeout(timer);
  timer = setTimeout(refresh, REFRESH);
  if (document.hidden || dialog.open) return;
  window.htmx.ajax("POST", form.dataset.preview, { source: "#preview", target: "#preview", swap: "innerHTML", values: values() });
}

function values() {
  const found = {};
  for (const [name, value] of new FormData(form)) if (name !== "accounts") found[name] = value;
  found.accounts = [...form.querySelectorAll('[name="accounts"]:checked')].map((box) => box.value);
  return found;
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, DEBOUNCE);
}

function received() {
  data = readJson("preview-data");
  receivedAt = performance.now();
  failed = false;
  byId("first-problems")?.remove(); // what was refused when the page was made stands in the checks now
  showProblems();
  showHints();
  showPlan();
  pane.watch(data.watch, data.watch.accounts.length ? `None of the chosen accounts trades ${data.watch.symbol}.` : "Choose an account to see its market.");
  pane.setLimit(writtenLimit());
  if (!data.problems.length) showRefused([]);
}

/** The limit as it is drawn; what is no number, or was refused, is no line. */
function writtenLimit() {
  if (data.problems.some((problem) => problem.field === "limit_price")) return null;
  const text = form.elements.limit_price.value.replaceAll(",", "").trim();
  return text && Number.isFinite(Number(text)) ? text : null;
}

function showPlan() {
  byId("plan-empty").hidden = data.plan !== null;
  setText(byId("plan-empty"), data.plan_waits);
  byId("plan-chart").classList.toggle("invisible", data.plan === null);
  setText(byId("plan-subtitle"), byId("preview").querySelector("[data-subtitle]").dataset.subtitle);
  showNotes(data.plan?.notes ?? []);
  setText(byId("plan-legend"), "");
  if (data.plan && window.Plotly) setText(byId("plan-legend"), drawPlan(byId("plan-chart"), data.plan));
}

// --- beside the fields ---------------------------------------------------------------------------

/** A problem stands once: beside its field once the field was used, else in the list at the right. */
function showProblems(all = false) {
  const byField = new Map();
  const beside = new Map();
  for (const problem of data.problems) if (!byField.has(problem.field)) byField.set(problem.field, problem.message);
  for (const node of form.querySelectorAll(".error")) {
    const name = node.id.replace("error-", "");
    const message = all || touched.has(name) ? (byField.get(name) ?? "") : "";
    setText(node, message);
    if (message && node.checkVisibility()) beside.set(name, message);
    const input = form.elements[name];
    if (input instanceof HTMLElement && input.matches("input, select")) {
      if (message) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }
  const listed = [...byId("preview").querySelectorAll("[data-refused]")];
  for (const line of listed) line.hidden = beside.get(line.dataset.refused) === line.querySelector("[data-text]").textContent;
  const notice = byId("refused-beside");
  if (notice) notice.hidden = !listed.length || listed.some((line) => !line.hidden);
  return new Set(beside.values());
}

/** Says above the button why there is no review, where it does not stand beside a field: the checks may be off screen. */
function showRefused(problems, beside = new Set()) {
  const said = [...new Set(problems.map((problem) => problem.message))].filter((message) => !beside.has(message));
  const host = byId("review-refused");
  host.hidden = !said.length;
  host.replaceChildren(...said.map((message) => element("p", {}, message)));
}

/** A halt refuses whatever stands in the form: there is nothing to review until it is lifted. */
const isHalted = () => (data?.problems ?? []).some((problem) => problem.code === "trading_halted");

function showHints() {
  const { market, helpers, quote } = data;
  setText(byId("hint-quantity"), quantityHint());
  const mid = quote ? decimal(quote.mid, places(market?.tick)) : null;
  const against = data.limit_distance && quote ? `${data.limit_distance} against mid ${mid}` : quote ? `mid ${mid}` : "no quote";
  setText(byId("hint-limit_price"), against);
  for (const chip of form.querySelectorAll("[data-share]")) {
    chip.disabled = !helpers.shares[chip.dataset.share];
    chip.title = helpers.free ? `of ${decimal(helpers.free)} ${helpers.currency} that can be used` : "the balance is not known";
  }
  form.querySelector('[data-limit="beside"]').disabled = !helpers.limit;
  setText(form.querySelector('[data-limit="beside"]'), side() === "buy" ? "mid + 25 bp" : "mid − 25 bp");
  if (market) {
    setText(form.elements.unit.options[0], market.base);
    setText(form.elements.unit.options[1], market.quote);
  }
  showPlanned(form, data.plan, clock);
  setText(byId("review-text"), isHalted() ? "Halted" : waiting === null ? `Review ${side().toUpperCase()} ${size()}`.trim() : "Waiting for the order books");
  for (const button of [byId("review"), send]) button.dataset.side = side();
  byId("review").setAttribute("aria-disabled", String(isHalted()));
}

/** The quantity as the server read it. Text that is newer than its answer, or that is no number, has no size yet. */
function size() {
  const { quantity, unit } = form.elements;
  return data.size?.written === quantity.value && data.size.unit === unit.value ? data.size.words : "";
}

function quantityHint() {
  if (!data.market || data.notional === null) return "";
  const base = form.elements.unit.value === "quote";
  return base ? `≈ ${decimal(data.quantity)} ${data.market.base}` : `≈ ${decimal(data.notional, 2)} ${data.market.quote}`;
}

const side = () => form.elements.side.value;

// --- the form ------------------------------------------------------------------------------------

form.addEventListener("input", (event) => {
  const { name, value } = event.target;
  touched.add(name);
  wait(false);
  showRefused([]);
  // Either a duration or an end: what is written last holds.
  if (name === "end_at" && value) form.elements.duration.value = "";
  if (name === "duration" && value) form.elements.end_at.value = "";
  if (name === "accounts") fillSymbols();
  if (name === "algorithm") {
    switchFields(form, algorithm, value);
    algorithm = value;
  } else if (event.target.type === "radio") switchFields(form, algorithm, algorithm);
  if (event.target.type === "range") showSliders(form);
  soon();
});

form.addEventListener("click", (event) => {
  const share = event.target.closest("[data-share]");
  const limit = event.target.closest("[data-limit]");
  if (share) setField("quantity", data.helpers.shares[share.dataset.share]);
  if (limit) setField("limit_price", limit.dataset.limit === "none" ? "" : data.helpers.limit);
});

/** A price of the ladder becomes the limit. */
pngButtons();
const pane = new MarketPane({ pick: (price) => setField("limit_price", price), server: readJson("ticket-now") });

watchPresets({
  form,
  values,
  beside: () => data?.helpers.limit ?? null,
  filled: () => {
    fillSymbols();
    switchFields(form, algorithm, algorithm);
    wait(false);
    refresh();
  },
});

function setField(name, value) {
  form.elements[name].value = value;
  touched.add(name);
  wait(false);
  refresh();
}

/** Only symbols that every chosen account trades: any of them may take any slice. */
function fillSymbols() {
  const chosen = accounts.filter((account) => form.querySelector(`[name="accounts"][value="${account.id}"]`).checked);
  const [first, ...others] = (chosen.length ? chosen : accounts).map((account) => account.markets.map((market) => market.symbol));
  const common = chosen.length ? (first ?? []).filter((symbol) => others.every((symbols) => symbols.includes(symbol))) : [...new Set([first ?? [], ...others].flat())];
  const select = form.elements.symbol;
  const before = select.value;
  select.replaceChildren(...common.sort().map((symbol) => new Option(symbol, symbol)));
  if (common.includes(before)) select.value = before;
}

// --- review and send -----------------------------------------------------------------------------

/** What was asked to be reviewed is asked for again until the books are there; another entry ends that. */
function wait(on) {
  clearTimeout(waiting);
  waiting = on ? setTimeout(() => (asked === JSON.stringify(values()) ? review() : wait(false)), REVIEW_AGAIN) : null;
  byId("review").setAttribute("aria-busy", String(on));
  if (data) showHints();
}

function review() {
  if (dialog.open || byId("review").disabled) return;
  if (isHalted()) {
    showRefused(data.problems.filter((problem) => problem.code === "trading_halted"));
    byId("review-refused").scrollIntoView({ block: "nearest" });
    return;
  }
  asked = JSON.stringify(values());
  window.htmx.ajax("POST", form.dataset.review, { source: "#review-body", target: "#review-body", swap: "innerHTML", values: values() });
}

function reviewed() {
  const problems = readJson("review-problems");
  if (problems === null) return; // the answer to Send: it stays in the dialog
  wait(readJson("review-waits") === "true");
  if (waiting !== null) return;
  if (problems.length) {
    data = { ...data, problems };
    showRefused(problems, showProblems(true));
    const field = problems.map((problem) => form.elements[problem.field]).find((node) => node instanceof HTMLElement);
    field?.closest("details")?.setAttribute("open", "");
    (field ?? byId("review")).focus();
    return;
  }
  if (!dialog.open) {
    refresh(); // what stands behind the question is as new as the question
    dialog.showModal();
  }
  showConfirmed();
  (dialog.querySelector("[data-confirm]") ?? send).focus();
}

function isConfirmed(node) {
  if (node.type === "checkbox") return node.checked;
  if (!node.value.trim()) return false;
  return node.dataset.expected === undefined || Number(node.value.replaceAll(",", "")) === Number(node.dataset.expected);
}

/** Send waits for what is to be confirmed; the server judges it once more. */
function showConfirmed() {
  send.disabled = ![...dialog.querySelectorAll("[data-confirm]")].every(isConfirmed);
  setText(send, dialog.querySelector("[data-approval]") ? "Send for approval" : "Send");
}

dialog.addEventListener("input", showConfirmed);

byId("review").addEventListener("click", review);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) review();
});

send.addEventListener("htmx:beforeRequest", (event) => {
  // What was reviewed is what is sent.
  if (asked !== JSON.stringify(values())) event.preventDefault();
  send.disabled = true;
});
send.addEventListener("htmx:afterRequest", (event) => {
  // Without an answer the same key may be sent again: it makes one order at most.
  if (!event.detail.successful) send.disabled = false;
});
form.addEventListener("submit", (event) => event.preventDefault());

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "preview") received();
  if (event.detail.target.id === "review-body") reviewed();
});
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(name, () => {
    failed = true;
  });
}
document.addEventListener("visibilitychange", () => document.hidden || refresh());
document.addEventListener("tranche:theme", () => data && showPlan());
// Back from the order that was sent: the same form with the same key; sending it again makes no second order.
addEventListener("pageshow", (event) => event.persisted && dialog.close());

showConnection(() => {
  if (failed) return { state: "lost", age: null };
  if (data === null) return { state: "waiting", age: null };
  if (!data.quote) return { state: "unknown", age: null };
  return { state: "live", age: data.quote.age + performance.now() - receivedAt };
});

fillSymbols();
showSliders(form);
refresh();
