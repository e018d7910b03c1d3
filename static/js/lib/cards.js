// Tables that are cards on a narrow screen: there each cell says itself what its column's head says on a wide one.

/** The words of each head. One that only screen readers hear labels nothing: its cells are buttons. Pure. */
const headsOf = (table) => [...table.tHead.rows[0].cells].map((cell) => (cell.querySelector(".visually-hidden") ? "" : cell.textContent.trim()));

/** Gives a row's cells their labels. One that spans columns says something of the whole row. */
export function labelRow(row, heads) {
  [...row.cells].forEach((cell, index) => {
    if (heads[index] && cell.colSpan === 1) cell.dataset.label = heads[index];
  });
  return row;
}

/** Labels all cards on the page, and those that come later with an answer of the server. */
export function labelCards() {
  for (const table of document.querySelectorAll("table[data-cards]")) {
    const heads = headsOf(table);
    for (const body of table.tBodies) for (const row of body.rows) labelRow(row, heads);
  }
}

export function watchCards() {
  labelCards();
  document.body.addEventListener("htmx:afterSwap", labelCards);
}
