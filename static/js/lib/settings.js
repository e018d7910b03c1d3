// What a person switches on and off in this browser, and the boxes that do it, on whichever page they stand.

import { keep, kept } from "./storage.js";

/** Where each is kept, and what holds until somebody chooses. */
const SETTINGS = {
  shortcuts: { memory: "tranche-shortcuts", first: true },
  sounds: { memory: "tranche-sounds", first: false },
};
/** What was chosen on this page, for a browser that keeps nothing. */
const chosen = new Map();

export function isOn(name) {
  const { memory, first } = SETTINGS[name];
  const text = kept(memory);
  return text === null ? (chosen.get(name) ?? first) : text === "on";
}

function switchTo(name, on) {
  chosen.set(name, on);
  keep(SETTINGS[name].memory, on ? "on" : "off");
}

export function watchSettings() {
  const boxes = [...document.querySelectorAll("[data-setting]")];
  const draw = () => {
    for (const box of boxes) box.checked = isOn(box.dataset.setting);
  };
  for (const box of boxes) {
    box.addEventListener("change", () => {
      switchTo(box.dataset.setting, box.checked);
      draw();
    });
  }
  addEventListener("storage", draw); // another tab of this browser
  draw();
}
