// Numbers and times as they stand on the desk. Decimals come as text; unknown is a dash, never zero.

export const DASH = "–";
const known = (value) => value !== null && value !== undefined && value !== "";

/** How many places a tick or lot has: "0.00100" and "0.001" have three. */
export function places(step) {
  if (!known(step)) return null;
  const fraction = String(step).split(".")[1] ?? "";
  return fraction.replace(/0+$/, "").length;
}

const grouped = (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ",");

/**
 * A number or its text to so many places, half to even as the server rounds. What rounds to zero has no sign.
 */
export function rounded(value, digits) {
  const given = String(value);
  if (!Number.isFinite(Number(given))) return given;
  const text = /e/i.test(given) ? Number(value).toFixed(20) : given;
  const [whole, fraction = ""] = text.replace("-", "").split(".");
  let units = BigInt(whole + fraction.slice(0, digits).padEnd(digits, "0"));
  const rest = fraction.slice(digits).replace(/0+$/, "");
  if (rest > "5" || (rest === "5" && units % 2n === 1n)) units += 1n;
  const shown = String(units).padStart(digits + 1, "0");
  const sign = text.startsWith("-") && units !== 0n ? "-" : "";
  return sign + (digits ? `${shown.slice(0, -digits)}.${shown.slice(-digits)}` : shown);
}

/** Exact text with thousands separators, padded or rounded to a number of places when one is given. */
export function decimal(value, digits = null) {
  if (!known(value)) return DASH;
  const text = digits === null ? String(value) : rounded(value, digits);
  const negative = text.startsWith("-") && Number(text) !== 0;
  const [whole, fraction] = text.replace("-", "").split(".");
  return (negative ? "−" : "") + grouped(whole) + (fraction ? `.${fraction}` : "");
}

export const price = (value, tick, extra = 0) => decimal(value, tick === null ? null : places(tick) + extra);
export const quantity = (value, lot) => decimal(value, lot === null ? null : places(lot));

const UNITS = [[1e9, " G"], [1e6, " M"], [1e3, " k"], [1, ""]];
/** What rounds to a thousand of a unit is one of the next. */
const NEXT = 0.9995;

/** 4.1 M: a sum that is read from across the room; exact in the tooltip. */
export function short(value) {
  if (!known(value)) return DASH;
  const size = Math.abs(Number(value));
  const [scale, unit] = UNITS.find(([least]) => size >= NEXT * least) ?? UNITS.at(-1);
  const shown = (size / scale).toFixed(unit && size / scale < 99.95 ? 1 : 0);
  return `${Number(value) < 0 && Number(shown) > 0 ? "−" : ""}${shown}${unit}`;
}

/** Basis points with a sign: + is cost. What is shown as zero has none. */
export function points(value, digits = 1) {
  if (!known(value)) return DASH;
  const text = decimal(value, digits);
  return (Number(rounded(value, digits)) > 0 ? "+" : "") + text;
}

/** The colour of a cost as it is shown: none for what is shown as zero. */
export function costClass(value, digits = 1) {
  const shown = known(value) ? Number(rounded(value, digits)) : 0;
  return shown > 0 ? "warn" : shown < 0 ? "good" : "";
}

/** A number of at least two places, times 100: as text, because a product of floating numbers rounds otherwise. */
function hundredfold(text) {
  const [whole, fraction] = text.replace("-", "").split(".");
  const places = fraction.slice(2);
  return `${text.startsWith("-") ? "-" : ""}${BigInt(whole + fraction.slice(0, 2))}${places ? `.${places}` : ""}`;
}

/** A part is never shown as the whole, nor something as nothing. */
export function percent(share, digits = 1) {
  const number = Number(share);
  if (!known(share) || !Number.isFinite(number)) return DASH;
  const shown = hundredfold(rounded(share, digits + 2));
  const least = 10 ** -digits;
  if (number < 1 && Number(shown) === 100) return `>${(100 - least).toFixed(digits)} %`;
  if (number > 0 && Number(shown) === 0) return `<${least.toFixed(digits)} %`;
  return `${shown.replace("-", "−")} %`;
}

/** A share of the market's volume: it may be small, so below 1 % it has two decimals. */
export const participation = (share) => percent(share, known(share) && Number(share) < 0.01 ? 2 : 1);

/** 14:52:07, UTC; with milliseconds or without. */
export function clock(milliseconds, exact = false) {
  if (!known(milliseconds)) return DASH;
  return new Date(milliseconds).toISOString().slice(11, exact ? 23 : 19);
}

/** The clock, with the day before it when that is not today. */
export function moment(milliseconds, now) {
  if (!known(milliseconds)) return DASH;
  const day = new Date(milliseconds).toISOString().slice(0, 10);
  return day === new Date(now).toISOString().slice(0, 10) ? clock(milliseconds) : `${day} ${clock(milliseconds)}`;
}

/** The same for a column: the clock today, "12-01 23:58" on another day of this year, the date alone in another year. */
export function shortMoment(milliseconds, now) {
  if (!known(milliseconds)) return DASH;
  const [at, today] = [milliseconds, now].map((each) => new Date(each).toISOString());
  const [date, time] = at.split("T");
  if (today.startsWith(date)) return clock(milliseconds);
  return today.slice(0, 4) === date.slice(0, 4) ? `${date.slice(5)} ${time.slice(0, 5)}` : date;
}

/** For a tooltip: the same moment where the reader is. */
export function local(milliseconds) {
  if (!known(milliseconds)) return "";
  const zone = { dateStyle: "medium", timeStyle: "medium" };
  return `${new Date(milliseconds).toLocaleString(undefined, zone)} your time`;
}

/** 00:00:11 */
export function countdown(milliseconds) {
  if (!known(milliseconds)) return DASH;
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** 0.3 s, 41 s, 12 min, 3 h: how long ago. */
export function age(milliseconds) {
  if (!known(milliseconds)) return DASH;
  const seconds = Math.max(0, milliseconds / 1000);
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}

/** 1 h 30 min */
export function spoken(milliseconds) {
  if (!known(milliseconds)) return DASH;
  const seconds = Math.round(milliseconds / 1000);
  const parts = [
    [Math.floor(seconds / 86400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  return parts.filter(([count]) => count).map(([count, unit]) => `${count} ${unit}`).join(" ") || "0 s";
}
