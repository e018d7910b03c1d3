// The words and numbers beside the charts.

import { dueByVolume } from "../charts/volume_target.js";
import { bar, byId, element, fillList, setText } from "../lib/dom.js";
import { age, clock, costClass, countdown, DASH, decimal, local, moment, participation, percent, points, price, quantity, spoken } from "../lib/format.js";
import { finishOf, finishWords, leadWords } from "../lib/pace.js";
import { dueOf, followsSchedule, movesByApproval, ON_SCHEDULE } from "../lib/plan.js";
import { isFinal, isLiveChild, isPartFilled, orderPill, reasonOf, side, timeRunsOn } from "../lib/states.js";

const word = (text) => element("span", { class: "connective" }, ` ${text} `);
/** Words that no line end tears apart. */
const whole = (text) => element("span", { class: "whole-line" }, text);
const figure = (text) => element("span", { class: "number" }, text);

/** The order that a question is about: "BUY 0.6 BTC/USDT by TWAP · 0.537 BTC left · 8tx6cgqp · ronda". Pure. */
export function questionWords(order) {
  return `${order.side.toUpperCase()} ${decimal(order.quantity)} ${order.symbol} by ${order.algorithm.toUpperCase()} · ${leftWords(order)} left · ${order.id} · ${order.trader}`;
}

/** "0.537 BTC" or "nothing" */
function leftWords(order) {
  const left = Number(order.quantity) - Number(order.filled);
  return left > 0 ? `${quantity(left.toFixed(12), order.lot)} ${order.base}` : "nothing";
}

/** ▲ BUY 2.500 BTC/USDT by TWAP over 1 h, limit 65,200.0 */
export function drawHead(order, now) {
  for (const line of document.querySelectorAll("dialog [data-order-line]")) {
    line.hidden = false;
    setText(line, questionWords(order));
  }
  const span = order.start_at !== null && order.end_at !== null ? spoken(order.end_at - order.start_at) : null;
  const parts = [side(order.side), ` ${decimal(order.quantity)} ${order.symbol}`, word("by"), order.algorithm.toUpperCase()];
  if (span) parts.push(word(`over ${span},`));
  parts.push(word(order.limit_price === null ? "no limit" : "limit"), order.limit_price === null ? "" : figure(price(order.limit_price, order.tick)));
  const key = JSON.stringify([order.side, order.quantity, order.start_at, order.end_at, order.limit_price]);
  const title = byId("order-title");
  if (title.dataset.key !== key) {
    title.dataset.key = key;
    title.replaceChildren(...parts);
  }
  const day = new Date(order.created_at).toISOString().slice(0, 10);
  const reference = order.client_reference ? ` · ${order.client_reference}` : "";
  const placed = `Order ${order.id} · placed ${day} ${clock(order.created_at)} UTC by ${order.trader} · ${order.account || DASH} · plan ${order.plan_version}${reference}`;
  setText(byId("order-line"), placed);
  byId("order-line").title = local(order.created_at);
  drawStatus(order, now);
  document.title = `${percent(Number(order.filled) / Number(order.quantity), 0)} ${order.side.toUpperCase()} ${decimal(order.quantity)} ${order.base} · ${order.id} · Tranche`;
}

function drawStatus(order, now) {
  const host = byId("order-status");
  const key = `${order.status} ${order.outcome} ${order.needs_person} ${order.unsettled}`;
  if (host.dataset.key !== key) {
    host.dataset.key = key;
    host.replaceChildren(orderPill(order));
  }
  drawApproval(order.waiting_approval);
  const reason = byId("order-reason");
  const text = [reasonOf(order), timeRunsOn(order, now)].filter(Boolean).join(" · ");
  reason.hidden = !text;
  const worrying = order.waits || ["paused", "expired", "failed", "rejected"].includes(order.status);
  reason.className = `reason ${order.needs_person ? "bad" : worrying ? "warn" : "muted"}`;
  setText(reason, (order.needs_person ? "Needs attention · " : "") + text);
}

