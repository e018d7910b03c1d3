// The list of live orders: tiles under the lines of their groups, drawn anew only where something differs.

import { bulkBar } from "../blotter/bulk.js";
import { actsOf, runAct } from "../blotter/acts.js";
import { listKeys } from "../blotter/list_keys.js";
import { patchRow } from "../blotter/row.js";
import { arrange, byId, setText } from "../lib/dom.js";
import { keep, kept } from "../lib/storage.js";
import { grouped, heldOrder } from "./groups.js";
import { fillHead, groupWords, headNode, openWords } from "./head.js";
import { tickTile, tileNode } from "./tile.js";

const GROUPED_BY = "tranche-home-grouped";

export class LiveOrders {
  /** `now` gives the server's clock. */
  constructor(now) {
    this.now = now;
    this.host = byId("tiles");
    this.switch = byId("grouping");
    this.rows = new Map();
    this.order = [];
    this.groups = {};
    this.watch = new Map();
    this.tiles = new Map();
    this.heads = new Map();
    this.shown = [];
    this.seesSeveral = "several" in byId("home").dataset;
    this.seen = new IntersectionObserver((entries) => this.watched(entries), { rootMargin: "100px" });
    this.bulk = bulkBar({ body: this.host, rows: () => this.rows, redraw: () => this.draw() });
    this.choose(kept(GROUPED_BY));
    this.listen();
  }

  get by() {
    return this.switch.querySelector("input:checked").value;
  }

  choose(name) {
    const input = [...this.switch.querySelectorAll("input")].find((each) => each.value === name);
    if (input) input.checked = true;
  }

  listen() {
    this.switch.addEventListener("change", () => {
      keep(GROUPED_BY, this.by);
      this.shown = [];
      this.heads = new Map();
      this.draw();
    });
    this.host.addEventListener("click", (event) => this.clicked(event));
    this.host.addEventListener("keydown", (event) => this.moved(event));
    listKeys({ body: this.host, rows: () => this.rows, now: this.now });
    for (const name of ["pointerleave", "focusout"]) this.host.addEventListener(name, () => setTimeout(() => this.draw(), 0));
  }

  clicked(event) {
    const group = event.target.closest("[data-choose-group]");
    if (group) this.bulk.choose(this.idsOf(group.closest("li").dataset.group), group.checked);
    const tile = event.target.closest("li[data-id]");
    const act = event.target.closest("[data-act]");
    if (tile && act) runAct(this.rows.get(tile.dataset.id), act.dataset.act, this.now);
    else if (tile && !event.target.closest("a, button, label, input") && !getSelection().toString()) location.assign(`/orders/${tile.dataset.id}/`);
  }

  /** The arrows go from order to order. */
  moved(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const tile = event.target.closest("li[data-id]");
    if (!step || !tile) return;
    event.preventDefault();
    const links = [...this.host.querySelectorAll("li[data-id] a[data-open]")];
    const next = links.indexOf(tile.querySelector("a[data-open]")) + step;
    links[Math.min(links.length - 1, Math.max(0, next))].focus();
  }

  idsOf(key) {
    return grouped(this.rows, this.shown, this.by).find((group) => group.key === key)?.ids ?? [];
  }

  get isHeld() {
    return this.host.matches(":hover") || this.host.contains(document.activeElement);
  }

  take({ rows, order, groups }, watch) {
    this.rows = rows;
    this.order = order;
    this.groups = groups;
    this.watch = watch;
  }

  draw() {
    if (document.hidden) return;
    this.shown = this.isHeld ? heldOrder(this.shown, this.order) : this.order;
    const groups = grouped(this.rows, this.shown, this.by);
    const before = this.tiles;
    this.tiles = new Map(this.shown.map((id) => [id, this.tile(id)]));
    for (const [id, { node }] of before) if (!this.tiles.has(id)) this.seen.unobserve(node);
    this.heads = new Map(groups.map(({ key }) => [key, this.heads.get(key) ?? headNode(key, this.by)]));
    const hasHeads = this.by !== "all" && groups.some(({ key }) => key);
    const nodes = groups.flatMap(({ key, ids }) => [...(hasHeads ? [this.heads.get(key)] : []), ...ids.map((id) => this.tiles.get(id).node)]);
    arrange(this.host, nodes);
    for (const name of ["tiles", "tiles-head", "choose-all"]) byId(name).hidden = !nodes.length;
    byId("tiles-empty").hidden = nodes.length > 0;
    this.bulk.update(this.shown);
    for (const { key, ids } of groups) if (hasHeads) this.head(key, ids);
    this.total();
    this.tick();
  }

  tile(id) {
    const row = this.rows.get(id);
    const known = this.tiles.get(id);
    const isChosen = this.bulk.has(id);
    const showsTrader = this.seesSeveral && this.by !== "trader";
    if (known?.row === row && known.isChosen === isChosen && known.showsTrader === showsTrader) return known;
    const fresh = tileNode(row, { now: this.now(), isChosen, showsTrader });
    if (!known) {
      this.seen.observe(fresh);
      return { row, isChosen, showsTrader, node: fresh, isSeen: false };
    }
    const acted = known.node.contains(document.activeElement) && document.activeElement.matches("[data-act]");
    patchRow(known.node, fresh);
    // The button that was pressed may have become another one.
    if (acted && !known.node.contains(document.activeElement)) (known.node.querySelector("[data-act]") ?? known.node.querySelector("a")).focus();
    return { row, isChosen, showsTrader, node: known.node, isSeen: known.isSeen };
  }

  head(key, ids) {
    const group = this.groups[this.by]?.[key];
    if (!group) return; // its sums come with the next message
    const choosable = ids.filter((id) => actsOf(this.rows.get(id)).length);
    fillHead(this.heads.get(key), group, {
      isSymbol: this.by === "symbol",
      net: (this.by === "symbol" && this.watch.get(key)?.net) || null,
      choice: this.bulk.of(choosable),
      isChoosable: choosable.length > 0,
    });
  }

  total() {
    const all = this.groups.all?.[""];
    setText(byId("live-unit"), all ? `${groupWords(all)} · ${openWords(all.open)} open` : "");
  }

  /** A tile that is scrolled into sight shows what has moved meanwhile. */
  watched(entries) {
    for (const { target, isIntersecting } of entries) {
      const tile = this.tiles.get(target.dataset.id);
      if (tile?.node !== target) continue;
      tile.isSeen = isIntersecting;
      if (isIntersecting) tickTile(tile.row, target, this.now());
    }
  }

  /** What moves with time alone, of the tiles in sight. */
  tick() {
    const now = this.now();
    for (const { row, node, isSeen } of this.tiles.values()) if (isSeen) tickTile(row, node, now);
  }
}
