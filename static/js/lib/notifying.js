// The browser's own notifications, where the browser has them and the person allows them.

import { keep, kept } from "./storage.js";

const ALLOWED = "tranche-notify";

/** Why there are none when the person has refused them: only the browser's settings take that back. */
export const REFUSED = "This browser has refused notifications for the desk. Allow them in its settings.";

export const canNotify = () => "Notification" in window;
export const isRefused = () => canNotify() && Notification.permission === "denied";
export const notifies = () => canNotify() && Notification.permission === "granted" && kept(ALLOWED) === "on";

/** Asks the browser, from a click; returns whether it notifies from now on. */
export async function switchNotifying() {
  if (notifies()) keep(ALLOWED, "off");
  else if ((await Notification.requestPermission()) === "granted") keep(ALLOWED, "on");
  return notifies();
}

export function notify(title, body, tag, path) {
  const shown = new Notification(title, { body, tag });
  shown.addEventListener("click", () => {
    window.focus();
    location.assign(path);
  });
}
