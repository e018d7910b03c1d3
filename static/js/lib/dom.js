// Elements without innerHTML: text stays text, whatever an exchange or a person wrote into it.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; null and undefined children are left out. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A cell of a table; its class and tooltip. */
export const cell = (text, kind = "", title = null) => element("td", { class: kind || null, title }, text);
export const number = (text, kind = "", title = null) => cell(text, `number ${kind}`.trim(), title);

/** The cells of a row with the names of their columns, by which the styles place them; null cells are left out. */
export const named = (cells) =>
  cells.filter(([, node]) => node).map(([name, node]) => {
    node.dataset.column = name;
    return node;
  });

export const byId = (id) => document.getElementById(id);

/** Sets the text only when it differs, so that a selection in it survives. */
export function setText(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

export function readJson(id) {
  const node = byId(id);
  return node ? JSON.parse(node.textContent) : null;
}

/** A progress bar with the schedule's mark; shares from 0 to 1, mark may be null. */
export function bar(done, mark, label) {
  const svg = document.createElementNS(SVG, "svg");
  const parts = [["rect", { class: "bar-track", x: 0, y: 1, width: 100, height: 6 }]];
  parts.push(["rect", { class: "bar-done", x: 0, y: 1, width: Math.min(100, Math.max(0, done * 100)), height: 6 }]);
  if (mark !== null) {
    const at = Math.min(100, Math.max(0, mark * 100));
    parts.push(["line", { class: "bar-mark", x1: at, x2: at, y1: -2, y2: 10 }]);
  }
  const attributes = { viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": label };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  for (const [tag, values] of parts) {
    const part = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(values)) part.setAttribute(name, value);
    svg.append(part);
  }
  return svg;
}

const filled = new WeakMap();

/** Fills a host with what is built of each row, only when a row differs, so that a selection in it survives. */
export function fillOnce(host, rows, build) {
  const key = JSON.stringify(rows);
  if (filled.get(host) === key) return;
  filled.set(host, key);
  host.replaceChildren(...rows.flatMap(build));
}

/** A list of names and values, each with its class and tooltip; null is a rule above the next one. */
export const fillList = (host, rows) =>
  fillOnce(host, rows, (row, index) => {
    if (row === null) return [];
    const [name, value, kind = "number", title = null] = row;
    const ruled = rows[index - 1] === null ? "ruled" : "";
    return [element("dt", { class: ruled || null }, name), element("dd", { class: `${kind} ${ruled}`.trim() || null, title }, value)];
  });

/** The rows of a table body in this order; untouched when they stand so, and the focus stays on what had it. */
export function arrange(body, nodes) {
  if (nodes.length === body.children.length && nodes.every((node, index) => node === body.children[index])) return;
  const focused = document.activeElement;
  const held = body.contains(focused) && focused;
  body.replaceChildren(...nodes);
  if (held && body.contains(held)) held.focus({ preventScroll: true });
}

/** Whether the page has the layout of a phone. */
export const isNarrow = () => matchMedia("(max-width: 600px)").matches;
