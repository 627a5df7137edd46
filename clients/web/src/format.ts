// Numbers and times as people read them. Figures keep their places, so that they never jump.

const GROUP = /\B(?=(\d{3})+(?!\d))/g;
const MINUS = "−";

export const NS_PER_MS = 1_000_000n;

/** An amount with its thousands apart, as many places as it has and at least so many. */
export function amount(text: string, places = 0): string {
  if (text === "") return "–";
  const negative = text.startsWith("-");
  const [whole = "0", fraction = ""] = (negative ? text.slice(1) : text).split(".");
  const shown = fraction.padEnd(places, "0");
  const grouped = whole.replace(GROUP, ",");
  return `${negative ? MINUS : ""}${grouped}${shown ? `.${shown}` : ""}`;
}

/** An amount cut to so many places: for what is only looked at. */
export function short(text: string, places: number): string {
  if (text === "") return "–";
  const [whole = "0", fraction = ""] = text.split(".");
  return amount(places ? `${whole}.${fraction.slice(0, places).padEnd(places, "0")}` : whole);
}

/** An amount with its sign. */
export function signed(text: string, places = 2): string {
  if (text === "") return "–";
  const shown = short(text, places);
  return text.startsWith("-") || isZero(text) ? shown : `+${shown}`;
}

/** "up", "down" or nothing: what colour a change has. */
export function trend(text: string): "up" | "down" | "" {
  if (text === "" || isZero(text)) return "";
  return text.startsWith("-") ? "down" : "up";
}

export function isZero(text: string): boolean {
  return !/[1-9]/.test(text);
}

/** Parts per million as percent with two places, rounded half away from zero. */
export function percent(ppm: number | bigint | undefined, sign = true): string {
  if (ppm === undefined) return "–";
  const value = Number(ppm);
  const hundredths = Math.round(Math.abs(value) / 100);
  const mark = value < 0 && hundredths ? MINUS : sign && value > 0 && hundredths ? "+" : "";
  return `${mark}${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, "0")} %`;
}

/** Which colour a change in parts per million has: none where it is shown as 0.00 %. */
export function trendPpm(ppm: number | bigint | undefined): "up" | "down" | "" {
  const value = Number(ppm ?? 0);
  if (Math.abs(value) < 50) return "";
  return value < 0 ? "down" : "up";
}

/** A rate in parts per million as percent, with the places that it needs. */
export function rate(ppm: number): string {
  return `${(ppm / 10_000).toFixed(4).replace(/\.?0+$/, "")} %`;
}

/** The change from one price to another, in parts per million. */
export function changePpm(from: string, to: string): number | undefined {
  const [first, last] = [Number(from), Number(to)];
  if (from === "" || to === "" || !first) return undefined;
  return Math.round(((last - first) / first) * 1_000_000);
}

export function millis(ns: bigint): number {
  return Number(ns / NS_PER_MS);
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const day = new Intl.DateTimeFormat(undefined, { day: "2-digit", month: "short", year: "numeric" });
const minute = new Intl.DateTimeFormat(undefined, {
  day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});

/** Hours, minutes and seconds. */
export function timeOf(ns: bigint): string {
  return ns ? clock.format(millis(ns)) : "–";
}

/** A day. */
export function dayOf(ns: bigint): string {
  return ns ? day.format(millis(ns)) : "–";
}

/** A day of the house's, which is one of UTC wherever one is. */
export function dayUtc(ns: bigint): string {
  return new Date(millis(ns)).toISOString().slice(0, 10);
}

/** Day and time, to the minute. */
export function momentOf(ns: bigint): string {
  return ns ? minute.format(millis(ns)) : "–";
}

const MOMENT = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2})$/;

/** A moment as people write it, UTC; NaN for what is none. */
export function momentMs(text: string): number {
  const found = MOMENT.exec(text.trim());
  const ms = found ? Date.parse(`${found[1]}T${found[2]}:00Z`) : Number.NaN;
  // A 31st of April is read as the 1st of May.
  return !Number.isNaN(ms) && momentText(BigInt(ms) * NS_PER_MS) === text.trim() ? ms : Number.NaN;
}

/** A moment as it is typed, UTC. */
export function momentText(ns: bigint): string {
  return new Date(Number(ns / NS_PER_MS)).toISOString().slice(0, 16).replace("T", " ");
}
