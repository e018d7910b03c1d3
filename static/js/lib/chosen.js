// A set of chosen rows that outlives their redrawing. Pure: it knows ids and their order on the screen, no elements.

export class Chosen {
  constructor() {
    this.ids = new Set();
    this.last = null;
  }

  has(id) {
    return this.ids.has(id);
  }

  get size() {
    return this.ids.size;
  }

  /** Chooses one or not; with `through`, everything from the last one to it, as it stands on the screen. */
  set(id, on, shown = [id], through = false) {
    const [from, to] = [shown.indexOf(this.last), shown.indexOf(id)];
    const range = through && from >= 0 && to >= 0 ? shown.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
    for (const each of range) {
      if (on) this.ids.add(each);
      else this.ids.delete(each);
    }
    this.last = id;
  }

  setAll(shown, on) {
    for (const id of shown) this.set(id, on);
  }

  clear() {
    this.ids.clear();
    this.last = null;
  }

  /** Forgets what is not on the screen any more: nobody acts on what they do not see. */
  keep(shown) {
    const known = new Set(shown);
    for (const id of [...this.ids]) if (!known.has(id)) this.ids.delete(id);
  }

  /** The state of a checkbox for all of these: "none", "some" or "all". */
  of(shown) {
    const count = shown.filter((id) => this.ids.has(id)).length;
    return count === 0 ? "none" : count === shown.length ? "all" : "some";
  }
}
