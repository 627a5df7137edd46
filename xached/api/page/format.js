// How figures are written. Amounts arrive as exact decimal text and stay text: they are grouped
// and padded, never rounded.

// "63210.50" → "63,210.50"
export function amount(text) {
  const [whole, fraction] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

// Fills up with zeros, so that points stand below each other: ("0.5", 3) → "0.500"
export function padded(text, decimals) {
  const [whole, fraction = ""] = text.split(".");
  return amount(decimals ? `${whole}.${fraction.padEnd(decimals, "0")}` : whole);
}

export function decimalsOf(step) {
  return step.split(".")[1]?.length ?? 0;
}

const time = (options) => new Intl.DateTimeFormat(undefined, { hourCycle: "h23", ...options });
const SECOND = time({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const MINUTE = time({ hour: "2-digit", minute: "2-digit" });
const DAY = time({ day: "numeric", month: "short" });
const DAY_UTC = time({ day: "numeric", month: "short", timeZone: "UTC" });
const DAY_MINUTE = time({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

// A label of a time axis whose labels are `step` milliseconds apart: the day at midnight. Times
// are the reader's own; candles of a day are days of UTC and named so.
export function clock(at, step, interval) {
  if (interval === "1d") return DAY_UTC.format(at);
  const date = new Date(at);
  const midnight = date.getHours() + date.getMinutes() + date.getSeconds() === 0;
  if (step >= 86_400_000 || midnight) return DAY.format(date);
  return (step < 60_000 ? SECOND : MINUTE).format(date);
}

export const timeOfDay = (at) => SECOND.format(at);

export const hourOfDay = (at) => MINUTE.format(at);

// When a candle of an interval opens, as short as it is clear.
export function moment(at, interval) {
  if (interval === "1d") return DAY_UTC.format(at);
  return (interval === "1s" ? SECOND : DAY_MINUTE).format(at);
}
