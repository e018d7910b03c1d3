// Live orders put together, and the order that they stand in. Pure.

/** What a group of orders is called by. */
const KEYS = { symbol: (row) => row.symbol, trader: (row) => row.trader, basket: (row) => row.basket ?? "", all: () => "" };

/** Groups by name, each with its ids in the given order. The group without a name is last. */
export function grouped(rows, order, by) {
  const groups = new Map();
  for (const id of order) {
    const key = KEYS[by](rows.get(id));
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(id);
  }
  return [...groups].sort(([one], [other]) => Number(!one) - Number(!other) || (one < other ? -1 : 1)).map(([key, ids]) => ({ key, ids }));
}

/** The order while somebody points at the list: what stands there stays, what is new follows, what is gone leaves. */
export function heldOrder(shown, order) {
  const live = new Set(order);
  const kept = shown.filter((id) => live.has(id));
  const known = new Set(kept);
  return [...kept, ...order.filter((id) => !known.has(id))];
}
