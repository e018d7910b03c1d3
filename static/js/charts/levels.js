// Prices that are lines across a chart; one off the picture is named at its edge.

import { levelLine, levelName } from "./style.js";
import { decimal } from "../lib/format.js";

/** Pixels between two names at the same edge. */
const LINE = 14;

/**
 * Lines and names of levels [label, price, colour, dash]; unknown ones are left out. `paper` is the colour behind the
 * names, and `bottom` where the heights end, as a part of the whole chart.
 */
export function levelMarks(levels, range, digits, { paper, bottom = 0 } = {}) {
  const shapes = [];
  const annotations = [];
  const edges = { top: 0, bottom: 0 };
  for (const [label, value, color, dash] of range ? levels : []) {
    if (value === null || value === undefined) continue;
    const height = Number(value);
    const named = `${label} ${decimal(value, digits)}`;
    if (height >= range[0] && height <= range[1]) {
      shapes.push(levelLine(height, color, dash));
      annotations.push({ ...levelName(named, height, color), bgcolor: paper });
    } else {
      const [edge, arrow, at, sign] = height > range[1] ? ["top", "↑", 1, -1] : ["bottom", "↓", bottom, 1];
      annotations.push({ ...levelName(`${named} ${arrow}`, at, color, "paper", edge), bgcolor: paper, yshift: sign * LINE * edges[edge] });
      edges[edge] += 1;
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

/** How near to a label on the axis another one would touch it, as a part of the heights. */
const TOUCHES = 0.065;

/** Prices that the axis would write too near to one of its tags, without words: Plotly chooses the others. */
export function hiddenTicks(tags, range, digits) {
  if (!range) return {};
  const height = range[1] - range[0];
  const power = Math.floor(Math.log10(height / 6));
  const unit = 10 ** power;
  const near = tags.flatMap((tag) => {
    const [first, last] = [Math.ceil((tag - TOUCHES * height) / unit), Math.floor((tag + TOUCHES * height) / unit)];
    return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * unit);
  });
  return Object.fromEntries(near.map((price) => [decimal(price, Math.max(digits, -power)), ""]));
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
