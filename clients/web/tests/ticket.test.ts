import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { InstrumentSchema, ListKind, OrderType, Side, TimeInForce } from "../src/gen/xache/v1/types_pb";
import { EMPTY, KINDS, type Ticket, complaints, fieldsOf, isComplete, orderOf, sized, sizedByRisk, totalOf, withTotal } from "../src/trade/ticket";

const BTC = create(InstrumentSchema, {
  symbol: "BTC-USDT", base: "BTC", quote: "USDT", tickSize: "0.01", lotSize: "0.00001", takerFeePpm: 1000,
});
const FUNDS = { quote: "1000", base: "0.123456", price: "50000" };
const FILLED: Ticket = {
  ...EMPTY, price: "50000", quantity: "0.01", quote: "100", stop: "49000", trail: "1.5",
  activation: "51000", display: "0.001", takeProfit: "55000",
};
const context = { symbol: "BTC-USDT", subaccount: "main", newId: () => "id-1", nowMs: 1_000 };

function one(change: Partial<Ticket>) {
  const { one: order } = orderOf({ ...FILLED, ...change }, context);
  if (!order) throw new Error("it is a list");
  return order;
}

describe("a ticket", () => {
  test.each(KINDS)("of kind %s asks for what it needs and no more", (kind) => {
    const ticket = { ...FILLED, kind };
    expect(isComplete(ticket, BTC)).toBe(true);
    for (const { name, optional } of fieldsOf(ticket)) {
      expect(isComplete({ ...ticket, [name]: "" }, BTC)).toBe(optional === true);
      expect(isComplete({ ...ticket, [name]: "-1" }, BTC)).toBe(false);
      expect(isComplete({ ...ticket, [name]: "abc" }, BTC)).toBe(false);
    }
  });

  test("complains of steps, and not of what is still empty", () => {
    expect(complaints({ ...EMPTY }, BTC)).toEqual({});
    expect(complaints({ ...EMPTY, price: "1.001", quantity: "0.000001" }, BTC)).toEqual({ price: "step", quantity: "step" });
  });

  test("becomes an order with the fields of its kind alone", () => {
    expect(one({ kind: "limit", postOnly: true, slide: true })).toMatchObject({
      type: OrderType.LIMIT, price: "50000", quantity: "0.01", stopPrice: "", displayQuantity: "",
      postOnly: true, slide: true, clientOrderId: "id-1",
    });
    expect(one({ kind: "market" })).toMatchObject({ type: OrderType.MARKET, quoteQuantity: "100", quantity: "", price: "" });
    expect(one({ kind: "market", byQuote: false })).toMatchObject({ quoteQuantity: "", quantity: "0.01" });
    expect(one({ kind: "stop-limit" })).toMatchObject({ type: OrderType.STOP_LIMIT, stopPrice: "49000", price: "50000" });
    expect(one({ kind: "iceberg" })).toMatchObject({ type: OrderType.LIMIT, displayQuantity: "0.001", postOnly: false });
    expect(one({ kind: "trailing" })).toMatchObject({ trailBps: 150, trailOffset: "", activationPrice: "51000", stopPrice: "" });
    expect(one({ kind: "trailing", trailPercent: false })).toMatchObject({ trailBps: 0, trailOffset: "1.5" });
    expect(one({ kind: "limit", timeInForce: TimeInForce.GTD, livesS: 60 }).expiresAtNs).toBe(61_000_000_000n);
    expect(one({ kind: "limit", slide: true }).slide).toBe(false);
  });

  test("becomes a list where orders depend on each other", () => {
    const bracket = orderOf({ ...FILLED, kind: "bracket", side: Side.SELL }, context).list;
    expect(bracket?.kind).toBe(ListKind.BRACKET);
    expect(bracket?.orders.map(({ side, price, stopPrice }) => [side, price, stopPrice])).toEqual([
      [Side.BUY, "50000", ""], [Side.SELL, "55000", ""], [Side.SELL, "", "49000"],
    ]);
    const oco = orderOf({ ...FILLED, kind: "oco", side: Side.SELL }, context).list;
    expect(oco?.orders.map(({ type }) => type)).toEqual([OrderType.LIMIT, OrderType.STOP]);
    expect(oco?.orders.every(({ reduceOnly }) => !reduceOnly)).toBe(true);
  });
});

describe("sizing", () => {
  test("buys what the money is enough for with the fee, in whole lots", () => {
    expect(sized({ ...EMPTY, price: "50000" }, 100, FUNDS, BTC).quantity).toBe("0.01998");
    expect(sized({ ...EMPTY, price: "50000" }, 50, FUNDS, BTC).quantity).toBe("0.00999");
    expect(sized({ ...EMPTY }, 100, FUNDS, BTC).quantity).toBe("0.01998");
  });

  test("spends, or sells, a part of what there is", () => {
    expect(sized({ ...EMPTY, kind: "market" }, 25, FUNDS, BTC).quote).toBe("250");
    expect(sized({ ...EMPTY, side: Side.SELL }, 75, FUNDS, BTC).quantity).toBe("0.09259");
    expect(sized({ ...EMPTY, kind: "market", side: Side.SELL }, 100, FUNDS, BTC)).toMatchObject({ byQuote: false, quantity: "0.12345" });
  });

  test("goes from a total to a quantity and back", () => {
    expect(totalOf({ ...EMPTY, price: "50000", quantity: "0.01" }, "")).toBe("500");
    expect(totalOf({ ...EMPTY, kind: "stop", stop: "40000", quantity: "1" }, "50000")).toBe("40000");
    expect(totalOf({ ...EMPTY, kind: "trailing", quantity: "1" }, "50000")).toBe("50000");
    expect(withTotal({ ...EMPTY, price: "50000" }, "499.99", "", BTC).quantity).toBe("0.00999");
    expect(withTotal({ ...EMPTY, price: "50000" }, "x", "", BTC).quantity).toBe("");
  });
});

describe("sizing by risk", () => {
  const risk = (change: Partial<Ticket>, loss: string, stop: string, entry = "50000") =>
    sizedByRisk({ ...FILLED, ...change }, { loss, stop }, entry, BTC);

  test("loses what was said, fees of both trades included, rounded down to the lot", () => {
    // 1,000 a coin between the prices, and 0.1 % of 50,000 and of 49,000: 1,099 a coin.
    expect(risk({}, "1099", "49000")).toMatchObject({ quantity: "1" });
    expect(risk({}, "1098.99", "49000")).toMatchObject({ quantity: "0.99999" });
    expect(risk({ kind: "market", byQuote: true }, "109.9", "49000")).toMatchObject({ quantity: "0.1", byQuote: false });
    expect(risk({ side: Side.SELL }, "1101", "51000")).toMatchObject({ quantity: "1" });
  });

  test("says what is wrong", () => {
    expect(risk({}, "100", "50000")).toBe("side");
    expect(risk({ side: Side.SELL }, "100", "49000")).toBe("side");
    expect(risk({ kind: "bracket", side: Side.SELL }, "100", "49000")).toMatchObject({ quantity: "0.09099" });
    expect(risk({}, "0.001", "49000")).toBe("small");
    expect(risk({}, "", "49000")).toBeUndefined();
    expect(risk({}, "x", "49000")).toBeUndefined();
  });
});
