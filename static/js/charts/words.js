// What the charts say, in words, for people who do not see them. Pure: from the same data as the drawings.

import { unknownStretches } from "./volume.js";
import { clock, decimal, percent, places, points, price, quantity } from "../lib/format.js";
import { leadWords } from "../lib/pace.js";
import { dueOf } from "../lib/plan.js";
import { shownLine, venueRows } from "../order/children_folds.js";

const joined = (parts) => `${parts.filter(Boolean).join(", ")}.`;
const size = (value, order) => decimal(value.toFixed(places(order.lot) ?? 6));
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** "Progress: filled 0.30 of 1.00 BTC, schedule 0.33, 3.0 % behind, ends 15:30:00 UTC." */
function progress({ order, line, now }) {
  const total = Number(order.quantity);
  const done = Number(order.filled) / total;
  const due = dueOf(order, line, now, done);
  const lead = due === null ? 0 : done - due;
  return `Progress: ${
    joined([
      `filled ${quantity(order.filled, order.lot)} of ${quantity(order.quantity, order.lot)} ${order.base}`,
      due !== null && `schedule ${size(due * total, order)}`,
      due !== null && leadWords(order.status, lead),
      order.ended_at === null ? order.end_at !== null && `ends ${clock(order.end_at)} UTC` : `ended ${clock(order.ended_at)} UTC`,
    ])
  }`;
}

/** "Price: last mid 60,012.5 USDT, from 59,990.0 to 60,040.0, own average 60,010.25, …" */
function priceOf({ order, samples, fills }) {
  const mids = samples.filter(([, bid, ask]) => bid !== null && ask !== null).map(([, bid, ask]) => (Number(bid) + Number(ask)) / 2);
  const shown = (value) => price(String(value), order.tick, 1);
  const low = mids.reduce((least, mid) => Math.min(least, mid), Infinity);
  const high = mids.reduce((most, mid) => Math.max(most, mid), -Infinity);
  return `Price: ${
    joined([
      mids.length ? `last mid ${shown(mids.at(-1))} ${order.quote}, from ${shown(low)} to ${shown(high)}` : "no mid is known",
      order.average !== null && `own average ${shown(order.average)}`,
      order.arrival_mid !== null && `arrival ${shown(order.arrival_mid)}`,
      order.limit_price !== null && `limit ${price(order.limit_price, order.tick)}`,
      `${fills.length} own fill${fills.length === 1 ? "" : "s"}`,
    ])
  }`;
}

/** "Volume: the market traded 12.40 BTC, own 0.30." What nobody knows is said, and no share of it is. */
function volume(view) {
  const { order, samples, fills } = view;
  const known = samples.filter((sample) => sample[3] !== null);
  const market = sum(known.map((sample) => Number(sample[3])));
  const own = sum(fills.map((fill) => Number(fill.quantity)));
  const isWhole = known.length > 0 && !unknownStretches(view).length;
  return `Volume: ${
    joined([
      known.length ? `the market traded ${size(market, order)} ${order.base}` : "the market's volume is not known",
      `own ${size(own, order)} ${order.base}`,
      isWhole && market > 0 && `${percent(Math.min(1, own / market))} of the market`,
      known.length > 0 && !isWhole && "parts of the market's volume are not known",
    ])
  }`;
}

function visible({ order, children, fills }) {
  const shown = order.ended_at === null ? (shownLine(children, fills).at(-1)?.[1] ?? 0) : 0;
  return `Visible part: ${joined([`the books show ${size(Math.max(0, shown), order)} ${order.base}`, `at most ${quantity(order.parameters.visible_quantity, order.lot)}`])}`;
}

function split({ order, fills }) {
  const words = (row) => (row.filled ? `${row.label} ${size(row.filled, order)} ${order.base}, ${percent(row.share, 0)}, at ${price(String(row.average), order.tick, 1)}` : `${row.label} nothing`);
  return `Split by account: ${venueRows(order, fills).map(words).join("; ") || "nothing"}.`;
}

/** By the name of the chart: `view` is the one that the drawing gets. */
export const ORDER_WORDS = { progress, price: priceOf, volume, visible, split };

/** The plan on the ticket: "120 slices of 0.02 to 0.03 BTC from 14:30:00 to 16:30:00 UTC, 2.5 BTC in all." */
export function planWords(plan) {
  const quantities = plan.slices.map((part) => Number(part[2]));
  const plain = (value) => decimal(String(Number(value.toFixed(8))));
  const all = `${plain(sum(quantities))} ${plan.base} in all`;
  if (plan.visible) return joined([`parts of ${decimal(plan.visible)} ${plan.base}`, all]);
  if (plan.route) {
    const rows = plan.route.map((row) => (Number(row.quantity) ? `${row.label} ${decimal(row.quantity)} ${plan.base}` : `${row.label} nothing`));
    return joined([...rows, Number(plan.unfilled) > 0 && `${decimal(plan.unfilled)} ${plan.base} not available`]);
  }
  const least = quantities.reduce((low, each) => Math.min(low, each), Infinity);
  const most = quantities.reduce((high, each) => Math.max(high, each), 0);
  const each = least === most ? plain(most) : `${plain(least)} to ${plain(most)}`;
  return joined([`${quantities.length} slice${quantities.length === 1 ? "" : "s"} of ${each} ${plan.base} from ${clock(plan.slices[0][0])} to ${clock(plan.slices.at(-1)[1])} UTC`, all]);
}

/** Bars of basis points: "Cost split: Spread +1.2 bp, Drift not known." */
export const barWords = (title, rows) => `${title}: ${joined(rows.map(([label, value]) => `${label} ${value === null ? "not known" : `${points(value)} bp`}`))}`;
