// The home page: watchlist, live orders and alerts.

import { showConnection } from "../lib/connection.js";
import { byId, readJson } from "../lib/dom.js";
import { LiveSocket } from "../lib/socket.js";
import { LiveOrders } from "../home/orders.js";
import { Watchlist } from "../home/watchlist.js";
import { register } from "../lib/pages.js";

/** Ages in the list of alerts are the server's. */
const ALERTS_EVERY = 10000;
const TICK = 500;

class Home {
  constructor(first) {
    this.rows = new Map();
    this.order = [];
    this.watch = new Map();
    this.symbols = [];
    this.groups = {};
    const take = (message) => this.take(message);
    this.socket = new LiveSocket("/ws/home/", { snapshot: take, delta: take }, first.now);
    this.watchlist = new Watchlist();
    this.orders = new LiveOrders(() => this.socket.now());
    this.take(first);
  }

  take(message) {
    if (message.type !== "delta") {
      this.rows = new Map();
      this.watch = new Map();
    }
    for (const row of message.rows ?? []) this.rows.set(row.id, row);
    for (const row of message.watch ?? []) this.watch.set(row.symbol, row);
    for (const name of ["order", "symbols", "groups"]) this[name] = message[name] ?? this[name];
    for (const id of [...this.rows.keys()]) if (!this.order.includes(id)) this.rows.delete(id);
    this.draw();
  }

  draw() {
    if (document.hidden) return;
    this.watchlist.draw(this.watch, this.symbols, this.socket.now());
    this.orders.take(this, this.watch);
    this.orders.draw();
  }

  tick() {
    if (document.hidden) return;
    byId("home").classList.toggle("is-old", this.socket.state === "lost");
    this.watchlist.tick(this.socket.now());
    this.orders.tick();
  }

  /** The line to the server is open while somebody looks. */
  listen() {
    setInterval(() => this.tick(), TICK);
    showConnection(() => this.socket);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.socket.pause();
      else this.socket.resume();
      this.draw();
    });
  }
}

/** The symbol that is written is added, the cross removes one; the next message has the list. */
function watchSymbols(socket) {
  const form = byId("watch-form");
  const removal = byId("unwatch-form");
  for (const each of [form, removal]) {
    each.addEventListener("htmx:afterRequest", (event) => {
      if (!event.detail.successful) return;
      if (each === form) form.reset();
      socket.send({ type: "snapshot" });
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

export function start() {
  const home = new Home(readJson("home-data"));
  home.listen();
  watchSymbols(home.socket);
  followAlerts();
}

register(start);
