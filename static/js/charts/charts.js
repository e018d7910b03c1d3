// The charts of an order on one time axis: progress, price, volume, and what its algorithm has of its own.

import { progress } from "./progress.js";
import { price } from "./price.js";
import { rangeOf } from "./ranges.js";
import { split } from "./split.js";
import { colours, CONFIG, nowLine, paddedStart, shadedTime } from "./style.js";
import { visible } from "./visible.js";
import { volume } from "./volume.js";
import { ORDER_WORDS } from "./words.js";
import { byId, setText } from "../lib/dom.js";

/** Room for prices of nine characters beside the currency. */
const LEFT = 78;
/** Milliseconds behind an order's end. */
const LEAST_ROOM = 20;
/** The bars of the market stay readable on it. */
const PAUSE_SHADE = 0.08;
const DRAWINGS = { progress, visible, price, volume, split };

export class OrderCharts {
  /** `range` is the name of a range, and `onZoom` hears of each change of what is shown. */
  constructor(orderId, range, onZoom) {
    this.revision = orderId;
    this.range = range;
    this.onZoom = onZoom;
    /** What was zoomed to by hand, with the stretch that was shown then; null: the range. */
    this.zoom = null;
    this.zooms = 0;
    /** How often heights that a person may have zoomed to were given up. */
    this.resets = 0;
    this.resetUntil = 0;
    this.nodes = Object.fromEntries(Object.keys(DRAWINGS).map((name) => [name, byId(`chart-${name}`)]).filter(([, node]) => node));
    this.names = Object.keys(this.nodes);
    /** A split has no time axis. */
    this.timed = this.names.filter((name) => name !== "split");
    this.linked = false;
  }

  /** `view`: order, slices, fills, samples (sorted), now, market (the last update). */
  async draw(view) {
    const colour = colours();
    const frame = this.frame(view, colour);
    const drawings = this.names.map((name) => DRAWINGS[name](view, colour, frame));
    await Promise.all(
      this.names.map((name, index) => window.Plotly.react(this.nodes[name], drawings[index].traces, drawings[index].layout, CONFIG)),
    );
    this.names.forEach((name, index) => {
      const paused = this.timed.includes(name) && view.order.pauses.length > 0;
      if (drawings[index].legend) setText(byId(`legend-${name}`), [...drawings[index].legend, ...(paused ? ["shaded: paused"] : [])].join(", "));
      this.nodes[name].setAttribute("aria-label", ORDER_WORDS[name](view));
    });
    this.link();
  }

  frame(view, colour) {
    const { order, slices, form } = view;
    const start = Math.min(order.start_at ?? view.now, slices[0]?.starts_at ?? Infinity);
    const planned = Math.max(order.end_at ?? view.now, slices.at(-1)?.ends_at ?? 0);
    // An order may end in a thousandth of the time that it had.
    const room = Math.max(LEAST_ROOM, 0.1 * ((order.ended_at ?? start) - start));
    const end = order.ended_at ? Math.max(Math.min(planned, order.ended_at + room), order.ended_at) : planned;
    // An order without a schedule that ended at once would be a hair in all the time that it had.
    const whole = form.sliced ? planned : end;
    this.span = rangeOf(this.range, { start, whole, shown: end, now: view.now, endedAt: order.ended_at });
    const shade = order.pauses.map(([from, to]) => shadedTime(from, to ?? view.now, colour.warn, PAUSE_SHADE));
    const marks = order.ended_at ? shade : [...shade, nowLine(view.now, colour)];
    return {
      // Copies: Plotly writes a zoom into the range that it was given.
      start,
      left: LEFT,
      range: this.range,
      span: this.zoom?.span ?? this.span,
      xRange: this.zoom ? [...this.zoom.to] : paddedStart(this.span),
      xRevision: `${this.revision}.${this.zooms}`,
      shapes: marks,
      revision: `${this.revision}.${this.resets}`,
    };
  }

  /** The time axis is ours, not each chart's: zooming one zooms all, a double click shows the range again. */
  link() {
    if (this.linked) return;
    this.linked = true;
    for (const name of this.timed) {
      this.nodes[name].on("plotly_relayout", (change) => this.zoomed(change));
      this.nodes[name].on("plotly_doubleclick", () => this.unzoomed());
    }
  }

  zoomed(change) {
    const from = change["xaxis.range[0]"];
    const to = change["xaxis.range[1]"];
    if (from !== undefined && performance.now() > this.resetUntil) this.setZoom({ to: [from, to], span: this.zoom?.span ?? this.span });
  }

  unzoomed() {
    // The double click's own change of the range follows, and is not a zoom.
    this.resetUntil = performance.now() + 400;
    this.resets += 1;
    this.setZoom(null);
  }

  /** Shows a range, and ends a zoom. */
  choose(range) {
    this.range = range;
    this.resets += 1;
    this.setZoom(null);
  }

  setZoom(zoom) {
    this.zoom = zoom;
    this.zooms += 1;
    this.onZoom(zoom !== null);
  }
}
