// The page of alerts: the button that allows the browser's own notifications.

import { byId, setText } from "../lib/dom.js";
import { canNotify, isRefused, notifies, REFUSED, switchNotifying } from "../lib/notifying.js";
import { register } from "../lib/pages.js";

export function start() {
  const button = byId("notify");
  const draw = () => {
    button.hidden = !canNotify();
    setText(button, notifies() ? "Stop notifying this browser" : "Notify me in this browser");
    button.disabled = isRefused();
    setText(byId("notify-hint"), isRefused() ? REFUSED : notifies() ? "Notifications are on." : "");
  };
  button.addEventListener("click", () => switchNotifying().then(draw));
  draw();
}

register(start);
