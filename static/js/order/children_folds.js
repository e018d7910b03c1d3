// What is folded from an order's children and fills: what the books show of it, and what each account has done.

/** The sum of what may still be filled of all children through time: [time, quantity] at each change, as steps. */
export function shownLine(children, fills) {
  const byChild = Map.groupBy(fills, (fill) => fill.child);
  const changes = children.flatMap((child) => changesOf(child, byChild.get(child.sequence) ?? []));
  changes.sort((left, right) => left[0] - right[0] || left[1] - right[1]);
  const line = [];
  let sum = 0;
  for (const [time, change] of changes) {
    sum += change;
    // Floating dust of sums is no quantity.
    const height = Math.abs(sum) < 1e-12 ? 0 : sum;
    if (line.at(-1)?.[0] === time) line.at(-1)[1] = height;
    else line.push([time, height]);
  }
  return line;
}

/** A child shows its quantity from its intent on, less with each fill, and nothing from its end on. */
function changesOf(child, fills) {
  let left = Number(child.quantity);
  const changes = [[child.at, left]];
  for (const fill of fills) {
    const time = Math.max(child.at, fill.at);
    if (child.ended_at !== null && time > child.ended_at) break;
    const taken = Math.min(left, Number(fill.quantity));
    left -= taken;
    changes.push([time, -taken]);
  }
  if (child.ended_at !== null && left > 0) changes.push([Math.max(child.at, child.ended_at), -left]);
  return changes;
}

/** Each account of the order with what it has filled; those without a fill too. */
export function venueRows(order, fills) {
  const labels = order.account.split(", ").filter(Boolean);
  const total = fills.reduce((sum, fill) => sum + Number(fill.quantity), 0);
  return [...new Set([...labels, ...fills.map((fill) => fill.account)])].map((label) => {
    const own = fills.filter((fill) => fill.account === label);
    const filled = own.reduce((sum, fill) => sum + Number(fill.quantity), 0);
    const notional = own.reduce((sum, fill) => sum + Number(fill.quantity) * Number(fill.price), 0);
    const fees = own.some((fill) => fill.fee_in_quote === null) ? null : own.reduce((sum, fill) => sum + Number(fill.fee_in_quote), 0);
    return {
      label,
      filled,
      share: total > 0 ? filled / total : null,
      average: filled > 0 ? notional / filled : null,
      feesBp: fees === null || notional === 0 ? null : (fees / notional) * 10000,
    };
  });
}
