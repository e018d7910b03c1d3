// A person's own page: what they switch on and off in this browser, and how the sounds sound.

import { byId, setText } from "../lib/dom.js";
import { canNotify, isRefused, notifies, REFUSED, switchNotifying } from "../lib/notifying.js";
import { isOn } from "../lib/settings.js";
import { play } from "../lib/sounds.js";
import { register } from "../lib/pages.js";

function notifications() {
  const box = byId("notify");
  const draw = () => {
    box.checked = notifies();
    box.disabled = !canNotify() || isRefused();
    if (box.disabled) setText(byId("notify-hint"), isRefused() ? REFUSED : "This browser has no notifications here.");
  };
  box.addEventListener("change", () => switchNotifying().then(draw));
  draw();
}

function sounds() {
  const samples = [...document.querySelectorAll("[data-sound]")];
  const draw = () => {
    for (const button of samples) button.disabled = !isOn("sounds");
  };
  byId("sounds").addEventListener("change", () => setTimeout(draw)); // the box itself is kept by then
  for (const button of samples) button.addEventListener("click", () => play(button.dataset.sound));
  draw();
}

export function start() {
  notifications();
  sounds();
}

register(start);
