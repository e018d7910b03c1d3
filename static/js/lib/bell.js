// The bell of every page: how many alerts wait, and the browser's own notifications where the person allows them.

import { drawHaltBanner } from "../halts/banner.js";
import { byId, setText } from "./dom.js";
import { clock } from "./format.js";
import { LiveSocket } from "./socket.js";
import { keep, kept } from "./storage.js";

const ALLOWED = "tranche-notify";
const TOLD_UNTIL = "tranche-told-until";

/** The bell follows no logout and no other role: the page's own socket does, and a form may be half filled. */
class BellSocket extends LiveSocket {
  closed(code) {
    if (code >= 4400 && code < 4500) this.state = "lost";
    else super.closed(code);
  }
}

export const canNotify = () => "Notification" in window;
export const notifies = () => canNotify() && Notification.permission === "granted" && kept(ALLOWED) === "on";

/** Asks the browser, from a click; returns whether it notifies from now on. */
export async function switchNotifying() {
  if (notifies()) keep(ALLOWED, "off");
  else if ((await Notification.requestPermission()) === "granted") keep(ALLOWED, "on");
  return notifies();
}

/** Each alert is told once for this browser, whichever of its tabs hears of it first. */
function tell(news, now) {
  const until = Number(kept(TOLD_UNTIL) ?? now);
  const fresh = news.alerts.filter((alert) => alert.waits_since > until);
  keep(TOLD_UNTIL, String(Math.max(until, ...fresh.map((alert) => alert.waits_since))));
  if (!notifies()) return;
  for (const alert of fresh) {
    const shown = new Notification(`${alert.severity.toUpperCase()}: ${alert.label}`, { body: alert.text, tag: alert.id });
    shown.addEventListener("click", () => {
      window.focus();
      location.assign(`/alerts/${alert.id}/`);
    });
  }
}

function draw(bell, news) {
  const waiting = news.unacknowledged;
  const words = waiting === 1 ? "1 alert waits" : `${waiting} alerts wait`;
  const watched = news.is_watched ? "" : ` Nobody looks for alerts${news.watched_at === null ? "" : ` since ${clock(news.watched_at)} UTC`}.`;
  bell.dataset.state = !news.is_watched ? "unwatched" : news.critical ? "critical" : waiting ? "waiting" : "calm";
  setText(bell.querySelector("[data-count]"), news.is_watched ? String(waiting) : `${waiting}?`);
  const title = `${waiting ? `${words} for an acknowledgement` : "No alert waits"}.${watched}`;
  bell.title = title;
  bell.setAttribute("aria-label", `Alerts. ${title}`);
}

export function watchBell() {
  const bell = byId("bell");
  if (!bell) return;
  let last = null;
  const take = (news) => {
    draw(bell, news);
    drawHaltBanner(news.halts);
    tell(news, socket.now());
    const seen = JSON.stringify([news.alerts, news.unacknowledged, news.is_watched]);
    if (seen !== last) document.body.dispatchEvent(new CustomEvent("alerts-changed"));
    last = seen;
  };
  const socket = new BellSocket("/ws/alerts/", { snapshot: take }, Date.now());
  setInterval(() => {
    if (socket.state === "lost") bell.dataset.state = "lost";
  }, 1000);
}
