// The wall's tiles and panels. Lines are kept by key and changed in place: a button that somebody is
// pressing stays the same button.

import { arrange, byId, element, fillOnce, setText } from "../lib/dom.js";
import { age, clock, costClass, DASH, decimal, local, percent, points, short, spoken } from "../lib/format.js";
import { haltStrip, tickStrip } from "./halts.js";
import { behindWords } from "./row.js";

function lines(host, items, keyOf, make, fill) {
  const held = new Map([...host.children].map((node) => [node.dataset.key, node]));
  const nodes = items.map((item) => {
    const key = keyOf(item);
    const node = held.get(key) ?? make(item);
    node.dataset.key = key;
    fill(node, item);
    return node;
  });
  arrange(host, nodes);
}

const part = (node, name) => node.querySelector(`[data-part="${name}"]`);
const span = (name, kind = "") => element("span", { "data-part": name, class: kind || null });
const haltLink = (scope, id, name) =>
  element("a", {
    class: "button small-button",
    href: `${byId("wall").dataset.haltNew}?scope=${scope}&subject=${encodeURIComponent(id)}`,
    "aria-label": `Halt ${scope} ${name}…`,
    title: `Halt ${scope} ${name}…`,
  }, "Halt…");

// --- tiles

function tile(id, figure, hint, tone = "", title = null) {
  const node = byId(id);
  const shown = node.querySelector(".figure");
  shown.className = `figure ${tone}`;
  setText(shown, figure);
  setText(node.querySelector(".hint"), hint);
  if (title) node.title = title;
}

/** Something wrong with the desk itself: a nearly full disk, a part of an engine that keeps failing. */
const notice = ({ where, text }) =>
  element("p", { class: "halt-strip bad notice" }, element("b", { class: "halt-word" }, "! DESK"), element("span", {}, text), element("span", { class: "muted" }, where));

const STATES = { active: ["ACTIVE", "good"], no_new_orders: ["NO NEW ORDERS", "warn"], halted: ["HALTED", "bad"] };

/** "USDT · 3 k EUR · 5.2 M USDT pending approval": what stands under the main sum. Pure. */
export function workingWords(money) {
  if (!money.length) return "";
  const [main, ...others] = money;
  const waiting = money.filter((row) => row.waiting === null || Number(row.waiting) > 0);
  return [main.currency, ...others.map((row) => `${short(row.working)} ${row.currency}`), ...waiting.map((row) => `${short(row.waiting)} ${row.currency} pending approval`)].join(" · ");
}

function drawTiles(totals) {
  const [word, tone] = STATES[totals.state];
  const narrow = totals.narrow_halts;
  tile("tile-desk", word, narrow ? `${narrow} narrower halt${narrow === 1 ? "" : "s"} in force` : "", tone);
  byId("tile-desk").classList.toggle("is-word", word.length > 8);
  const [main, ...others] = totals.money;
  const more = (pick) => others.map((row) => `${pick(row)} ${row.currency}`).join(" · ");
  tile(
    "tile-working",
    main ? short(main.working) : "0",
    workingWords(totals.money),
    "",
    main ? `${decimal(main.working)} ${main.currency} open, at the current mid` : null,
  );
  tile(
    "tile-done",
    main ? short(main.done) : "0",
    main ? [main.currency, more((row) => short(row.done))].filter(Boolean).join(" · ") : "",
    "",
    main ? `${decimal(main.done)} ${main.currency} filled since midnight UTC` : null,
  );
  tile("tile-live", String(totals.live), `${totals.behind} behind, ${totals.paused} paused`, totals.behind ? "warn" : "");
  const left = totals.without_arrival;
  const hint = left ? `${left} order${left === 1 ? "" : "s"} without an arrival price left out` : "bp against arrival, + is cost";
  tile("tile-cost", main ? points(main.cost_bp) : DASH, hint, main ? costClass(main.cost_bp) : "");
}

function tickUnknown(totals, now) {
  tile("tile-unknown", String(totals.unknown), totals.unknown ? `oldest ${age(now - totals.unknown_since)}` : "", totals.unknown ? "bad" : "");
}

// --- accounts

const SIGNS = { ok: ["●", "good"], warn: ["▲", "warn"], down: ["✕", "bad"] };

