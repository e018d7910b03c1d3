// The analysis of many orders: its charts.

import { drawCosts } from "../charts/costs.js";
import { pngButtons } from "../charts/png.js";
import { byId, readJson } from "../lib/dom.js";
import { register } from "../lib/pages.js";

export function start() {
  const charts = readJson("analysis-charts");
  const draw = () => charts && window.Plotly && drawCosts(charts, byId);
  pngButtons();
  document.addEventListener("tranche:redraw", draw);
  draw();
}

register(start);
