// The analysis of many orders: its charts.

import { drawCosts } from "../charts/costs.js";
import { pngButtons } from "../charts/png.js";
import { byId, readJson } from "../lib/dom.js";

const charts = readJson("analysis-charts");

function draw() {
  if (charts && window.Plotly) drawCosts(charts, byId);
}

pngButtons();
document.addEventListener("tranche:theme", draw);
draw();
