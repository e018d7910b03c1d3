// The list under the bell: the newest alerts and the newest events of one's own orders together.

import { byId, element, fillOnce } from "./dom.js";
import { clock, local } from "./format.js";

const MOST = 12;
const SIGNS = { info: ["●", "good"], warning: ["▲", "warn"], critical: ["!", "bad"] };

const ofAlert = (alert) => ({ key: alert.id, href: `/alerts/${alert.id}/`, severity: alert.severity, label: alert.label, text: alert.text, at: alert.waits_since, waits: true });
const ofEvent = (event) => ({ key: event.id, href: `/orders/${event.order}/`, severity: event.severity, label: event.label, text: event.text, at: event.at, waits: false });

function line({ href, severity, label, text, at, waits }) {
  const [sign, tone] = SIGNS[severity];
  return element(
    "li",
    {},
    element(
      "a",
      { href },
      element("span", { class: `sign ${tone}`, "aria-hidden": "true" }, sign),
      element("span", { class: "bell-words" }, element("b", {}, label), waits ? element("span", { class: "pill warn" }, "to acknowledge") : null, element("small", {}, text)),
      element("time", { class: "number muted", title: local(at) }, clock(at)),
    ),
  );
}

export function drawBellList(alerts, events) {
  const rows = [...alerts.map(ofAlert), ...events.map(ofEvent)].sort((one, other) => other.at - one.at).slice(0, MOST);
  fillOnce(byId("bell-list"), rows, (row) => [line(row)]);
  byId("bell-none").hidden = rows.length > 0;
}

/** Under the bell, wherever the header has it. */
export function placeBellList(bell, panel) {
  const place = () => {
    const at = bell.getBoundingClientRect();
    panel.style.top = `${at.bottom + 6}px`;
    panel.style.right = "auto";
    panel.style.left = `${Math.max(8, Math.min(at.right, innerWidth - 8) - panel.offsetWidth)}px`;
  };
  panel.addEventListener("toggle", (event) => {
    bell.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "open") place();
  });
  addEventListener("resize", () => panel.matches(":popover-open") && place());
}
