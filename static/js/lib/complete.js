// Proposals while a list of names is written: they complete the last name, whatever stands before it.

const MOST = 30;

/** Whole texts for a field: what stands before the last name, and each known name with what is typed of the last. Pure. */
export function proposals(text, names) {
  const at = Math.max(text.lastIndexOf(","), text.trimEnd().lastIndexOf(" "));
  const before = text.slice(0, at + 1).trim();
  const typed = text.slice(at + 1).trim().toUpperCase();
  if (!typed) return [];
  const written = new Set(before.toUpperCase().split(/[\s,]+/));
  const found = names.filter((name) => name.includes(typed) && !written.has(name));
  found.sort((left, right) => Number(right.startsWith(typed)) - Number(left.startsWith(typed)));
  return found.slice(0, MOST).map((name) => (before ? `${before.replace(/,$/, "")}, ${name}` : name));
}

/** Proposes names in a field's datalist; `names` is asked each time, because another field may choose the list. */
export function completeNames(input, names) {
  input.addEventListener("input", () => {
    input.list.replaceChildren(...proposals(input.value, names()).map((text) => new Option("", text)));
  });
}
