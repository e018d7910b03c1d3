// What this browser remembers for a person. Storage may be refused: then it lasts as long as the page.

export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function keep(name, text) {
  try {
    localStorage.setItem(name, text);
  } catch {
    // It lasts as long as the page, then.
  }
}
