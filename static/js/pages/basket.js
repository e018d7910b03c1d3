// A basket: how it stands, its orders live, and the actions on all of them, which are those on many chosen rows.

import { drawStanding } from "../basket/standing.js";
import { layoutOf } from "../blotter/layout.js";
import { orderList } from "../blotter/list.js";
import { byId, readJson } from "../lib/dom.js";
import { register } from "../lib/pages.js";

/** The buttons that act on all orders; `fits` says which of them allow an action. */
function drawActions(host, size, fits) {
  for (const button of host.querySelectorAll("[data-basket]")) {
    const fit = fits(button.dataset.basket).length;
    button.disabled = fit === 0;
    button.title = fit === 0 ? "No order of the basket allows this now." : `Fits ${fit} of ${size}.`;
  }
}

export function start() {
  const first = readJson("basket-data");
  const actions = byId("basket-actions");
  const layout = layoutOf(null, [...document.querySelectorAll("th[data-column]")].map((cell) => cell.dataset.column));
  const list = orderList({ first, path: `/ws/baskets/${byId("orders").dataset.basket}/`, layout: () => layout, take: draw });

  function draw({ basket }) {
    drawStanding(basket);
    drawActions(actions, basket.size, list.bulk.fits);
  }

  actions.addEventListener("click", (event) => {
    const button = event.target.closest("[data-basket]");
    if (button) list.bulk.openFor(button.dataset.basket);
  });
  list.draw();
  draw(first);
}

register(start);