function drawApproval(request) {
  const line = byId("order-approval");
  line.hidden = request === null;
  if (request === null) return;
  setText(line.firstElementChild, `${request.changes || "the order"} waits for approval until ${clock(request.expires_at)} UTC.`);
  line.lastElementChild.href = `/approvals/${request.id}/`;
}

/** "ends 14:52:07 UTC"; of an order whose schedule begins with its approval, "ends 1 h after its approval". Pure. */
export function endWords(order, now) {
  if (movesByApproval(order, now)) return `ends ${spoken(order.end_at - order.start_at)} after its approval`;
  const end = order.ended_at ?? order.end_at;
  return `${order.ended_at ? "ended" : "ends"} ${moment(end, now)}${end === null ? "" : " UTC"}`;
}

export function drawDone(view) {
  const { order, line, now } = view;
  const done = Number(order.filled) / Number(order.quantity);
  const final = isFinal(order.status);
  const plan = dueOf(order, line, now, done);
  const due = plan === null && followsSchedule(order) ? dueShare(view) : null;
  const mark = plan ?? due;
  setText(byId("done-filled"), quantity(order.filled, order.lot));
  setText(byId("done-quantity"), `/ ${quantity(order.quantity, order.lot)} ${order.base}`);
  const label = mark === null ? `${percent(done)} done` : `${percent(done)} done, ${due === null ? "schedule" : "due by market volume"} ${percent(mark)}`;
  const drawn = `${done.toFixed(4)} ${mark?.toFixed(3)}`;
  if (byId("done-bar").dataset.drawn !== drawn) {
    byId("done-bar").dataset.drawn = drawn;
    byId("done-bar").replaceChildren(bar(done, mark, label));
  }
  const parts = [percent(done)];
  if (due !== null) parts.push(` · due by market volume ${percent(due)}`);
  if (plan !== null && (order.status === "working" || order.status === "paused")) {
    const lead = done - plan;
    const tone = lead < -0.02 ? "bad" : "good";
    const words = leadWords(order.status, lead);
    if (words !== null) parts.push(" · ", element("span", { class: Math.abs(lead) < ON_SCHEDULE ? "" : tone }, words));
  }
  if (!final && order.started_at === null && order.start_at > now) parts.push(" · ", whole(`starts ${moment(order.start_at, now)}`), `, in ${countdown(order.start_at - now)}`);
  parts.push(" · ", whole(endWords(order, now)));
  if (order.last_fill_at !== null && !final) parts.push(` · last fill ${age(now - order.last_fill_at)} ago`);
  byId("done-line").replaceChildren(...parts);
}

/** The share that the market's volume makes due by now, of an order that follows it; null: no volume is known. */
function dueShare(view) {
  const last = dueByVolume(view).at(-1);
  return last === undefined ? null : last[1] / Number(view.order.quantity);
}

/** The parts add up to the total; before fees it is the cost against arrival. */
const SPLIT = [["spread", "spread"], ["drift", "drift"], ["delay", "delay"], ["fees", "fees"], ["with fees", "total"]];

export function drawCost(view) {
  const { order, market, form } = view;
  const split = market?.split_bp ?? { fees: order.fees_bp };
  const arrival = split.arrival ?? order.cost_bp;
  const toTick = (value) => (value === null || value === undefined ? DASH : price(value, order.tick, 1));
  const fees = order.fees.length ? order.fees.map((fee) => `${decimal(fee.amount)} ${fee.currency}`).join(", ") : DASH;
  fillList(
    byId("cost"),
    [
      ["Average", toTick(order.average)],
      ["Arrival mid", toTick(order.arrival_mid)],
      form.shows.market && ["Market VWAP", toTick(market?.vwap)],
      null,
      ["against arrival", points(arrival), `number ${costClass(arrival)}`],
      form.shows.market && ["against market VWAP", points(market?.vwap_bp), `number ${costClass(market?.vwap_bp)}`],
      null,
      ...SPLIT.map(([name, key]) => [name, points(split[key]), `number ${costClass(split[key])}`]),
      null,
      ["Fees paid", fees],
      ["Maker share", percent(order.maker_share, 0)],
      form.shows.market && ["Participation", participation(market?.participation)],
    ].filter((row) => row !== false),
  );
}

