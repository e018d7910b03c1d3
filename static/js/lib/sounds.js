// Short sounds, made here and switched off until a person wants them: one for a fill, one for the end, one for trouble.

import { isOn } from "./settings.js";

/** Notes of each sound: hertz, and when it begins and how long it lasts, in seconds. */
const SOUNDS = {
  fill: { wave: "sine", notes: [[880, 0, 0.09]] },
  complete: { wave: "sine", notes: [[523, 0, 0.12], [659, 0.12, 0.12], [784, 0.24, 0.24]] },
  alarm: { wave: "square", notes: [[440, 0, 0.16], [330, 0.2, 0.16], [440, 0.4, 0.16], [330, 0.6, 0.16]] },
};
const VOLUME = { sine: 0.16, square: 0.06 };
/** A sound is not played again so soon: a slice may fill in many pieces. */
const PAUSE = 2000;

let context = null;
const playedAt = {};

function note({ wave }, [hertz, begins, lasts]) {
  const start = context.currentTime + begins;
  const oscillator = new OscillatorNode(context, { type: wave, frequency: hertz });
  const gain = new GainNode(context, { gain: 0 });
  // Ramps at both ends, else each note clicks.
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(VOLUME[wave], start + 0.01);
  gain.gain.setValueAtTime(VOLUME[wave], start + lasts - 0.03);
  gain.gain.linearRampToValueAtTime(0, start + lasts);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(start + lasts);
}

export function play(name) {
  if (!isOn("sounds") || !("AudioContext" in window)) return;
  const now = performance.now();
  if (now - (playedAt[name] ?? -PAUSE) < PAUSE) return;
  context ??= new AudioContext();
  // Before the first click or key a browser plays nothing. A sound that comes late would be wrong.
  if (context.state !== "running") {
    context.resume();
    return;
  }
  playedAt[name] = now;
  for (const each of SOUNDS[name].notes) note(SOUNDS[name], each);
}

/** A browser lets a page sound only after somebody has used it. */
export function watchSounds() {
  for (const name of ["pointerdown", "keydown"]) {
    addEventListener(name, () => {
      if (!isOn("sounds") || !("AudioContext" in window)) return;
      context ??= new AudioContext();
      if (context.state === "suspended") context.resume();
    }, { capture: true, passive: true });
  }
}
