// The plan of an order as a line through time.

/** Times and cumulative quantities of a plan. A later plan begins with what was done when it was made. */
function scheduleLine(slices, total) {
  if (!slices.length) return [];
  const planned = slices.reduce((sum, part) => sum + Number(part.quantity), 0);
  let done = Math.max(0, total - planned);
  const line = [[slices[0].starts_at, done]];
  for (const part of slices) {
    done += Number(part.quantity);
    line.push([part.ends_at, done]);
  }
  return line;
}

/** The height of a line at a time: straight between points, level outside; null without a line. */
export function heightAt(line, time) {
  if (!line.length) return null;
  if (time <= line[0][0]) return line[0][1];
  for (let index = 1; index < line.length; index += 1) {
    const [end, height] = line[index];
    const [start, before] = line[index - 1];
    if (time <= end) return end === start ? height : before + ((height - before) * (time - start)) / (end - start);
  }
  return line[line.length - 1][1];
}

/** What is left of a plan for an order that has done this share: it waits until the plan goes beyond it, then follows. */
export function planAhead(line, at, done) {
  const later = line.filter(([time, share]) => time > at && share > done);
  if (!later.length) return [[at, done]];
  const next = line.indexOf(later[0]);
  const [end, height] = line[next];
  const [start, before] = line[Math.max(0, next - 1)];
  const meets = before >= done || height === before ? start : start + ((end - start) * (done - before)) / (height - before);
  return [[at, done], [Math.max(at, meets), done], ...later];
}

/** The last fills of a slice are reported a moment after its end: so long it is not yet judged, in milliseconds. */
const SETTLING = 5000;
/** Shares are rounded to six digits. */
const ROUNDING = 1e-6;

/** An order that is as little behind as this is on schedule. */
export const ON_SCHEDULE = 0.0005;

/** A plan in shares of the order's quantity. */
export const shareLine = (slices, total) => scheduleLine(slices, total).map(([time, height]) => [time, height / total]);

/**
 * The share that the plan wants at a time, as near to what is done as the plan allows; null without a plan. The rule
 * of `execution/core/orders/schedule.py`: a slice may be filled at any moment between its start and its end.
 */
export function shareDue(line, at, done) {
  if (!line.length) return null;
  const least = line.findLast(([time]) => time <= at - SETTLING)?.[1] ?? line[0][1];
  const most = at < line[0][0] ? line[0][1] : (line.find(([time]) => time > at) ?? line.at(-1))[1];
  if (done < least - ROUNDING) return least;
  return done > most + ROUNDING ? most : done;
}

/** An order follows its schedule from its approval to its end. A schedule that waits for approval moves when it comes. */
export const followsSchedule = (order) => order.ended_at === null && order.status !== "pending_approval";

/** True if the schedule moves when the order is approved, by the time since `lost_since`. */
export const movesByApproval = (order, now) => order.status === "pending_approval" && order.lost_since !== null && order.lost_since <= now;

/** The line of an order's plan; of one that waits for approval, as it is if the approval comes now. */
export function lineNow(order, line, now) {
  const lost = movesByApproval(order, now) ? now - order.lost_since : 0;
  return lost ? line.map(([time, share]) => [time + lost, share]) : line;
}

/** What `shareDue` finds for an order; null where it follows no schedule. */
export const dueOf = (order, line, now, done) => (followsSchedule(order) ? shareDue(line, now, done) : null);

/**
 * The edges of the range in which `shareDue` finds nothing ahead or behind, as steps through time. A slice counts from
 * its start at the upper edge, and from its end at the lower one.
 */
export function allowedEdges(line) {
  const steps = line.slice(1).map(([end, height], index) => [line[index], [end, height]]);
  return {
    least: [...line.slice(0, 1), ...steps.flatMap(([[, before], [end, height]]) => [[end, before], [end, height]])],
    most: [...line.slice(0, 1), ...steps.flatMap(([[start], [end, height]]) => [[start, height], [end, height]])],
  };
}

/** The share that is done when the plan ends, if the order goes on as it did under this plan; null without a plan. */
export function finishShare(line, at, done) {
  const due = shareDue(line, at, done);
  if (due === null) return null;
  if (due - done < ON_SCHEDULE) return 1;
  const first = line[0][1];
  const kept = Math.max(0, done - first) / (due - first);
  return Math.max(done, first + kept * (1 - first));
}
