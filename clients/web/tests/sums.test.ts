import { describe, expect, it } from "vitest";
import { assetsOf } from "../src/staff/admin/asking";

describe("amounts of several assets", () => {
  it("offers every line what no other line has", () => {
    const sums = [{ asset: "USDT", amount: "1" }, { asset: "EUR", amount: "2" }];
    expect(assetsOf(sums, 0, ["USDT", "BTC", "EUR"])).toEqual(["USDT", "BTC"]);
    expect(assetsOf(sums, 1, ["USDT", "BTC", "EUR"])).toEqual(["EUR", "BTC"]);
  });
});
