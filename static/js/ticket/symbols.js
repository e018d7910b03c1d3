// The symbols that a ticket offers: any chosen account may take any slice, so all of them must trade the symbol.

/** Symbols of every chosen account, of any account while none is chosen. `accounts` with their markets. Pure. */
export function commonSymbols(accounts, ids) {
  const chosen = accounts.filter((account) => ids.includes(account.id));
  const [first = [], ...others] = (chosen.length ? chosen : accounts).map((account) => account.markets.map((market) => market.symbol));
  const found = chosen.length ? first.filter((symbol) => others.every((symbols) => symbols.includes(symbol))) : new Set([first, ...others].flat());
  return [...found].sort();
}

/** What was chosen stays where it is still offered. */
export function fillSymbols(select, symbols) {
  const before = select.value;
  select.replaceChildren(...symbols.map((symbol) => new Option(symbol, symbol)));
  if (symbols.includes(before)) select.value = before;
}
