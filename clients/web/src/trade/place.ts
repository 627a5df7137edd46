// Sending orders so that none is placed twice: an order has its id before it is sent, and asking
// again with the same id gives the first answer again.

import { Code, ConnectError } from "@connectrpc/connect";
import { isOutage, newId, trading } from "../api";
import { short } from "../format";
import {
  type CancelOrderResponse, type PlaceOrderRequest, type PlaceOrderResponse,
} from "../gen/xache/v1/trading_pb";
import { type Order, OrderStatus, Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { session } from "../session";
import type { Order as Wanted } from "./ticket";

const TRIES = 4;
const PAUSE_MS = 700;

/** Place what a ticket means. Returns a sentence about what became of it. */
export async function place(wanted: Wanted): Promise<string> {
  if (wanted.list) {
    const request = wanted.list;
    await again(() => trading.placeOrderList(request));
    return t.ticket.placed.list;
  }
  const answer = await again(() => trading.placeOrder(wanted.one));
  return outcomeOf(answer, wanted.one);
}

/** Cancel one open order. */
export async function cancel(order: Order): Promise<CancelOrderResponse> {
  const requestId = newId("c");
  const { subaccount, orderId } = order;
  return again(() => trading.cancelOrder({ subaccount, orderId, requestId }));
}

/** Cancel all open orders of the purse that is shown. Returns how many. */
export async function cancelAll(symbol: string): Promise<number> {
  const requestId = newId("ca");
  const { purse } = session.state;
  const { orderIds } = await again(() =>
    trading.cancelAllOrders({ subaccount: purse, symbol, requestId }),
  );
  return orderIds.length;
}

/** Cancel the orders of a market and sell the position at market. */
export async function flatten(symbol: string): Promise<void> {
  const requestId = newId("f");
  const { purse } = session.state;
  await again(() => trading.flatten({ subaccount: purse, symbol, requestId }));
}

/** Ask again while the house cannot be reached: the id makes it safe. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      const refused = ConnectError.from(error).code === Code.Canceled;
      if (left <= 0 || refused || !isOutage(error)) throw error;
      await new Promise((done) => setTimeout(done, PAUSE_MS * (TRIES - left)));
    }
  }
}

function outcomeOf({ order, fills }: PlaceOrderResponse, request: PlaceOrderRequest): string {
  const side = request.side === Side.BUY ? t.ticket.buy : t.ticket.sell;
  const words = t.ticket.placed;
  if (!order) return side;
  const quantity = order.quantity;
  const average = order.averagePrice === "" ? "" : short(order.averagePrice, 2);
  switch (order.status) {
    case OrderStatus.FILLED:
      return words.filled(side, order.executedQuantity, average);
    case OrderStatus.UNTRIGGERED:
    case OrderStatus.PENDING_NEW:
      return words.waits(side, quantity);
    case OrderStatus.OPEN:
      return words.open(side, quantity);
    default:
      return fills.length
        ? words.partly(side, order.executedQuantity, quantity)
        : words.ended(side, t.orders.reasons[order.endReason] ?? "");
  }
}
