// A person's own page: what they switch on and off in this browser, and how the sounds sound.

import { canNotify, notifies, switchNotifying } from "../lib/bell.js";
import { byId, setText } from "../lib/dom.js";
import { isOn } from "../lib/settings.js";
import { play } from "../lib/sounds.js";

function notifications() {
  const box = byId("notify");
  const hint = byId("notify-hint");
  const draw = () => {
    const denied = canNotify() && Notification.permission === "denied";
    box.checked = notifies();
    box.disabled = !canNotify() || denied;
    const reason = denied ? "This browser has refused notifications for the desk. Allow them in its settings." : canNotify() ? "" : "This browser has no notifications here.";
    if (reason) setText(hint, reason);
  };
  box.addEventListener("change", () => switchNotifying().then(draw));
  draw();
}

function sounds() {
  const box = byId("sounds");
  const samples = [...document.querySelectorAll("[data-sound]")];
  const draw = () => {
    for (const button of samples) button.disabled = !isOn("sounds");
  };
  box.addEventListener("change", () => setTimeout(draw)); // the box itself is kept by then
  for (const button of samples) button.addEventListener("click", () => play(button.dataset.sound));
  draw();
}

notifications();
sounds();
