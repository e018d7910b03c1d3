// Plotly comes after the page's first data, because a browser runs its script for half a second.

import { byId } from "./dom.js";
import { notice } from "./notices.js";

/** The charts do not wait longer than this for the first data, in milliseconds. */
const LONGEST = 1500;

/** Resolves once the page is live. A page without a websocket does not wait. */
function firstData() {
  const node = byId("connection");
  if (!node || node.dataset.state === "live") return Promise.resolve();
  return new Promise((done) => {
    setTimeout(done, LONGEST);
    const seen = new MutationObserver(() => {
      if (node.dataset.state !== "live") return;
      seen.disconnect(); // the state is written four times a second
      done();
    });
    seen.observe(node, { attributes: true, attributeFilter: ["data-state"] });
  });
}

/** Loads the script that the page names, and lets the page draw its charts then. */
export async function loadPlotly() {
  const link = document.querySelector("link[data-plotly]");
  if (!link) return;
  await firstData();
  const script = document.createElement("script");
  script.addEventListener("load", () => document.dispatchEvent(new CustomEvent("tranche:redraw")));
  script.addEventListener("error", () => notice("The script of the charts could not be loaded. Reload the page."));
  script.src = link.href;
  document.head.append(script);
}
