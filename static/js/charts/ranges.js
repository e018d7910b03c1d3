// The stretch of time that an order's charts show, and the heights that are seen in it.

import { heightAt } from "../lib/plan.js";

export const RANGES = [
  ["recent", "5 min", "The last five minutes"],
  ["start", "Since start", "Since the start, and a fifth of that time ahead"],
  ["all", "All", "The whole time of the order"],
];
export const DEFAULT_RANGE = "start";
export const isRange = (name) => RANGES.some(([known]) => known === name);

const RECENT = 300000;
/** Room after now in the last five minutes. */
const BESIDE = 15000;
const AHEAD = 0.2;
/** A young order shows at least this much of its time. */
const LEAST = 60000;

/**
 * [from, to] in milliseconds. `frame`: start, the end of the whole, the end of what is worth seeing of an ended order
 * (`shown`), now, and endedAt or null. An order that has not started shows all of its time.
 */
export function rangeOf(name, { start, whole, shown, now, endedAt }) {
  const last = endedAt ?? now;
  if (name === "all" || (endedAt === null && now <= start)) return [start, Math.max(whole, last)];
  if (name === "recent" && last - start > RECENT) return [last - RECENT, endedAt === null ? last + BESIDE : Math.min(shown, last + BESIDE)];
  if (endedAt !== null) return [start, shown];
  const length = Math.max((now - start) * (1 + AHEAD), Math.min(LEAST, whole - start));
  return [start, Math.min(start + length, Math.max(whole, now))];
}

/** The heights of lines of [time, height] between two times, those at the two times too. */
export function heightsWithin(lines, [from, to]) {
  return lines.filter((line) => line.length && line.at(-1)[0] >= from && line[0][0] <= to).flatMap((line) => [
    heightAt(line, from),
    ...line.filter(([time]) => time >= from && time <= to).map(([, height]) => height),
    heightAt(line, to),
  ]);
}
