// The wall: every live order of everybody, the desk's health, and what waits for a supervisor.

import { bulkBar } from "../blotter/bulk.js";
import { listKeys } from "../blotter/list_keys.js";
import { openMenu } from "../blotter/menu.js";
import { patchRow, tickRow } from "../blotter/row.js";
import { showConnection } from "../lib/connection.js";
import { arrange, byId, readJson } from "../lib/dom.js";
import { LiveSocket } from "../lib/socket.js";
import { drawPanels, tickPanels } from "../wall/panels.js";
import { tickAlert, wallRow } from "../wall/row.js";
import { register } from "../lib/pages.js";

const TICK = 500;

class Wall {
  constructor(first) {
    this.body = byId("wall-rows");
    this.rows = new Map(first.rows.map((row) => [row.id, row]));
    this.order = first.order;
    this.panels = first.panels;
    this.drawn = new Map();
    this.bulk = bulkBar({ body: this.body, rows: () => this.rows, redraw: () => this.draw() });
    const take = (message) => this.take(message);
    this.socket = new LiveSocket("/ws/wall/", { snapshot: take, delta: take, beat: () => this.tick(), gone: () => location.assign("/") }, first.now);
  }

  take(message) {
    if (message.type === "snapshot") this.rows = new Map();
    for (const row of message.rows ?? []) this.rows.set(row.id, row);
    this.order = message.order ?? this.order;
    this.panels = { ...this.panels, ...message.panels };
    this.draw();
  }

  drawnRow(id, at) {
    const row = this.rows.get(id);
    const known = this.drawn.get(id);
    const isChosen = this.bulk.has(id);
    if (known?.row === row && known.isChosen === isChosen) return known;
    const fresh = wallRow(row, at, isChosen);
    if (known) patchRow(known.node, fresh);
    return { row, isChosen, node: known ? known.node : fresh };
  }

  draw() {
    if (document.hidden) return;
    const at = this.socket.now();
    const shown = this.order.filter((id) => this.rows.has(id));
    this.drawn = new Map(shown.map((id) => [id, this.drawnRow(id, at)]));
    for (const id of [...this.rows.keys()]) if (!this.drawn.has(id)) this.rows.delete(id);
    const nodes = [...this.drawn.values()].map((entry) => entry.node);
    arrange(this.body, nodes);
    this.body.closest("table").hidden = !nodes.length;
    byId("wall-empty").hidden = nodes.length > 0;
    this.bulk.update([...this.drawn.keys()]);
    drawPanels(this.panels, this.drawn, at);
    this.tick();
  }

  /** What moves with time alone. */
  tick() {
    if (document.hidden) return;
    const at = this.socket.now();
    for (const { row, node } of this.drawn.values()) {
      tickRow(row, node, at);
      tickAlert(row, node, at);
    }
    tickPanels(this.panels, this.rows, at);
  }

  listen() {
    this.body.addEventListener("click", (event) => {
      const node = event.target.closest("tr[data-id]");
      const menu = event.target.closest("[data-menu]");
      if (node && menu) openMenu(this.rows.get(node.dataset.id), menu, () => this.socket.now());
    });
    document.addEventListener("visibilitychange", () => this.draw());
    listKeys({ body: this.body, rows: () => this.rows, now: () => this.socket.now() });
    setInterval(() => this.tick(), TICK);
    showConnection(() => this.socket);
  }
}

/** The lifting of a halt may lead on to another page. */
function followLift() {
  byId("lift-dialog").querySelector("form").addEventListener("htmx:afterRequest", (event) => {
    const { after } = event.target.dataset;
    if (event.detail.successful && after) location.assign(after);
  });
}

export function start() {
  const wall = new Wall(readJson("wall-data"));
  followLift();
  wall.listen();
  wall.draw();
}

register(start);
