// What the market's own volume makes due: of an order that follows it.

/**
 * [time, quantity] that should be done by the volume traded so far; empty for what does not follow it.
 * POV: its rate of it. VWAP: its share of what was traded and is still expected by the plan's profile.
 */
export function dueByVolume({ order, samples, profile, now }) {
  const start = order.started_at;
  if (start === null || start === undefined) return [];
  const rate = order.parameters.participation_rate;
  if (order.algorithm !== "vwap" && rate === undefined) return [];
  if (order.algorithm === "vwap" && !profile.length) return [];
  const total = Number(order.quantity);
  const until = order.ended_at ?? now;
  const line = [[start, 0]];
  let traded = 0;
  for (const [time, , , volume] of samples) {
    if (volume === null || time < start - 1000 || time > until) continue; // what is not known makes nothing due
    traded += Number(volume);
    const due = rate === undefined ? shareDue(traded, profile, time, order.end_at) * total : Number(rate) * traded;
    line.push([Math.max(start, time), Math.min(total, due)]);
  }
  return line.length > 1 ? line : [];
}

function shareDue(traded, profile, time, end) {
  const rest = expectedBetween(profile, time, end);
  return traded + rest > 0 ? traded / (traded + rest) : 0;
}

/** The profile's volume between two times; each entry holds until the next one, the last until the end. */
function expectedBetween(profile, from, to) {
  return profile.reduce((sum, [start, volume], index) => {
    const stop = profile[index + 1]?.[0] ?? to;
    const part = Math.min(stop, to) - Math.max(start, from);
    return stop > start && part > 0 ? sum + (volume * part) / (stop - start) : sum;
  }, 0);
}
