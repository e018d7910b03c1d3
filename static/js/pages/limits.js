// What the chosen kind of limit bounds, under its field.

import { byId, setText } from "../lib/dom.js";
import { register } from "../lib/pages.js";

export function start() {
  const kind = byId("kind");
  if (!kind) return; // who may not set limits has no form
  const explain = () => setText(byId("kind-about"), kind.selectedOptions[0]?.title ?? "");
  kind.addEventListener("change", explain);
  explain();
}

register(start);
