// An order's page: the snapshot in the page first, then what the websocket says; drawn at most four times a second.

import { OrderCharts } from "../charts/charts.js";
import { pngButtons } from "../charts/png.js";
import { showConnection } from "../lib/connection.js";
import { byId, readJson, setText } from "../lib/dom.js";
import { drawActions, drawCost, drawDone, drawHead, drawNow, keepFocus } from "../order/order_panels.js";
import { OrderState, SECTIONS } from "../order/order_state.js";
import { RangeSwitch } from "../order/range_switch.js";
import { drawResume } from "../order/resume.js";
import { RowTabs } from "../order/row_tabs.js";
import { age } from "../lib/format.js";
import { notice } from "../lib/notices.js";
import { MarketPane } from "../market/pane.js";
import { LiveSocket } from "../lib/socket.js";
import { drawAccounts, drawIceberg, drawTerms } from "../order/terms.js";
import { register } from "../lib/pages.js";

const DRAW_EVERY = 250;
const CHARTS_EVERY = 1000;

function drawAge({ order, samples, now }) {
  const last = samples.findLast(([, bid, ask]) => bid !== null && ask !== null);
  setText(byId("price-age"), last && !order.ended_at ? `${age(Math.max(0, now - last[0] - 1000))} old` : "");
}

/** The charts and the switch of their range, drawn one after the other. */
class Drawing {
  constructor(id, onChange) {
    const ranges = new RangeSwitch(byId("ranges"), byId("range-note"), (range) => this.charts.choose(range));
    this.charts = new OrderCharts(id, ranges.chosen, (isZoomed) => {
      ranges.showZoomed(isZoomed);
      onChange();
    });
    this.at = -Infinity;
    this.last = Promise.resolve();
  }

  draw(view, isChanged) {
    if (!window.Plotly || !(isChanged || performance.now() - this.at >= CHARTS_EVERY)) return;
    this.at = performance.now();
    this.last = this.last.then(() => this.charts.draw(view)).catch((error) => notice(`This page cannot draw the charts: ${error.message}. Everything else on it is live.`));
  }
}

class OrderPage {
  constructor({ id, form, now, state }) {
    this.state = state;
    this.isChanged = true;
    this.charts = new Drawing(id, () => this.changed());
    /** Without a schedule there are no slices to show, nor a column that names them. */
    const { schedule } = form.shows;
    this.tabs = new RowTabs(SECTIONS.filter((section) => section !== "slices" || schedule), schedule ? [] : ["Slice"], () => this.drawRows(this.view()));
    this.socket = new LiveSocket(`/ws/orders/${id}/`, {
      snapshot: (message) => {
        state.take(message);
        this.changed();
      },
      delta: (message) => {
        state.change(message);
        this.changed();
      },
      beat: ({ market }) => market && state.hear(market) && this.changed(),
      gone: () => notice("You may no longer see this order."),
    }, now);
    /** The market around an order that lived when the page was made. */
    this.pane = byId("book") && new MarketPane({ server: now });
    this.pane?.watch({ order: id }, `None of its accounts trades ${state.order.symbol} now.`);
  }

  changed() {
    this.isChanged = true;
  }

  view() {
    return this.state.view(this.socket.now());
  }

  drawRows(view) {
    this.tabs.draw(this.state.rows, view);
  }

  draw() {
    if (document.hidden) return;
    const view = this.view();
    const { order, form } = view;
    drawDone(view);
    drawNow(view);
    drawAge(view);
    if (order.status === "paused") drawResume(order, view.now);
    if (this.isChanged) {
      this.pane?.setLimit(order.limit_price);
      drawHead(order, view.now);
      drawActions(order);
    }
    drawCost(view);
    drawTerms(order, form);
    drawAccounts(order, view.fills);
    drawIceberg(view);
    this.drawRows(view);
    this.charts.draw(view, this.isChanged);
    this.isChanged = false;
  }

  listen() {
    this.tabs.listen();
    document.querySelector('[data-act="pause"]')?.addEventListener("click", () => window.htmx.trigger("#pause-form", "submit"));
    document.addEventListener("visibilitychange", () => {
      this.changed();
      this.draw();
    });
    document.addEventListener("tranche:redraw", () => this.changed());
    setInterval(() => this.draw(), DRAW_EVERY);
    showConnection(() => this.socket);
  }
}

export function start() {
  const form = readJson("order-form");
  const broken = new Set((readJson("order-breaks") ?? []).map((one) => one.sequence));
  const page = new OrderPage({ id: byId("order").dataset.id, form, now: readJson("order-now"), state: new OrderState(form, readJson("order-data"), broken) });
  pngButtons();
  keepFocus();
  page.listen();
  page.tabs.select(location.hash.slice(1));
  page.draw();
}

register(start);