const makeAccount = (account) =>
  element(
    "li",
    {},
    span("sign", "sign"),
    element(
      "div",
      { class: "two" },
      element("div", {}, element("b", { class: "name" }, account.label), " ", span("words")),
      element("div", { "data-part": "feeds", class: "feeds warn" }),
      element("div", { "data-part": "figures", class: "reading" }),
    ),
    span("halt", "pill"),
    haltLink("account", account.id, account.label),
  );

/** Where only new orders are halted, a supervisor may still halt the rest. */
export function drawHalt(node, kind) {
  const pill = part(node, "halt");
  pill.hidden = !kind;
  pill.className = `pill ${kind === "stop" ? "bad" : "warn"}`;
  setText(pill, kind === "stop" ? "■ halted" : "■ no new orders");
  // The place of the button stays, so that the bars stand below each other.
  node.querySelector("a").classList.toggle("invisible", kind === "stop");
}

function fillAccount(node, account) {
  const [sign, tone] = SIGNS[account.health];
  setText(part(node, "sign"), sign);
  part(node, "sign").className = `sign ${tone}`;
  drawHalt(node, account.halt);
  fillOnce(part(node, "feeds"), account.feeds, (words) => [element("div", { title: words }, `! ${words}`)]);
}

const armed = ({ switch_until: until }, now) => until === null ? "" : `, switch ${until > now ? "armed until" : "may have fired at"} ${clock(until)}`;

function tickAccount(node, account, now) {
  const since = (moment) => (moment === null ? DASH : age(now - moment));
  const fine = account.health === "ok";
  const words = part(node, "words");
  const error = account.error ? `: ${account.error}` : "";
  const lasting = account.since === null ? "" : ` since ${clock(account.since)} (${since(account.since)})`;
  setText(words, `${fine ? "ok" : `${account.words}${lasting}${error}`}${armed(account, now)}`);
  words.className = fine ? "muted" : SIGNS[account.health][1];
  words.title = fine ? "" : words.textContent;
  const quotes = account.quotes.filter((quote) => quote.wanted);
  const seen = (quotes.length ? quotes : account.quotes).filter((quote) => quotes.length || quote.at !== null);
  const worst = seen.reduce((oldest, quote) => (oldest === null || (quote.at ?? 0) < (oldest.at ?? 0) ? quote : oldest), null);
  const latency = account.latency_ms === null ? DASH : account.latency_ms < 1000 ? `${Math.round(account.latency_ms)} ms` : age(account.latency_ms);
  const errors = account.failures === 1 ? "1 error" : `${account.failures} errors`;
  const data = worst === null || worst.at === null ? DASH : `${since(worst.at)} old`;
  const updatedAt = Math.max(account.stream_at ?? 0, account.polled_at ?? 0) || null;
  const updated = updatedAt === null ? "no account update yet" : `last account update ${since(updatedAt)} ago`;
  const figures = part(node, "figures");
  setText(figures, `${latency} · ${errors} · ${updated} · quote ${data}`);
  figures.title = [
    "From left to right:",
    "time that the last poll of the account took",
    "requests that failed since the last good poll",
    "the account's last message or poll, whichever came later",
    "age of the oldest quote that a live order needs",
    "",
    `last message ${since(account.stream_at)} ago, last poll ${since(account.polled_at)} ago`,
  ].join("\n") + account.quotes.map((quote) => `${quote.symbol} quote ${since(quote.at)}`).join("\n");
}

// --- people

const makePerson = (person) =>
  element(
    "li",
    {},
    element("b", { class: "name" }, person.name),
    span("live", "muted"),
    span("halt", "pill"),
    element("progress", { max: 1, "aria-label": `${person.name}: share of the desk's working notional` }),
    span("working", "mono reading"),
    haltLink("trader", person.id, person.name),
  );

function fillPerson(node, person, money) {
  setText(part(node, "live"), `${person.live} live`);
  drawHalt(node, person.halt);
  const sums = Object.entries(person.working);
  setText(part(node, "working"), sums.length ? sums.map(([currency, amount]) => `${short(amount)} ${currency}`).join(" · ") : DASH);
  part(node, "working").title = sums.map(([currency, amount]) => `${decimal(amount)} ${currency}`).join("\n");
  const main = money[0];
  const total = Number(main?.working ?? 0);
  node.querySelector("progress").value = total > 0 ? Number(person.working[main.currency] ?? 0) / total : 0;
}

// --- what waits for a person

