import { describe, expect, test } from "vitest";
import { draftOf, jsonOf, mistakeOf, rangeOf, readSchema } from "../src/strategies/settings_schema";

const SCHEMA = JSON.stringify({
  type: "object",
  description: "What to trade.",
  properties: {
    symbol: { type: "string" },
    notional: { type: "string", format: "decimal", "x-exclusiveMinimum": "0", "x-unit": "quote" },
    interval: { enum: ["1s", "5m"], default: "1s" },
    fast: { type: "integer", minimum: 1, maximum: 50, default: 5, description: "Candles" },
    keen: { type: "boolean", default: true },
    limit: { anyOf: [{ type: "string", format: "decimal" }, { type: "null" }], default: null },
    steps: { type: "array", items: { type: "integer", minimum: 1 }, maxItems: 3, default: [1, 2] },
    share: { type: "string", format: "decimal", "x-minimum": "0", "x-maximum": "1", default: "0.25" },
  },
  required: ["symbol", "notional"],
});
const { about, settings } = readSchema(SCHEMA);
const named = (name: string) => {
  const found = settings.find((each) => each.name === name);
  if (!found) throw new Error(name);
  return found;
};

describe("the schema of a plugin", () => {
  test("becomes fields with what they begin with", () => {
    expect(about).toBe("What to trade.");
    expect(settings.map(({ kind }) => kind)).toEqual([
      "text", "decimal", "choice", "whole", "switch", "decimal", "whole", "decimal",
    ]);
    expect(draftOf(settings)).toEqual({
      symbol: "", notional: "", interval: "1s", fast: "5", keen: true, limit: "", steps: "1, 2", share: "0.25",
    });
    expect(draftOf(settings, '{"symbol":"BTC-USDT","fast":[3,7],"keen":false}')).toMatchObject({
      symbol: "BTC-USDT", fast: "3, 7", keen: false,
    });
  });

  test.each([
    ["symbol", "", "This is needed"],
    ["symbol", "BTC-USDT", undefined],
    ["notional", "0", "More than 0 quote"],
    ["notional", "0.000000000001", undefined],
    ["notional", "1e3", "This is no number"],
    ["interval", "1h", "One of 1s, 5m"],
    ["fast", "0", "1 to 50"],
    ["fast", "51", "1 to 50"],
    ["fast", "2.5", "A whole number is needed"],
    ["fast", "50", undefined],
    ["limit", "", undefined],
    ["limit", "x", "This is no number"],
    ["steps", "", undefined],
    ["steps", "1, 0", "At least 1"],
    ["steps", "1,2,3,4", "At most 3 values"],
    ["share", "1.0000000000000000001", "0 to 1"],
  ])("says of %s %o what is wrong with it", (name, typed, mistake) => {
    expect(mistakeOf(named(name), typed)).toBe(mistake);
  });

  test("several values are one mistake, or a choice between them", () => {
    expect(mistakeOf(named("fast"), "5, 10")).toBeDefined();
    expect(mistakeOf(named("fast"), "5, 10", true)).toBeUndefined();
    expect(mistakeOf(named("fast"), "5, 99", true)).toBe("1 to 50");
    expect(mistakeOf(named("symbol"), "a, b", true)).toBeUndefined();
    expect(rangeOf(named("share"))).toBe("0 to 1");
  });

  test("what was typed becomes JSON, and decimals stay exact", () => {
    const typed = {
      symbol: " BTC-USDT ", notional: "0.10000000000000000001", interval: "5m", fast: "5, 10", keen: false,
      limit: "", steps: "3, 4", share: "1",
    };
    expect(JSON.parse(jsonOf(settings, typed, true))).toEqual({
      symbol: "BTC-USDT", notional: "0.10000000000000000001", interval: "5m", fast: [5, 10], keen: false,
      steps: [3, 4], share: "1",
    });
    expect(JSON.parse(jsonOf(settings, { ...typed, fast: "7" }))).toMatchObject({ fast: 7 });
  });
});
