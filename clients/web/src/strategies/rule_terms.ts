// What a rule says: as it is typed, as it is sent, and as a sentence.

import { type MessageInitShape } from "@bufbuild/protobuf";
import { parse, write } from "../decimal";
import { momentMs, momentText, rate } from "../format";
import { Direction, MissedTimes, type RuleTerms, RuleTermsSchema } from "../gen/xache/v1/automation_pb";
import { Interval } from "../gen/xache/v1/market_pb";
import { Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";

export type When = "every" | "cron" | "price" | "gains" | "drawdown" | "indicator";
export type Then = "order" | "sellShares" | "rebalance" | "stopAll";
export type AmountOf = "quoteQuantity" | "quantity" | "sharePpm";

export interface WindowDraft {
  days: readonly number[];
  from: string;
  to: string;
}

/** A rule as it stands in the form. */
export interface RuleDraft {
  when: When;
  every: string;
  everyUnit: number;
  cron: string;
  catchUp: boolean;
  symbol: string;
  direction: Direction;
  price: string;
  gains: string;
  asset: string;
  fall: string;
  venue: string;
  interval: Interval;
  indicator: string;
  settings: Record<string, string>;
  output: string;
  threshold: string;
  then: Then;
  side: Side;
  orderSymbol: string;
  amountOf: AmountOf;
  amount: string;
  limit: string;
  shares: string;
  targets: readonly { symbol: string; weight: string }[];
  drift: string;
  sell: boolean;
  windows: readonly WindowDraft[];
  times: string;
  cooldown: string;
  ends: string;
}

export const EMPTY: RuleDraft = {
  when: "every", every: "1", everyUnit: 3600, cron: "0 9 * * mon", catchUp: false,
  symbol: "", direction: Direction.BELOW, price: "", gains: "5, 10, 20", asset: "USDT", fall: "10",
  venue: "", interval: Interval.INTERVAL_1H, indicator: "rsi", settings: {}, output: "", threshold: "30",
  then: "order", side: Side.BUY, orderSymbol: "", amountOf: "quoteQuantity", amount: "", limit: "",
  shares: "25, 25, 50", targets: [{ symbol: "", weight: "50" }], drift: "5", sell: false,
  windows: [], times: "", cooldown: "", ends: "",
};

const COMMA = /\s*,\s*/;
const PERCENT = /^\d{1,6}(\.\d{1,4})?$/;
const WHOLE = /^\d{1,9}$/;
const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/;
const MINUTE_S = 60;

/** Whole percents and parts of them in millionths; undefined where it is none. */
export function ppmOf(text: string): number | undefined {
  const number = PERCENT.test(text.trim()) ? parse(text) : undefined;
  return number && Number(write({ units: number.units * 10_000n, scale: number.scale }));
}

function sharesOf(text: string): number[] | undefined {
  const shares = text.trim().split(COMMA).map(ppmOf);
  return shares.every((each) => each !== undefined) ? shares : undefined;
}

/** What cannot be sent, by the field of the form: whether it makes sense, the house says. */
export function mistakesOf(draft: RuleDraft): Record<string, string> {
  const wrong: Record<string, string> = {};
  const number = (field: string, text: string) => {
    if (!parse(text)) wrong[field] = t.strategies.wrong.number;
  };
  const share = (field: string, text: string) => {
    if (ppmOf(text) === undefined) wrong[field] = t.rules.wrong.share;
  };
  if (draft.when === "every" && !WHOLE.test(draft.every)) wrong.schedule = t.strategies.wrong.whole;
  if (draft.when === "price") number("price", draft.price);
  if (draft.when === "indicator") number("threshold", draft.threshold);
  if (draft.when === "gains" && !sharesOf(draft.gains)) wrong.gains_ppm = t.rules.wrong.shares;
  if (draft.when === "drawdown") share("fall_ppm", draft.fall);
  if (draft.then === "order") {
    if (draft.amountOf === "sharePpm") share("amount", draft.amount);
    else number("amount", draft.amount);
    if (draft.limit) number("limit", draft.limit);
  }
  if (draft.then === "sellShares" && !sharesOf(draft.shares)) wrong.shares_ppm = t.rules.wrong.shares;
  if (draft.then === "rebalance") {
    if (draft.targets.some(({ weight }) => ppmOf(weight) === undefined)) wrong.targets = t.rules.wrong.share;
    share("drift_ppm", draft.drift);
  }
  const windows = draft.windows.every(({ days, from, to }) => days.length && CLOCK.test(from) && CLOCK.test(to));
  if (!windows) wrong.windows = t.rules.wrong.window;
  for (const [field, text] of [["max_firings", draft.times], ["cooldown_s", draft.cooldown]] as const) {
    if (text && !WHOLE.test(text)) wrong[field] = t.strategies.wrong.whole;
  }
  if (draft.ends && Number.isNaN(momentMs(draft.ends))) wrong.ends_at_ns = t.rules.wrong.moment;
  return wrong;
}

/** The rule as the house takes it, of a draft without mistakes. */
export function termsOf(draft: RuleDraft): MessageInitShape<typeof RuleTermsSchema> {
  return {
    when: whenOf(draft),
    then: thenOf(draft),
    windows: draft.windows.map(({ days, from, to }) => ({
      days: [...days].sort((a, b) => a - b), fromMinute: minuteOf(from), toMinute: minuteOf(to),
    })),
    maxFirings: Number(draft.times || "0"),
    cooldownS: Number(draft.cooldown || "0") * MINUTE_S,
    endsAtNs: draft.ends ? BigInt(momentMs(draft.ends)) * 1_000_000n : 0n,
  };
}

type Terms = MessageInitShape<typeof RuleTermsSchema>;

function whenOf(draft: RuleDraft): NonNullable<Terms["when"]> {
  const { symbol, direction } = draft;
  const missed = draft.catchUp ? MissedTimes.CATCH_UP : MissedTimes.SKIP;
  switch (draft.when) {
    case "every":
      return { case: "schedule", value: { everyS: Number(draft.every) * draft.everyUnit, missed } };
    case "cron":
      return { case: "schedule", value: { cron: draft.cron.trim(), missed } };
    case "price":
      return { case: "price", value: { symbol, direction, price: draft.price.trim() } };
    case "gains":
      return { case: "gains", value: { symbol, gainsPpm: sharesOf(draft.gains) ?? [] } };
    case "drawdown":
      return { case: "drawdown", value: { asset: draft.asset, fallPpm: ppmOf(draft.fall) ?? 0 } };
    case "indicator":
      return {
        case: "indicator",
        value: {
          symbol, direction, venue: draft.venue, interval: draft.interval, indicator: draft.indicator,
          settings: Object.entries(draft.settings).filter(([, value]) => value).map(([name, value]) => `${name}=${value}`),
          output: draft.output, threshold: draft.threshold.trim(),
        },
      };
  }
}

function thenOf(draft: RuleDraft): NonNullable<Terms["then"]> {
  switch (draft.then) {
    case "order": {
      const amount = draft.amountOf === "sharePpm"
        ? { sharePpm: ppmOf(draft.amount) ?? 0 }
        : { [draft.amountOf]: draft.amount.trim() };
      return {
        case: "order",
        value: { symbol: draft.orderSymbol, side: draft.side, price: draft.limit.trim(), ...amount },
      };
    }
    case "sellShares":
      return { case: "sellShares", value: { sharesPpm: sharesOf(draft.shares) ?? [] } };
    case "rebalance":
      return {
        case: "rebalance",
        value: {
          targets: draft.targets.map(({ symbol, weight }) => ({ symbol, weightPpm: ppmOf(weight) ?? 0 })),
          driftPpm: ppmOf(draft.drift) ?? 0,
        },
      };
    case "stopAll":
      return { case: "stopAll", value: { sell: draft.sell } };
  }
}

function minuteOf(text: string): number {
  const [hours = "0", minutes = "0"] = text.split(":");
  return Number(hours) * 60 + Number(minutes);
}

function clockOf(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

/** When a rule fires, as text. */
export function whenText(terms: RuleTerms | undefined): string {
  if (!terms) return "";
  const parts = [firesText(terms)];
  for (const { days, fromMinute, toMinute } of terms.windows) {
    const names = days.map((day) => t.rules.dayNames[day] ?? "").join(" ");
    parts.push(`${names} ${clockOf(fromMinute)}–${clockOf(toMinute)} ${t.rules.utc}`);
  }
  if (terms.cooldownS) parts.push(t.rules.rests(spanText(terms.cooldownS)));
  if (terms.maxFirings) parts.push(t.rules.timesText(terms.maxFirings));
  if (terms.endsAtNs) parts.push(t.rules.endsText(momentText(terms.endsAtNs)));
  return parts.join(" · ");
}

function firesText({ when }: RuleTerms): string {
  switch (when.case) {
    case "schedule": {
      const { cron, everyS, missed } = when.value;
      const text = cron ? t.rules.cronText(cron) : t.rules.everyText(spanText(everyS));
      return missed === MissedTimes.CATCH_UP ? `${text}, ${t.rules.catchesUp}` : text;
    }
    case "price":
      return t.rules.priceText(when.value.symbol, when.value.direction === Direction.ABOVE, when.value.price);
    case "gains":
      return t.rules.gainsText(when.value.symbol, when.value.gainsPpm.map(rate).join(", "));
    case "drawdown":
      return t.rules.drawdownText(rate(when.value.fallPpm), when.value.asset);
    case "indicator": {
      const { indicator, settings, symbol, direction, threshold } = when.value;
      const named = settings.length ? `${indicator} (${settings.join(", ")})` : indicator;
      return t.rules.indicatorText(named, symbol, direction === Direction.ABOVE, threshold);
    }
    case undefined:
      return t.rules.newer;
  }
}

/** What a rule does, as text. */
export function thenText(terms: RuleTerms | undefined): string {
  const then = terms?.then;
  switch (then?.case) {
    case "order": {
      const { side, symbol, quantity, quoteQuantity, sharePpm, price } = then.value;
      const much = sharePpm ? t.rules.shareOf(rate(sharePpm)) : quoteQuantity ? t.rules.forQuote(quoteQuantity) : quantity;
      return t.rules.orderText(side === Side.BUY, much, symbol, price);
    }
    case "sellShares":
      return t.rules.sellText(then.value.sharesPpm.map(rate).join(", "));
    case "rebalance": {
      const weights = then.value.targets.map(({ symbol, weightPpm }) => `${symbol} ${rate(weightPpm)}`);
      return t.rules.rebalanceText(weights.join(", "), rate(then.value.driftPpm));
    }
    case "stopAll":
      return then.value.sell ? t.rules.stopAndSell : t.rules.stop;
    case undefined:
      return t.rules.newer;
  }
}

function spanText(seconds: number): string {
  for (const [size, unit] of [[86_400, "day"], [3600, "hour"], [60, "minute"]] as const) {
    if (seconds >= size && seconds % size === 0) return t.rules.span(seconds / size, unit);
  }
  return t.rules.span(seconds, "second");
}
