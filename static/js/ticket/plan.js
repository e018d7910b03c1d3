// The plan that the server made of a ticket, as a chart.

import { drawPlan } from "../charts/plan_chart.js";
import { byId, setText } from "../lib/dom.js";
import { showNotes } from "./fields.js";

/** `waits` says why there is no plan yet. */
export function showPlan({ plan, plan_waits: waits }) {
  byId("plan-empty").hidden = plan !== null;
  setText(byId("plan-empty"), waits);
  byId("plan-chart").classList.toggle("invisible", plan === null);
  setText(byId("plan-subtitle"), byId("preview").querySelector("[data-subtitle]").dataset.subtitle);
  showNotes(plan?.notes ?? []);
  setText(byId("plan-legend"), "");
  if (plan && window.Plotly) setText(byId("plan-legend"), drawPlan(byId("plan-chart"), plan));
}
