// What this browser has told already, over all of its tabs: each piece of news is told once.

import { keep, kept } from "./storage.js";

const MEMORY = "tranche-told";
const LOCK = "tranche-told";
const REMEMBERED = 200;
/** A tab that nobody sees leaves the news to one that somebody may see. */
const HIDDEN_WAITS = 1500;

/** What this page has told, should the browser remember nothing. */
const here = new Set();

function read() {
  try {
    return JSON.parse(kept(MEMORY) ?? "[]");
  } catch {
    return [];
  }
}

/** Those of the ids that no tab has told, which are this tab's to tell from now on. */
function take(ids) {
  const told = read();
  const fresh = ids.filter((id) => !told.includes(id) && !here.has(id));
  for (const id of ids) here.add(id);
  if (fresh.length) keep(MEMORY, JSON.stringify([...told, ...fresh].slice(-REMEMBERED)));
  return fresh;
}

/** Without locks, as on a page that is not secure, two tabs may very rarely tell the same. */
const locked = (act) => (navigator.locks ? navigator.locks.request(LOCK, act) : Promise.resolve(act()));

export async function claim(ids) {
  if (!ids.length) return [];
  if (document.hidden) await new Promise((done) => setTimeout(done, HIDDEN_WAITS));
  return locked(() => take(ids));
}
