"use strict";

// Draws the charts of a report in the colours of the reader's theme, and in light ones on paper.
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const light = matchMedia("(prefers-color-scheme: light)");

  const read = (style, name) => style.getPropertyValue(name).trim();

  /** A copy of `value` in which the name of a token is its colour. */
  function coloured(value, style) {
    if (typeof value === "string") return value.startsWith("--") ? read(style, value) : value;
    if (Array.isArray(value)) return value.map((each) => coloured(each, style));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, coloured(each, style)]));
  }

  /** Upright bars stand on names: lines between names say nothing. */
  const isUpright = (traces) => traces.every(({ type, orientation }) => ["bar", "box"].includes(type) && orientation !== "h");

  function layoutOf(own, traces, style) {
    const muted = read(style, "--muted");
    const axis = { gridcolor: read(style, "--line"), linecolor: read(style, "--line"), zerolinecolor: muted, tickfont: { size: 11, color: muted }, automargin: true, separatethousands: true, exponentformat: "none" };
    const { xaxis, yaxis, ...others } = coloured(own, style);
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: read(style, "--sans"), size: 12, color: muted },
      margin: { l: 56, r: 14, t: 8, b: 40 },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { color: read(style, "--text") } },
      hoverlabel: { bgcolor: read(style, "--raised"), bordercolor: read(style, "--line"), font: { family: read(style, "--mono"), size: 12, color: read(style, "--text") } },
      bargap: 0.25,
      ...others,
      xaxis: { ...axis, showgrid: !isUpright(traces), ...xaxis },
      yaxis: { ...axis, ...yaxis },
    };
  }

  function draw(isLight) {
    document.documentElement.dataset.theme = isLight ? "light" : "dark";
    const style = getComputedStyle(document.documentElement);
    charts.forEach(({ traces, layout }, number) => {
      const place = document.getElementById(`chart-${number}`);
      if (layout.height) place.style.height = `${layout.height}px`;
      window.Plotly.react(place, coloured(traces, style), layoutOf(layout, traces, style), { displaylogo: false, responsive: true, showTips: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] });
    });
  }

  draw(light.matches);
  light.addEventListener("change", () => draw(light.matches));
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw(light.matches));
})();
