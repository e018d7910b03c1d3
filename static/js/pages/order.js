// An order's page: the snapshot in the page first, then what the websocket says; drawn at most four times a second.

import { OrderCharts } from "../charts/charts.js";
import { pngButtons } from "../charts/png.js";
import { showConnection } from "../lib/connection.js";
import { byId, readJson, setText } from "../lib/dom.js";
import { drawActions, drawCost, drawDone, drawHead, drawNow, keepFocus } from "../order/order_panels.js";
import { RangeSwitch } from "../order/range_switch.js";
import { age } from "../lib/format.js";
import { notice } from "../lib/notices.js";
import { shareLine } from "../lib/plan.js";
import { MarketPane } from "../market/pane.js";
import { LiveSocket } from "../lib/socket.js";
import { TableView } from "../lib/tables.js";
import { drawAccounts, drawIceberg, drawTerms } from "../order/terms.js";

const DRAW_EVERY = 250;
const CHARTS_EVERY = 1000;
const SECTIONS = ["slices", "children", "fills", "journal"];

const host = byId("order");
const form = readJson("order-form");
const ranges = new RangeSwitch(byId("ranges"), byId("range-note"), (range) => charts.choose(range));
const charts = new OrderCharts(host.dataset.id, ranges.chosen, (isZoomed) => {
  ranges.showZoomed(isZoomed);
  changed = true;
});
/** Without a schedule there are no slices to show, nor a column that names them. */
const tabs = SECTIONS.filter((section) => section !== "slices" || form.shows.schedule);
const table = new TableView(byId("panel-rows"), form.shows.schedule ? [] : ["Slice"]);
const rows = {};
const samples = new Map();
/** Numbers of the journal's entries at which its chain did not hold when the page was made. */
const broken = new Set((readJson("order-breaks") ?? []).map((one) => one.sequence));
let profile = [];
let order = null;
let market = null;
let tab = location.hash.slice(1);
let changed = true;
let chartsAt = -Infinity;

function take(snapshot) {
  for (const section of SECTIONS) rows[section] = new Map(snapshot[section].map((row) => [row.key, row]));
  order = snapshot.order;
  profile = snapshot.profile;
  changed = true;
}

take(readJson("order-data"));

const socket = new LiveSocket(`/ws/orders/${host.dataset.id}/`, {
  snapshot: (message) => {
    samples.clear();
    take(message);
  },
  delta: (message) => {
    if (message.replan) {
      rows.slices.clear();
      profile = message.profile;
    }
    for (const section of SECTIONS) for (const row of message[section]) rows[section].set(row.key, row);
    order = message.order;
    changed = true;
  },
  beat: (message) => {
    if (!message.market) return;
    for (const sample of message.market.samples) samples.set(sample[0], sample);
    market = message.market;
    changed ||= order.waits !== market.waits;
    order.waits = market.waits;
  },
  gone: () => notice("You may no longer see this order."),
}, readJson("order-now"));

/** The market around an order that lived when the page was made. */
const pane = byId("book") && new MarketPane({ server: readJson("order-now") });
pane?.watch({ order: host.dataset.id }, `None of its accounts trades ${order.symbol} now.`);

function view() {
  const fills = [...rows.fills.values()].sort((left, right) => left.at - right.at);
  const slices = [...rows.slices.values()].sort((left, right) => left.number - right.number);
  return {
    order,
    market,
    fills,
    form,
    profile,
    slices,
    broken,
    now: socket.now(),
    // An order without a schedule is neither ahead nor behind.
    line: form.shows.schedule ? shareLine(slices, Number(order.quantity)) : [],
    children: [...rows.children.values()],
    samples: [...samples.values()].sort((left, right) => left[0] - right[0]),
  };
}

function drawTabs(current) {
  for (const section of tabs) setText(byId(`tab-${section}`).querySelector("b"), String(rows[section].size));
  table.draw(rows[tab].values(), current);
}

function select(name) {
  tab = tabs.includes(name) ? name : "children";
  for (const section of tabs) {
    const button = byId(`tab-${section}`);
    button.setAttribute("aria-selected", String(section === tab));
    button.tabIndex = section === tab ? 0 : -1;
  }
  byId("panel-rows").setAttribute("aria-labelledby", `tab-${tab}`);
  table.select(tab);
  drawTabs(view());
}

function drawAge(current) {
  const last = current.samples.findLast(([, bid, ask]) => bid !== null && ask !== null);
  setText(byId("price-age"), last && !order.ended_at ? `${age(Math.max(0, current.now - last[0] - 1000))} old` : "");
}

pngButtons();

let drawing = Promise.resolve();

function draw() {
  if (document.hidden) return;
  const current = view();
  drawDone(current);
  drawNow(current);
  drawAge(current);
  if (changed) {
    pane?.setLimit(order.limit_price);
    drawHead(order, current.now);
    drawActions(order);
  }
  drawCost(current);
  drawTerms(order, form);
  drawAccounts(order, current.fills);
  drawIceberg(current);
  drawTabs(current);
  if (window.Plotly && (changed || performance.now() - chartsAt >= CHARTS_EVERY)) {
    chartsAt = performance.now();
    drawing = drawing.then(() => charts.draw(current)).catch((error) => notice(`This page cannot draw the charts: ${error.message}. Everything else on it is live.`));
  }
  changed = false;
}

for (const section of tabs) {
  byId(`tab-${section}`).addEventListener("click", () => {
    history.replaceState(null, "", `#${section}`);
    select(section);
  });
}
document.querySelector(".tab-list").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
  select(next);
  byId(`tab-${next}`).focus();
});

document.querySelector('[data-act="pause"]')?.addEventListener("click", () => window.htmx.trigger("#pause-form", "submit"));
document.addEventListener("visibilitychange", () => {
  changed = true;
  draw();
});
document.addEventListener("tranche:theme", () => {
  changed = true;
});

keepFocus();
select(tab);
draw();
setInterval(draw, DRAW_EVERY);
showConnection(() => ({ state: socket.state, age: socket.age }));
