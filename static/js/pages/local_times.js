// Times are UTC on the page; the tooltip has the person's own time as well.

import { register } from "../lib/pages.js";

function nameTimes() {
  for (const node of document.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(node.getAttribute("datetime"));
    const utc = node.title || node.textContent;
    node.title = `${utc} · ${at.toLocaleString()} your time`;
    node.dataset.local = "";
  }
}

export function start() {
  nameTimes();
  document.body.addEventListener("htmx:afterSettle", nameTimes);
}

register(start);
