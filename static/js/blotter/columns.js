// The panel in which a person chooses and orders the blotter's columns, and keeps views of it.

import { byId, element } from "../lib/dom.js";
import { keep } from "../lib/storage.js";
import { keysOf, layoutOf, moved, readKept, toggled, withView } from "./layout.js";

/** The cells in the order of the layout, hidden ones hidden; they stay in the row, so what ticks in them finds them. */
export function arranged(cells, layout) {
  const byKey = new Map(cells);
  return keysOf(layout).filter((key) => byKey.get(key)).map((key) => {
    byKey.get(key).hidden = layout.hidden.includes(key);
    return byKey.get(key);
  });
}

export function blotterColumns({ table, memory, redraw }) {
  const head = table.tHead.rows[0];
  const heads = [...head.cells].map((cell) => [cell.dataset.column, cell]);
  const known = heads.map(([key]) => key);
  const labels = new Map(heads.map(([key, cell]) => [key, cell.textContent.replace(/[▲▼]/g, "").trim()]));
  const kept = readKept(memory);
  let layout = layoutOf(kept.layout, known);
  let views = kept.views ?? [];
  let isOwn = Boolean(kept.layout);

  /** The layout as it is seen: what a narrow window leaves out is hidden until a person says otherwise. */
  function seen() {
    if (isOwn) return layout;
    const hidden = heads.filter(([, cell]) => getComputedStyle(cell).display === "none").map(([key]) => key);
    return layoutOf({ order: layout.order, hidden }, known);
  }

  function store() {
    keep(memory, JSON.stringify({ layout: isOwn ? layout : null, views }));
  }

  function apply() {
    table.classList.toggle("is-custom", isOwn);
    head.replaceChildren(...arranged(heads, layout));
    redraw();
  }

  function change(next) {
    layout = next;
    isOwn = true;
    store();
    apply();
    drawPanel();
  }

  function line(key) {
    const box = element("input", { type: "checkbox", checked: !seen().hidden.includes(key) });
    box.addEventListener("change", () => change(toggled(seen(), key)));
    const move = (by, sign, word) => {
      const button = element("button", { type: "button", class: "quiet", "data-move": `${key} ${by}`, "aria-label": `Move ${labels.get(key)} ${word}` }, sign);
      button.addEventListener("click", () => {
        change(moved(seen(), key, by));
        byId("columns-list").querySelector(`[data-move="${key} ${by}"]`).focus();
      });
      return button;
    };
    return element("li", {}, element("label", {}, box, ` ${labels.get(key)}`), move(-1, "↑", "up"), move(1, "↓", "down"));
  }

  function viewLine(view) {
    const link = element("a", { href: `${location.pathname}${view.query}` }, view.name);
    link.addEventListener("click", () => {
      isOwn = Boolean(view.layout);
      layout = layoutOf(view.layout, known);
      store();
    });
    const remove = element("button", { type: "button", class: "quiet", "aria-label": `Remove the view ${view.name}` }, "✕");
    remove.addEventListener("click", () => {
      views = views.filter((each) => each.name !== view.name);
      store();
      drawPanel();
    });
    return element("li", {}, link, remove);
  }

  function drawPanel() {
    byId("columns-list").replaceChildren(...layout.order.map(line));
    byId("views-list").replaceChildren(...views.map(viewLine));
    byId("views-none").hidden = views.length > 0;
  }

  byId("columns-reset").addEventListener("click", () => {
    isOwn = false;
    layout = layoutOf(null, known);
    store();
    apply();
    drawPanel();
  });
  byId("view-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = byId("view-name").value.trim();
    if (!name) return;
    views = withView(views, { name, query: location.search, layout: isOwn ? layout : null });
    byId("view-name").value = "";
    store();
    drawPanel();
  });
  byId("columns-panel").addEventListener("toggle", (event) => event.newState === "open" && drawPanel());
  return { layout: () => layout, apply };
}
