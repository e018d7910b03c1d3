// The symbols of an account: the venue's own list is proposed while they are written.

import { completeNames } from "../lib/complete.js";
import { byId, readJson } from "../lib/dom.js";
import { register } from "../lib/pages.js";

export function start() {
  /** A list on an account's page; a list for each venue where the venue is chosen, too. */
  const listed = readJson("listed-symbols");
  const venue = byId("venue");
  completeNames(byId("symbols"), () => (venue === null ? listed : (listed[venue.value] ?? [])));
}

register(start);
