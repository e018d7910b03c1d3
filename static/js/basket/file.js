// A file of rows as text: in the browser, so that what is reviewed stands in the page.

/** The text of bytes that are UTF-8, without a byte-order mark; throws for any other encoding. Pure. */
export function decoded(bytes) {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/** Why these bytes are no basket; empty for those that are read. Pure. */
export function fileProblem(name, bytes, most) {
  if (bytes.byteLength === 0) return `${name} is empty.`;
  if (bytes.byteLength > most * 4) return `${name} has ${bytes.byteLength.toLocaleString("en")} bytes. A basket has at most ${most.toLocaleString("en")} characters.`;
  try {
    decoded(bytes);
    return "";
  } catch {
    return `${name} is not UTF-8. Save it as UTF-8: in a spreadsheet, "CSV UTF-8".`;
  }
}