function needsOf(panels, drawn) {
  const unknown = panels.unknown.map((child) => ({ key: `u${child.order}.${child.child}`, order: child.order, sign: "!!", tone: "bad", child }));
  const alerts = panels.alerts.map((alert) => ({ key: `a${alert.order}`, order: alert.order, sign: "!", tone: "bad", alert }));
  const approvals = panels.approvals.map((approval) => ({ key: `p${approval.id}`, order: approval.order, sign: "?", tone: "warn", approval, href: `/approvals/${approval.id}/` }));
  const behind = [...drawn.values()].filter(({ row }) => row.behind && !row.needs_person)
    .map(({ row }) => ({ key: `b${row.id}`, order: row.id, sign: "!", tone: "warn", row }));
  return [...unknown, ...alerts, ...approvals, ...behind];
}

const makeNeed = (need) =>
  element(
    "li",
    {},
    element("b", { class: `sign ${need.tone}`, "aria-hidden": "true" }, need.sign),
    element("div", { class: "need" }, span("what"), span("how", "muted small")),
    element("a", { class: "button small-button", href: need.href ?? `/orders/${need.order}/` }, need.child ? "Evidence" : need.approval ? "Decide" : "Open"),
  );

function fillNeed(node, need) {
  node.need = need;
}

const POLL_KINDS = { open_orders: "open", closed_orders: "closed", trades: "trades" };

function tickNeed(node, need, rows, now) {
  const what = part(node, "what");
  const how = part(node, "how");
  if (need.child) {
    const child = need.child;
    setText(what, `child ${child.child} of ${child.order} unknown for ${age(now - child.since)}, ${child.account} ${child.side} ${decimal(child.quantity)} ${child.symbol}`);
    const polls = Object.entries(child.polls).map(([kind, count]) => `${POLL_KINDS[kind]} ${count}`).join(", ");
    const earliest = child.earliest === null ? "" : child.earliest > now ? `proof at ${clock(child.earliest)} or later` : "proof when the polls are complete";
    setText(how, [`not found in ${polls} of ${child.needed} polls each`, earliest].filter(Boolean).join(" · "));
    how.title = `${how.textContent}\n${child.reason}`;
  } else if (need.approval) {
    const { approval } = need;
    setText(what, `${approval.side.toUpperCase()} ${decimal(approval.quantity)} ${approval.symbol} of ${approval.trader} waits for approval${approval.changes ? `: ${approval.changes}` : ""}`);
    setText(how, approval.expires_at > now ? `expires in ${spoken(approval.expires_at - now)}` : "expired");
    how.title = local(approval.expires_at);
  } else if (need.alert) {
    const { alert } = need;
    setText(what, `${alert.side.toUpperCase()} ${alert.symbol} of ${alert.trader}, ${alert.status.replaceAll("_", " ")}: ${alert.text}`);
    setText(how, alert.at === null ? "" : `${clock(alert.at)} UTC, ${age(now - alert.at)} ago`);
    how.title = local(alert.at);
  } else {
    const row = rows.get(need.row.id) ?? need.row;
    setText(what, `${row.side.toUpperCase()} ${row.symbol} of ${row.trader}: ${behindWords(row, now) || "behind schedule"}`);
    setText(how, `${percent(Number(row.filled) / Number(row.quantity))} done`);
  }
  what.title = what.textContent;
}

// --- together

export function drawPanels(panels, drawn, now) {
  drawTiles(panels.totals);
  lines(byId("desk-notices"), panels.notices, (notice) => `${notice.where} ${notice.text}`, notice, () => {});
  lines(byId("halts-in-force"), panels.halts, (halt) => halt.id, haltStrip, (node, halt) => tickStrip(node, halt, now));
  lines(byId("accounts"), panels.accounts, (account) => account.id, makeAccount, fillAccount);
  lines(byId("people"), panels.people, (person) => person.id, makePerson, (node, person) => fillPerson(node, person, panels.totals.money));
  const needs = needsOf(panels, drawn);
  lines(byId("needs"), needs, (need) => need.key, makeNeed, fillNeed);
  if (!needs.length) byId("needs").replaceChildren(element("li", { class: "muted calm" }, "No order, approval or unconfirmed child order waits for you."));
  setText(byId("needs-count"), needs.length ? String(needs.length) : "");
}

export function tickPanels(panels, rows, now) {
  tickUnknown(panels.totals, now);
  panels.accounts.forEach((account, index) => tickAccount(byId("accounts").children[index], account, now));
  panels.halts.forEach((halt, index) => tickStrip(byId("halts-in-force").children[index], halt, now));
  for (const node of byId("needs").children) if (node.need) tickNeed(node, node.need, rows, now);
}
