import { describe, expect, test } from "vitest";
import { amount, changePpm, percent, rate, short, signed, trend, trendPpm } from "../src/format";

describe("figures", () => {
  test("have their thousands apart and keep every digit", () => {
    expect(amount("1234567.891")).toBe("1,234,567.891");
    expect(amount("-1000")).toBe("−1,000");
    expect(amount("0.5", 2)).toBe("0.50");
    expect(amount("")).toBe("–");
  });

  test("are cut, never rounded, where they are only looked at", () => {
    expect(short("0.999", 2)).toBe("0.99");
    expect(short("-1234.5", 2)).toBe("−1,234.50");
    expect(short("12.9", 0)).toBe("12");
    expect(signed("12.345")).toBe("+12.34");
    expect(signed("0.00")).toBe("0.00");
  });

  test("have a colour where they have a direction", () => {
    expect([trend("1"), trend("-0.1"), trend("0.00"), trend("")]).toEqual(["up", "down", "", ""]);
    expect([trendPpm(50), trendPpm(-50), trendPpm(49), trendPpm(undefined)]).toEqual(["up", "down", "", ""]);
  });

  test("change in percent", () => {
    expect(percent(12_345)).toBe("+1.23 %");
    expect(percent(-500n)).toBe("−0.05 %");
    expect(percent(-10)).toBe("0.00 %");
    expect(percent(undefined)).toBe("–");
    expect(rate(1000)).toBe("0.1 %");
    expect(changePpm("100", "101.5")).toBe(15_000);
    expect(changePpm("", "1")).toBeUndefined();
  });
});
