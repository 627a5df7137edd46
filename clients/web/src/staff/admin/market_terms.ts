// The rules of a market: as they are typed, and as they are sent.

import { create } from "@bufbuild/protobuf";
import { parse, plain, write } from "../../decimal";
import { type Instrument, InstrumentSchema } from "../../gen/xache/v1/types_pb";
import { t } from "../../messages";
import { countOf, percentText, ppmOf, stepsOf } from "./asking";

/** How a rule is typed; what may be empty says so by "optional". */
export type Kind = "name" | "amount" | "percent" | "hundredths" | "count" | "seconds" | "yes";

export interface Rule {
  /** The name that the house has for it. */
  name: keyof typeof t.admin.rules;
  kind: Kind;
  optional?: boolean;
  /** What its amounts are of. */
  of?: "base" | "quote";
}

/** What a market is counted in: never changed once it is listed. */
export const FIXED: readonly Rule[] = [
  { name: "base", kind: "name" }, { name: "quote", kind: "name" },
  { name: "tick_size", kind: "amount", of: "quote" }, { name: "lot_size", kind: "amount", of: "base" },
];

/** What may change, in groups. */
export const GROUPS: readonly (readonly [name: keyof typeof t.admin.ruleGroups, rules: readonly Rule[]])[] = [
  ["prices", [
    { name: "min_price", kind: "amount", of: "quote" }, { name: "max_price", kind: "amount", of: "quote" },
    { name: "min_notional", kind: "amount", of: "quote" }, { name: "max_notional", kind: "amount", of: "quote" },
  ]],
  ["quantities", [
    { name: "min_quantity", kind: "amount", of: "base" }, { name: "max_quantity", kind: "amount", of: "base" },
    { name: "min_market_quantity", kind: "amount", of: "base", optional: true },
    { name: "max_market_quantity", kind: "amount", of: "base" },
    { name: "max_position", kind: "amount", of: "base", optional: true },
  ]],
  ["bands", [
    { name: "buy_band_up_ppm", kind: "percent" }, { name: "buy_band_down_ppm", kind: "percent" },
    { name: "sell_band_up_ppm", kind: "percent" }, { name: "sell_band_down_ppm", kind: "percent" },
  ]],
  ["fees", [{ name: "maker_fee_ppm", kind: "percent" }, { name: "taker_fee_ppm", kind: "percent" }]],
  ["orders", [
    { name: "max_open_orders", kind: "count" },
    { name: "max_algo_orders", kind: "count", optional: true },
    { name: "max_iceberg_orders", kind: "count", optional: true },
    { name: "min_trail_bps", kind: "hundredths", optional: true },
    { name: "max_trail_bps", kind: "hundredths", optional: true },
  ]],
  ["phases", [
    { name: "mark_stale_ns", kind: "seconds" }, { name: "reference_bucket_ns", kind: "seconds" },
    { name: "reference_buckets", kind: "count" }, { name: "auction_ns", kind: "seconds" },
    { name: "volatility_halt_ns", kind: "seconds" }, { name: "opening_auction", kind: "yes" },
  ]],
];

const CHANGING = GROUPS.flatMap(([, rules]) => rules);
/** The fields that can say what the house refuses: of a listed market, and of a new one. */
export const CHANGING_FIELDS: readonly string[] = CHANGING.map(({ name }) => name);
export const NEW_FIELDS: readonly string[] = ["symbol", "asset", ...FIXED.map(({ name }) => name), ...CHANGING_FIELDS];

export type Draft = Record<string, string>;

const BPS_PER_PERCENT = 100n;
const NS_PER_S = 1_000_000_000n;
const YES = "yes";

/** What most markets begin with; the rest is for who lists it to say. */
export const EMPTY: Draft = {
  buy_band_up_ppm: "5", buy_band_down_ppm: "80", sell_band_up_ppm: "400", sell_band_down_ppm: "5",
  maker_fee_ppm: "0.02", taker_fee_ppm: "0.1", max_open_orders: "200", max_algo_orders: "100",
  max_iceberg_orders: "50", min_trail_bps: "0.1", max_trail_bps: "20", mark_stale_ns: "0",
  reference_bucket_ns: "5", reference_buckets: "12", auction_ns: "0", volatility_halt_ns: "0",
};

type Values = Record<string, string | number | bigint | boolean | undefined>;

/** The name of a field in the generated message: max_open_orders is maxOpenOrders. */
function local(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The rules of a listed market as they are typed. */
export function draftOf(told: Instrument): Draft {
  const values = told as unknown as Values;
  return Object.fromEntries([...FIXED, ...CHANGING].map(({ name, kind }) => [name, typed(kind, values[local(name)])]));
}

function typed(kind: Kind, value: Values[string]): string {
  if (value === undefined) return "";
  switch (kind) {
    case "percent":
      return percentText(Number(value));
    case "hundredths":
      return write({ units: BigInt(Number(value)), scale: 2 });
    case "seconds":
      return write({ units: BigInt(value), scale: 9 });
    case "yes":
      return value ? YES : "";
    default:
      return String(value);
  }
}

/** What is wrong with what was typed, by field; what only the house can know is not looked at. */
export function mistakesOf(draft: Draft): Record<string, string> {
  const wrong: Record<string, string> = {};
  for (const { name, kind, optional } of [...FIXED, ...CHANGING]) {
    const text = (draft[name] ?? "").trim();
    if (text === "" && (optional || kind === "yes")) continue;
    const mistake = mistakeOf(kind, text);
    if (mistake) wrong[name] = mistake;
  }
  return wrong;
}

function mistakeOf(kind: Kind, text: string): string | undefined {
  if (text === "") return t.admin.wrong.needed;
  switch (kind) {
    case "amount":
      return parse(text) ? undefined : t.admin.wrong.number;
    case "percent":
      return ppmOf(text) === undefined ? t.admin.wrong.percent : undefined;
    case "hundredths":
      return stepsOf(text, BPS_PER_PERCENT) === undefined ? t.admin.wrong.hundredths : undefined;
    case "count":
      return countOf(text) === undefined ? t.admin.wrong.count : undefined;
    case "seconds":
      return nsOf(text) === undefined ? t.admin.wrong.seconds : undefined;
    default:
      return undefined;
  }
}

/** What was typed without mistakes, as the house reads it. */
export function termsOf(draft: Draft): Instrument {
  const values: Values = { symbol: `${(draft.base ?? "").trim()}-${(draft.quote ?? "").trim()}` };
  for (const { name, kind } of [...FIXED, ...CHANGING]) values[local(name)] = sent(kind, (draft[name] ?? "").trim());
  return create(InstrumentSchema, values);
}

function sent(kind: Kind, text: string): Values[string] {
  switch (kind) {
    case "percent":
      return ppmOf(text);
    case "hundredths":
      return stepsOf(text, BPS_PER_PERCENT);
    case "count":
      return countOf(text);
    case "seconds":
      return nsOf(text);
    case "yes":
      return text === YES;
    case "amount":
      return plain(text);
    default:
      return text;
  }
}

function nsOf(text: string): bigint | undefined {
  const value = parse(text);
  if (!value || value.units < 0n || value.scale > 9) return undefined;
  return value.units * (NS_PER_S / 10n ** BigInt(value.scale));
}

/** The draft with a box ticked or not. */
export function ticked(draft: Draft, name: string, on: boolean): Draft {
  return { ...draft, [name]: on ? YES : "" };
}
