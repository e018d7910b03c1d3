// What the chosen kind of limit bounds, under its field.

import { byId, setText } from "../lib/dom.js";

const kind = byId("kind");

function explain() {
  setText(byId("kind-about"), kind.selectedOptions[0]?.title ?? "");
}

if (kind) {
  kind.addEventListener("change", explain);
  explain();
}
