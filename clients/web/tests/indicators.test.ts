import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { IndicatorPointSchema } from "../src/gen/xache/v1/market_pb";
import { joined, keyOf } from "../src/trade/indicators";

const at = (...times: number[]) =>
  times.map((time) => create(IndicatorPointSchema, { openAtNs: BigInt(time), values: [time] }));
const times = (points: ReturnType<typeof joined>) => points?.map(({ openAtNs }) => Number(openAtNs));

describe("points of an indicator", () => {
  test("are replaced by newer ones from where those begin", () => {
    expect(times(joined(at(1, 2, 3), at(3, 4)))).toEqual([1, 2, 3, 4]);
    expect(times(joined([], at(3, 4)))).toEqual([3, 4]);
    expect(times(joined(at(1, 2), []))).toEqual([1, 2]);
  });

  test("are asked for again where there is a gap", () => {
    expect(joined(at(1, 2), at(4, 5))).toBeUndefined();
  });

  test("belong to an indicator with its settings", () => {
    expect(keyOf({ name: "macd", settings: { fast: "3", slow: "9" } })).toBe("macd fast=3 slow=9");
  });
});
