// Charts as PNG, made in the browser. A picture carries its title, its legend and its time, because it leaves the page.

import { colours } from "./style.js";
import { notice } from "../lib/notices.js";

/** Pixels of the picture for one of the page. */
const SCALE = 2;
const HEAD = 48;

/** Each button saves the chart that its `data-png` selects. */
export function pngButtons() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-png]");
    if (button) savePng(button);
  });
}

async function savePng(button) {
  const node = document.querySelector(button.dataset.png);
  if (!window.Plotly || !node?.data?.length) {
    notice("This chart shows nothing yet.");
    return;
  }
  button.disabled = true;
  try {
    const now = new Date();
    const address = await window.Plotly.toImage(pictureOf(node, button, now), sizeOf(node));
    offer(bytesOf(address), `${button.dataset.file}-${stamp(now)}.png`);
  } catch (error) {
    notice("The chart could not be saved as PNG.");
    throw error;
  } finally {
    button.disabled = false;
  }
}

const sizeOf = (node) => ({ format: "png", width: node.clientWidth, height: node.clientHeight + HEAD, scale: SCALE });

/** The same figure on the panel's colour, with the title and the words beside it above. */
function pictureOf(node, button, now) {
  const colour = colours();
  const time = `${now.toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const margin = node.layout.margin ?? {};
  const legend = button.parentElement.querySelector(".unit")?.textContent ?? "";
  const head = (text, size, color, more) => ({ text, xref: "paper", yref: "paper", y: 1, yanchor: "bottom", yshift: (margin.t ?? 0) + 18, showarrow: false, font: { size, color }, ...more });
  return {
    data: node.data,
    layout: {
      ...node.layout,
      paper_bgcolor: colour.panel,
      plot_bgcolor: colour.panel,
      margin: { ...margin, t: (margin.t ?? 0) + HEAD },
      annotations: [
        ...(node.layout.annotations ?? []),
        head(button.dataset.subject, 13, colour.text, { x: 0, xanchor: "left" }),
        head(time, 11, colour.muted, { x: 1, xanchor: "right" }),
        ...(legend ? [head(legend, 10, colour.muted, { x: 0, xanchor: "left", yshift: (margin.t ?? 0) + 2 })] : []),
      ],
    },
  };
}

/** 20260301-140509, UTC. */
const stamp = (now) => now.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");

/** The picture's bytes. The policy lets no script fetch a data address. */
function bytesOf(address) {
  const bytes = Uint8Array.from(atob(address.split(",")[1]), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: "image/png" });
}

function offer(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has begun with the click; the address is not needed any more.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
