// The page's own modules: they stand in the page as scripts with `data-page`, do nothing at import, and are started here.

import { loadPlotly } from "./plotly.js";

/**
 * Starts each of them in their order, and then loads Plotly where the page has charts. One that cannot be loaded or
 * started is reported as an uncaught error, and the others start all the same.
 */
export async function startPages() {
  const pages = [...document.querySelectorAll("script[data-page]")].map(({ src }) => import(src));
  await new Promise((done) => document.addEventListener("DOMContentLoaded", done));
  for (const page of pages) await page.then(({ start }) => start()).catch(reportError);
  await loadPlotly();
}
