// The bell of every page: how many alerts wait, what has happened, and how a person is told: messages, sounds, and the
// browser's own notifications where the person allows them.

import { drawHaltBanner } from "../halts/banner.js";
import { drawBellList, placeBellList } from "./bell_list.js";
import { byId, setText } from "./dom.js";
import { clock } from "./format.js";
import { notifies, notify } from "./notifying.js";
import { isOn } from "./settings.js";
import { LiveSocket } from "./socket.js";
import { play } from "./sounds.js";
import { keep, kept } from "./storage.js";
import { toast } from "./toasts.js";
import { claim } from "./told.js";

const TOLD_UNTIL = "tranche-told-until";
/** What is older than this is in the list of the bell only, such as the news of a night. */
const NEWS_FOR = 60000;

/** The bell follows no logout and no other role: the page's own socket does, and a form may be half filled. */
class BellSocket extends LiveSocket {
  closed(code) {
    if (code >= 4400 && code < 4500) this.state = "lost";
    else super.closed(code);
  }
}

/** Each alert is told once for this browser, whichever of its tabs hears of it first. */
function tellAlerts(news, now) {
  const until = Number(kept(TOLD_UNTIL) ?? now);
  const fresh = news.alerts.filter((alert) => alert.waits_since > until);
  keep(TOLD_UNTIL, String(Math.max(until, ...fresh.map((alert) => alert.waits_since))));
  if (fresh.length) play("alarm");
  if (!notifies()) return;
  for (const alert of fresh) notify(`${alert.severity.toUpperCase()}: ${alert.label}`, alert.text, alert.id, `/alerts/${alert.id}/`);
}

/** So is each event of an order. An alert follows some of them, and is the one that notifies then. */
async function tellEvents(events, now) {
  const recent = events.filter((event) => now - event.at < NEWS_FOR);
  const mine = await claim(recent.map((event) => event.id));
  for (const event of recent.filter(({ id }) => mine.includes(id)).reverse()) {
    toast(event);
    play(event.kind === "completed" ? "complete" : "alarm");
    if (notifies() && !event.is_alerted && (document.hidden || !document.hasFocus())) {
      notify(event.label, event.text, event.id, `/orders/${event.order}/`);
    }
  }
}

async function tellFill(filledAt, now) {
  if (!isOn("sounds") || filledAt === null || now - filledAt >= NEWS_FOR) return;
  const [mine] = await claim([`fill ${filledAt}`]);
  if (mine) play("fill");
}

/** The tab of a phone has a number while alerts wait, or while nobody looks for them. */
function drawTab(count, isCritical) {
  const tab = document.querySelector("[data-alert-count]");
  if (!tab) return;
  setText(tab, count === "0" ? "" : count);
  tab.classList.toggle("is-critical", isCritical);
}

function draw(bell, news) {
  const waiting = news.unacknowledged;
  const words = waiting === 1 ? "1 alert waits" : `${waiting} alerts wait`;
  const watched = news.is_watched ? "" : ` Nobody looks for alerts${news.watched_at === null ? "" : ` since ${clock(news.watched_at)} UTC`}.`;
  bell.dataset.state = !news.is_watched ? "unwatched" : news.critical ? "critical" : waiting ? "waiting" : "calm";
  const count = news.is_watched ? String(waiting) : `${waiting}?`;
  setText(bell.querySelector("[data-count]"), count);
  drawTab(count, Boolean(news.critical));
  const title = `${waiting ? `${words} for an acknowledgement` : "No alert waits"}.${watched}`;
  bell.title = title;
  bell.setAttribute("aria-label", `Alerts and events. ${waiting ? words : "No alert waits"}.${watched}`);
}

export function watchBell() {
  const bell = byId("bell");
  if (!bell) return;
  let last = null;
  let alerts = [];
  let events = [];
  const hear = (message) => {
    drawBellList(alerts, events);
    tellEvents(message.events, socket.now());
    tellFill(message.filled_at, socket.now());
  };
  const take = (news) => {
    draw(bell, news);
    drawHaltBanner(news.halts);
    tellAlerts(news, socket.now());
    ({ alerts, events } = news);
    hear(news);
    const seen = JSON.stringify([news.alerts, news.unacknowledged, news.is_watched]);
    if (seen !== last) document.body.dispatchEvent(new CustomEvent("alerts-changed"));
    last = seen;
  };
  const add = (news) => {
    const known = new Set(news.events.map(({ id }) => id));
    events = [...news.events, ...events.filter(({ id }) => !known.has(id))];
    hear(news);
  };
  const socket = new BellSocket("/ws/alerts/", { snapshot: take, delta: add }, Date.now());
  placeBellList(bell, byId("bell-panel"));
  setInterval(() => {
    if (socket.state === "lost") bell.dataset.state = "lost";
  }, 1000);
}
