import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Direction, RuleTermsSchema } from "../src/gen/xache/v1/automation_pb";
import { Side } from "../src/gen/xache/v1/types_pb";
import { EMPTY, type RuleDraft, mistakesOf, ppmOf, termsOf, thenText, whenText } from "../src/strategies/rule_terms";

const DRAFT: RuleDraft = { ...EMPTY, symbol: "BTC-USDT", orderSymbol: "BTC-USDT", amount: "50" };

function told(change: Partial<RuleDraft>): [string, string] {
  const terms = create(RuleTermsSchema, termsOf({ ...DRAFT, ...change }));
  return [whenText(terms), thenText(terms)];
}

describe("a rule", () => {
  test.each<[Partial<RuleDraft>, string, string]>([
    [{}, "Every hour", "Buy for 50 in BTC-USDT at the market"],
    [{ every: "90", everyUnit: 60, catchUp: true }, "Every 90 minutes, catching up", "Buy for 50 in BTC-USDT at the market"],
    [{ when: "cron" }, "At 0 9 * * mon UTC", "Buy for 50 in BTC-USDT at the market"],
    [
      { when: "price", price: "50000", side: Side.SELL, amountOf: "quantity", amount: "0.1", limit: "49990" },
      "BTC-USDT falls to 50000", "Sell 0.1 in BTC-USDT at 49990",
    ],
    [{ when: "gains", then: "sellShares" }, "BTC-USDT gains 5 %, 10 %, 20 %", "Sell 25 %, 25 %, 50 % of the position"],
    [{ when: "drawdown", fall: "12.5", then: "stopAll", sell: true }, "A loss of 12.5 % in USDT", "Stop everything and sell"],
    [
      { when: "indicator", settings: { period: "7", unset: "" }, direction: Direction.ABOVE, threshold: "70", amountOf: "sharePpm", amount: "25" },
      "rsi (period=7) of BTC-USDT rises to 70", "Buy 25 % of what is free in BTC-USDT at the market",
    ],
    [
      { then: "rebalance", targets: [{ symbol: "BTC-USDT", weight: "60" }, { symbol: "ETH-USDT", weight: "33.3333" }] },
      "Every hour", "Bring back to BTC-USDT 60 %, ETH-USDT 33.3333 % when off by 5 %",
    ],
    [
      { windows: [{ days: [4, 0], from: "22:30", to: "06:00" }], times: "3", cooldown: "90", ends: "2027-01-31 18:00" },
      "Every hour · Mon Fri 22:30–06:00 UTC · then rests 90 minutes · 3 times · until", "Buy for 50 in BTC-USDT at the market",
    ],
  ])("%o is told as it was typed", (change, when, then) => {
    expect(mistakesOf({ ...DRAFT, ...change })).toEqual({});
    const [said, does] = told(change);
    expect(said.startsWith(when)).toBe(true);
    expect(does).toBe(then);
  });

  test.each<[Partial<RuleDraft>, string]>([
    [{ every: "1.5" }, "schedule"],
    [{ when: "price", price: "much" }, "price"],
    [{ when: "gains", gains: "5, x", then: "sellShares" }, "gains_ppm"],
    [{ when: "drawdown", fall: "-1" }, "fall_ppm"],
    [{ when: "indicator", threshold: "" }, "threshold"],
    [{ amount: "" }, "amount"],
    [{ limit: "x" }, "limit"],
    [{ then: "rebalance", targets: [{ symbol: "BTC-USDT", weight: "" }] }, "targets"],
    [{ windows: [{ days: [], from: "08:00", to: "16:00" }] }, "windows"],
    [{ windows: [{ days: [1], from: "8", to: "16:00" }] }, "windows"],
    [{ ends: "soon" }, "ends_at_ns"],
    [{ ends: "1.2.2027" }, "ends_at_ns"],
    [{ ends: "5" }, "ends_at_ns"],
    [{ times: "-1" }, "max_firings"],
  ])("%o is refused at its field", (change, field) => {
    expect(Object.keys(mistakesOf({ ...DRAFT, ...change }))).toEqual([field]);
  });

  test("shares are exact", () => {
    expect(ppmOf("0.1")).toBe(1_000);
    expect(ppmOf("33.3333")).toBe(333_333);
    expect(ppmOf("100")).toBe(1_000_000);
    expect(ppmOf("1e2")).toBeUndefined();
  });
});
