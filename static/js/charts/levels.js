// Prices that are lines across a chart; one off the picture is named at its edge.

import { levelLine, levelName } from "./style.js";
import { decimal } from "../lib/format.js";

/** Lines and names of levels [label, price, colour, dash]; unknown ones are left out. */
export function levelMarks(levels, range, digits) {
  const shapes = [];
  const annotations = [];
  for (const [label, value, color, dash] of range ? levels : []) {
    if (value === null || value === undefined) continue;
    const height = Number(value);
    if (height >= range[0] && height <= range[1]) {
      shapes.push(levelLine(height, color, dash));
      annotations.push(levelName(`${label} ${decimal(height.toFixed(digits))}`, height, color));
    } else {
      const above = height > range[1];
      annotations.push(levelName(`${label} ${decimal(value)} ${above ? "↑" : "↓"}`, above ? 1 : 0, color, "paper", above ? "top" : "bottom"));
    }
  }
  partLabels(annotations.filter((label) => label.yref === "y"), range);
  return { shapes, annotations };
}

/** Where two labels would lie on each other, the lower one hangs below its line. */
function partLabels(labels, range) {
  labels.sort((left, right) => left.y - right.y);
  for (let index = 1; index < labels.length; index += 1) {
    if (labels[index].y - labels[index - 1].y < (range[1] - range[0]) * 0.09) labels[index - 1].yanchor = "top";
  }
}

/** The range that shows all values, with room; undefined without one. */
export function padded(values) {
  if (!values.length) return undefined;
  // Not Math.min(...values): a long order has more samples than a call may have arguments.
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const room = Math.max((high - low) * 0.12, high * 0.00002);
  return [low - room, high + room];
}
