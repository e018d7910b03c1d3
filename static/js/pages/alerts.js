// The page of alerts: the button that allows the browser's own notifications.

import { canNotify, notifies, switchNotifying } from "../lib/bell.js";
import { byId, setText } from "../lib/dom.js";
import "./local_times.js";

const button = byId("notify");
const hint = byId("notify-hint");

function draw() {
  button.hidden = !canNotify();
  setText(button, notifies() ? "Stop notifying this browser" : "Notify me in this browser");
  const denied = canNotify() && Notification.permission === "denied";
  button.disabled = denied;
  setText(hint, denied ? "This browser has refused notifications for the desk. Allow them in its settings." : notifies() ? "Notifications are on." : "");
}

button.addEventListener("click", () => switchNotifying().then(draw));
draw();
