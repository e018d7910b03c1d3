// The tabs under the charts: one table at a time, chosen by click, by arrow keys and by the address.

import { byId, setText } from "../lib/dom.js";
import { TableView } from "../lib/tables.js";

const tabOf = (section) => byId(`tab-${section}`);

export class RowTabs {
  /** `leftOut` names columns that mean nothing here, and `redraw` draws the rows of another tab. */
  constructor(sections, leftOut, redraw) {
    this.sections = sections;
    this.redraw = redraw;
    this.panel = byId("panel-rows");
    this.table = new TableView(this.panel, leftOut);
  }

  /** Shows a section, the children for a name that is none. */
  select(name) {
    this.shown = this.sections.includes(name) ? name : "children";
    for (const section of this.sections) {
      const isShown = section === this.shown;
      tabOf(section).setAttribute("aria-selected", String(isShown));
      tabOf(section).tabIndex = isShown ? 0 : -1;
    }
    this.panel.setAttribute("aria-labelledby", `tab-${this.shown}`);
    this.table.select(this.shown);
    this.redraw();
  }

  /** `rows` by section. */
  draw(rows, view) {
    for (const section of this.sections) setText(tabOf(section).querySelector("b"), String(rows[section].size));
    this.table.draw(rows[this.shown].values(), view);
  }

  listen() {
    for (const section of this.sections) {
      tabOf(section).addEventListener("click", () => {
        history.replaceState(null, "", `#${section}`);
        this.select(section);
      });
    }
    document.querySelector(".tab-list").addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) this.move(step);
    });
  }

  move(step) {
    const { sections } = this;
    this.select(sections[(sections.indexOf(this.shown) + step + sections.length) % sections.length]);
    tabOf(this.shown).focus();
  }
}
