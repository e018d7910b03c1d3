// The page's own modules: each registers its `start` at import and does nothing else. The shell, the last script, starts them.

import { loadPlotly } from "./plotly.js";

const starts = [];

export const register = (start) => starts.push(start);

/**
 * Starts each of them in their order, before the document is complete, and then loads Plotly where the page has
 * charts. One that fails is reported as an uncaught error, and the others start all the same.
 */
export function startPages() {
  for (const start of starts) {
    try {
      start();
    } catch (error) {
      reportError(error);
    }
  }
  loadPlotly();
}
