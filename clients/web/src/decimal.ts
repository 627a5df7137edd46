// Exact decimal numbers. Amounts come and go as text; a float would change them.

export interface Decimal {
  /** The digits, as a whole number. */
  readonly units: bigint;
  /** How many of them stand behind the point. */
  readonly scale: number;
}

export type Rounding = "down" | "up";

// A comma may stand for the point. Before three last digits it may mean thousands too: such a number
// is refused, never guessed.
const FORM = /^([+-]?)(\d*)(?:\.(\d*)|,(?!\d{3}$)(\d*))?$/;

export const ZERO: Decimal = { units: 0n, scale: 0 };

/** Read a number as people write it, without an exponent; undefined when it is none. */
export function parse(text: string): Decimal | undefined {
  const found = FORM.exec(text.trim());
  if (!found) return undefined;
  const [, sign, whole = ""] = found;
  const fraction = found[3] ?? found[4] ?? "";
  if (whole === "" && fraction === "") return undefined;
  const units = BigInt(whole + fraction);
  return { units: sign === "-" ? -units : units, scale: fraction.length };
}

/** A number as the house writes it: ".5" is 0.5. What is no number stays as it is. */
export function plain(text: string): string {
  const value = parse(text);
  return value ? write(value) : text;
}

/** Read a number that the house has written; what is empty counts as zero. */
export function read(text: string): Decimal {
  return parse(text) ?? ZERO;
}

/** Write all digits that are needed, and at least so many behind the point. */
export function write(value: Decimal, places = 0): string {
  const sign = value.units < 0n ? "-" : "";
  const digits = (value.units < 0n ? -value.units : value.units).toString();
  const padded = digits.padStart(value.scale + 1, "0");
  const whole = padded.slice(0, padded.length - value.scale);
  const fraction = padded.slice(padded.length - value.scale).replace(/0+$/, "");
  const shown = fraction.padEnd(places, "0");
  return shown ? `${sign}${whole}.${shown}` : `${sign}${whole}`;
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: rescaled(a, scale) + rescaled(b, scale), scale };
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  return add(a, { units: -b.units, scale: b.scale });
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

/** Divide, with so many digits behind the point, the rest cut off. */
export function divide(a: Decimal, b: Decimal, scale: number): Decimal {
  if (b.units === 0n) throw new RangeError("division by zero");
  const wanted = scale + b.scale - a.scale;
  const above = wanted >= 0 ? a.units * 10n ** BigInt(wanted) : a.units;
  const below = wanted >= 0 ? b.units : b.units * 10n ** BigInt(-wanted);
  return { units: above / below, scale };
}

/** Negative when the first is the smaller one, 0 when they are equal. */
export function compare(a: Decimal, b: Decimal): number {
  const difference = subtract(a, b).units;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The nearest whole number of steps, towards zero or away from it. */
export function toStep(value: Decimal, step: Decimal, rounding: Rounding = "down"): Decimal {
  if (step.units <= 0n) return value;
  const scale = Math.max(value.scale, step.scale);
  const units = rescaled(value, scale);
  const size = rescaled(step, scale);
  const rest = units % size;
  if (rest === 0n) return { units, scale };
  const away = rounding === "up" ? (units < 0n ? -size : size) : 0n;
  return { units: units - rest + away, scale };
}

/** A part of a number, in millionths. */
export function partOf(value: Decimal, millionths: number): Decimal {
  return { units: value.units * BigInt(millionths), scale: value.scale + 6 };
}

/** As a float: for pictures, never for money. */
export function approximate(value: Decimal): number {
  return Number(write(value));
}

/** How many places a step has behind the point. */
export function placesOf(step: string): number {
  const point = step.indexOf(".");
  return point < 0 ? 0 : step.replace(/0+$/, "").length - point - 1;
}

function rescaled(value: Decimal, scale: number): bigint {
  return value.units * 10n ** BigInt(scale - value.scale);
}
