// The home page: watchlist, live orders and alerts. Its line to the server is open while somebody looks.

import { showConnection } from "../lib/connection.js";
import { byId, readJson } from "../lib/dom.js";
import { LiveSocket } from "../lib/socket.js";
import { LiveOrders } from "../home/orders.js";
import { Watchlist } from "../home/watchlist.js";

/** Ages in the list of alerts are the server's. */
const ALERTS_EVERY = 10000;
const TICK = 500;

function homePage() {
  const host = byId("home");
  const first = readJson("home-data");
  const page = { rows: new Map(), order: [], watch: new Map(), symbols: [], groups: {} };

  function take(message) {
    if (message.type !== "delta") {
      page.rows = new Map();
      page.watch = new Map();
    }
    for (const row of message.rows ?? []) page.rows.set(row.id, row);
    for (const row of message.watch ?? []) page.watch.set(row.symbol, row);
    for (const name of ["order", "symbols", "groups"]) page[name] = message[name] ?? page[name];
    for (const id of [...page.rows.keys()]) if (!page.order.includes(id)) page.rows.delete(id);
    draw();
  }

  function draw() {
    if (document.hidden) return;
    watchlist.draw(page.watch, page.symbols, socket.now());
    orders.take(page, page.watch);
    orders.draw();
  }

  function tick() {
    if (document.hidden) return;
    host.classList.toggle("is-old", socket.state === "lost");
    watchlist.tick(socket.now());
    orders.tick();
  }

  const socket = new LiveSocket("/ws/home/", { snapshot: take, delta: take }, first.now);
  const watchlist = new Watchlist();
  const orders = new LiveOrders(() => socket.now());
  take(first);
  setInterval(tick, TICK);
  showConnection(() => ({ state: socket.state, age: socket.age }));

  const again = () => socket.send({ type: "snapshot" });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) socket.pause();
    else socket.resume();
    draw();
  });
  return { again };
}

/** The symbol that is written is added, the cross removes one; the next message has the list. */
function watchSymbols({ again }) {
  const form = byId("watch-form");
  const removal = byId("unwatch-form");
  for (const each of [form, removal]) {
    each.addEventListener("htmx:afterRequest", (event) => {
      if (!event.detail.successful) return;
      if (each === form) form.reset();
      again();
    });
  }
  byId("watch-rows").addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove]");
    const row = event.target.closest("tr");
    if (button) {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      removal.elements.symbol.value = button.dataset.remove;
      window.htmx.trigger(removal, "submit");
      (next?.querySelector("[data-remove]") ?? form.elements.symbol).focus();
    } else if (row && !event.target.closest("a") && !getSelection().toString()) {
      location.assign(row.querySelector("a").href);
    }
  });
  form.elements.symbol.addEventListener("keydown", (event) => event.key === "Escape" && event.target.blur());
}

/** Asks for the alerts when they have changed, and for their ages; while the page is hidden for nothing. */
function followAlerts() {
  const refresh = () => document.hidden || window.htmx.trigger("#alert-cards", "refresh");
  let held = false;
  document.body.addEventListener("alerts-changed", refresh);
  document.addEventListener("visibilitychange", refresh);
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "alert-cards") held = event.detail.target.contains(document.activeElement);
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    if (held) byId("alert-cards").querySelector("a, button").focus();
    held = false;
  });
  setInterval(refresh, ALERTS_EVERY);
}

watchSymbols(homePage());
followAlerts();
