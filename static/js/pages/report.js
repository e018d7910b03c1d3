// The charts of an order's report: its cost by part, and its markouts.

import { pngButtons } from "../charts/png.js";
import { colours, CONFIG, layout } from "../charts/style.js";
import { barWords } from "../charts/words.js";
import { byId, readJson } from "../lib/dom.js";
import { costClass, points } from "../lib/format.js";
import { printButtons } from "../lib/print.js";
import { register } from "../lib/pages.js";

const PARTS = [["spread", "Spread"], ["drift", "Drift"], ["delay", "Delay"], ["fees", "Fees"], ["total", "Total"]];
const AFTER = { 10: "10 s", 60: "1 min", 300: "5 min" };

function bars(name, title, rows) {
  const known = rows.filter(([, value]) => value !== null);
  byId(`empty-${name}`).hidden = known.length > 0;
  const host = byId(`chart-${name}`);
  host.setAttribute("aria-label", barWords(title, rows));
  if (!known.length) {
    window.Plotly.purge(host);
    return undefined;
  }
  const colour = colours();
  const values = rows.map(([, value]) => (value === null ? null : Number(value)));
  const highest = Math.max(0.1, ...values.map((value) => Math.abs(value ?? 0)));
  const low = Math.min(0, ...values.map((value) => value ?? 0)) < 0 ? -1.3 * highest : 0;
  const high = Math.max(0, ...values.map((value) => value ?? 0)) > 0 ? 1.3 * highest : 0.15 * highest;
  const shown = layout(colour, { title: "bp, + is cost", yRange: [low, high], revision: name });
  const labels = rows.map(([label]) => label);
  // Without its own ticks Plotly leaves out every second name of a narrow chart.
  const all = { categoryorder: "array", categoryarray: labels, tickmode: "array", tickvals: labels, range: [-0.5, labels.length - 0.5] };
  Object.assign(shown.xaxis, { type: "category", showgrid: false, fixedrange: true, tickformatstops: undefined, ...all });
  Object.assign(shown.yaxis, { zeroline: true, zerolinecolor: colour.muted, fixedrange: true });
  shown.bargap = 0.45;
  const trace = {
    type: "bar",
    x: labels,
    y: values,
    marker: { color: rows.map(([, value]) => colour[costClass(value)] ?? colour.muted), line: { width: 0 } },
    text: rows.map(([, value]) => points(value)),
    textposition: "outside",
    constraintext: "none",
    textfont: { family: colour.mono, size: 12, color: colour.text },
    cliponaxis: false,
    hovertemplate: "%{x}: %{text} bp<extra></extra>",
  };
  return window.Plotly.react(host, [trace], shown, CONFIG);
}

function draw() {
  const data = readJson("report-data");
  if (!data || !window.Plotly) return;
  bars("split", "Cost split", PARTS.map(([key, label]) => [label, data.split_bp[key]]));
  bars("markouts", "Markouts", data.markouts.map((row) => [AFTER[row.seconds], row.bp]));
}

export function start() {
  printButtons();
  pngButtons();
  document.body.addEventListener("htmx:afterSettle", draw);
  document.addEventListener("tranche:redraw", draw);
  draw();
}

register(start);
