// A basket: how it stands, its orders live, and the actions on all of them, which are those on many chosen rows.

import { drawStanding } from "../basket/standing.js";
import { layoutOf } from "../blotter/layout.js";
import { orderList } from "../blotter/list.js";
import { byId, readJson } from "../lib/dom.js";

const first = readJson("basket-data");
const heads = [...document.querySelectorAll("th[data-column]")].map((cell) => cell.dataset.column);
const layout = layoutOf(null, heads);
const actions = byId("basket-actions");
let basket = first.basket;

const list = orderList({
  first,
  path: `/ws/baskets/${byId("orders").dataset.basket}/`,
  layout: () => layout,
  take(message) {
    basket = message.basket;
    draw();
  },
});

function draw() {
  drawStanding(basket);
  for (const button of actions.querySelectorAll("[data-basket]")) {
    const fit = list.bulk.fits(button.dataset.basket).length;
    button.disabled = fit === 0;
    button.title = fit === 0 ? "No order of the basket allows this now." : `Fits ${fit} of ${basket.size}.`;
  }
}

actions.addEventListener("click", (event) => {
  const button = event.target.closest("[data-basket]");
  if (button) list.bulk.openFor(button.dataset.basket);
});
list.draw();
draw();