/** "0.00012 @ 65,491.08, open" */
const liveWords = (child, { lot, tick }) => `${quantity(child.quantity, lot)} @ ${child.price === null ? DASH : price(child.price, tick)}, ${child.status.replaceAll("_", " ")}`;

export function drawNow(view) {
  const { order, slices, children, line, form, now } = view;
  setText(byId("now-title"), isFinal(order.status) ? "Ended" : "Now");
  if (isFinal(order.status)) {
    fillList(byId("now"), [
      ["State", order.status.replaceAll("_", " "), "words"],
      ["Ended", order.ended_at === null ? DASH : `${moment(order.ended_at, now)} UTC`, "number", local(order.ended_at)],
      ["Left", leftWords(order)],
      ["Why", order.reason || DASH, "words"],
    ]);
    return;
  }
  if (order.status === "pending_approval") {
    const until = order.waiting_approval && ` until ${moment(order.waiting_approval.expires_at, now)} UTC`;
    fillList(byId("now"), [
      ["Why", `waits for approval${until ?? ""}`, "words"],
      ["On approval", order.waiting_approval?.on_approval || DASH, "words"],
      ["Account", order.account || DASH, ""],
      ...reserveRows(order),
    ]);
    return;
  }
  const current = slices.find((part) => now < part.ends_at && now >= part.starts_at);
  const live = children.filter((child) => isLiveChild(child.status));
  const working = live.length ? live.map((child) => liveWords(child, order)).join("; ") : DASH;
  fillList(
    byId("now"),
    [
      form.shows.schedule && ["Slice", current ? `${current.number} of ${slices.length}` : DASH],
      form.shows.schedule && ["Slice ends in", current ? countdown(current.ends_at - now) : DASH],
      ["Working", working],
      ["Account", order.account || DASH, ""],
      ...reserveRows(order),
      form.shows.pace && ["ETA", finishWords(finishOf(order, line, now), now)],
      ["Next decision in", decisionWords(order, now)],
      ["Driven by", order.owner ? `worker ${order.owner}` : "nobody", order.owner ? "words" : "words warn"],
      ["Why", [...new Set([order.waits, order.why !== order.status && order.why, order.status === "paused" && order.reason])].filter(Boolean).join("; ") || DASH, "words"],
    ].filter((row) => row !== false),
  );
}

/** A paused order decides nothing until it is resumed; what is due is only its end. */
const decisionWords = ({ status, due_at: due }, now) => (status === "paused" || due === null || due < now ? DASH : countdown(due - now));

/** What it may still spend: a line for each account, and the account's name where there are several. */
function reserveRows(order) {
  return order.reserves.map((each) => [
    order.reserves.length > 1 ? `Reserves on ${each.account}` : "Reserves",
    `${each.is_known ? "" : "≥ "}${decimal(each.amount)} ${each.currency}`,
    "number",
    "What it may still spend there at its worst price, with fees. Its resting children are locked at the exchange beside it.",
  ]);
}

/** What stands in the place of a button that its own act takes away. */
const NEXT = { pause: "resume", resume: "pause" };

export function drawActions(order) {
  const held = document.activeElement?.closest("#order-actions [data-act]");
  for (const button of document.querySelectorAll("#order-actions [data-act]")) {
    button.hidden = !order.actions.includes(button.dataset.act);
  }
  if (held?.hidden) focusInstead(held.dataset.act);
  const left = byId("clone-left"); // while nothing is filled it is the same as a clone
  if (left) left.hidden = !isPartFilled(order);
}

/** Who works by keyboard goes on from the button that took the place of the one they pressed. */
function focusInstead(act) {
  const shown = [...document.querySelectorAll("#order-actions [data-act]:not([hidden])")];
  const next = shown.find((button) => button.dataset.act === NEXT[act]) ?? shown[0] ?? byId("content");
  next.focus({ preventScroll: true });
}

/** After a dialog the focus is on the button that opened it, unless that is gone because the order has moved. */
export function keepFocus() {
  for (const act of ["resume", "cancel", "amend"]) {
    byId(`${act}-dialog`)?.addEventListener("close", () => document.activeElement === document.body && focusInstead(act));
  }
}
