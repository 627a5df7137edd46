import { create } from "@bufbuild/protobuf";
import { afterEach, describe, expect, it, vi } from "vitest";
import { trading } from "../src/api";
import { AmendOrderResponseSchema } from "../src/gen/xache/v1/trading_pb";
import { OrderSchema } from "../src/gen/xache/v1/types_pb";
import { amend } from "../src/trade/place";

afterEach(() => vi.restoreAllMocks());

describe("a change that is sent again", () => {
  it("is the same change, also when the order has traded meanwhile", async () => {
    const sent = vi.spyOn(trading, "amendOrder").mockResolvedValue(create(AmendOrderResponseSchema));
    const attempt = { id: "am-1", executedQuantity: "0" };
    const order = { orderId: "1", symbol: "BTC-USDT", quantity: "2" };
    await amend(create(OrderSchema, { ...order, executedQuantity: "0" }), "1", attempt);
    await amend(create(OrderSchema, { ...order, executedQuantity: "0.5" }), "1", attempt);
    const [first, again] = sent.mock.calls.map(([request]) => request);
    expect(again).toEqual(first);
  });
});
