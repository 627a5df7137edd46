// Sending orders so that none is placed twice: an order has its id before it is sent, and asking
// again with the same id gives the first answer again. Where there is no answer at all, that id
// tells later what became of the order.

import { Code, ConnectError } from "@connectrpc/connect";
import { isOutage, newId, trading } from "../api";
import { tickPlaces } from "../desk";
import { short } from "../format";
import type { CancelOrderResponse } from "../gen/xache/v1/trading_pb";
import { type Fill, type Order, OrderStatus, Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { session } from "../session";
import { Store } from "../store";
import type { Order as Wanted } from "./ticket";

const TRIES = 4;
const PAUSE_MS = 700;
const LOOK_UP_MS = 2_000;

/** How many orders were sent whose outcome is being looked up. */
export const unsure = new Store<{ orders: number }>({ orders: 0 });

/** Place what a ticket means. Returns a sentence about what became of it, however long it takes to
 * find out. Throws where nothing was placed, and where that can no longer be found out. */
export async function place(wanted: Wanted): Promise<string> {
  try {
    if (wanted.list) {
      const request = wanted.list;
      await again(() => trading.placeOrderList(request));
      return t.ticket.placed.list;
    }
    return outcomeOf(await again(() => trading.placeOrder(wanted.one)), wanted.one.side);
  } catch (error) {
    if (!isOutage(error)) throw error;
  }
  unsure.setNow({ orders: unsure.state.orders + 1 });
  try {
    return await lookUp(wanted);
  } finally {
    unsure.setNow({ orders: unsure.state.orders - 1 });
  }
}

/** What became of an order that got no answer: asked until the house tells. */
async function lookUp(wanted: Wanted): Promise<string> {
  // A list is accepted as a whole: its first order speaks for it.
  const order = wanted.one ?? wanted.list.orders[0];
  const asked = { subaccount: order?.subaccount ?? "", clientOrderId: order?.clientOrderId ?? "" };
  for (;;) {
    try {
      const found = await trading.getOrder(asked);
      return wanted.list ? t.ticket.placed.list : outcomeOf(found, wanted.one.side);
    } catch (error) {
      const { code } = ConnectError.from(error);
      if (code === Code.NotFound) throw new ConnectError(t.errors.notPlaced, Code.Aborted);
      if (!isOutage(error) && code !== Code.ResourceExhausted) throw error;
    }
    await new Promise((done) => setTimeout(done, LOOK_UP_MS));
  }
}

/** Cancel one open order. */
export async function cancel(order: Order): Promise<CancelOrderResponse> {
  const requestId = newId("c");
  const { subaccount, orderId } = order;
  return again(() => trading.cancelOrder({ subaccount, orderId, requestId }));
}

/** What of an order is to be otherwise; what is not named stays. */
export type OrderChange = Partial<Record<"price" | "stop" | "quantity" | "display", string>>;

/** One wish to change an order, made once or again: each time it is the very same. */
export interface Attempt {
  id: string;
  /** What had traded of the order when it was wished for. */
  executedQuantity: string;
}

/** Lower what an order is for, in its place. Returns a sentence about it. */
export async function amend(order: Order, quantity: string, { id, executedQuantity }: Attempt): Promise<string> {
  const { subaccount, orderId, symbol } = order;
  await again(() =>
    trading.amendOrder({
      subaccount, orderId, symbol, quantity, requestId: id, expectedExecutedQuantity: executedQuantity,
    }),
  );
  return t.change.amended(quantity);
}

/** Put another order in the place of one. Returns a sentence about what became of it. */
export async function replace(order: Order, change: OrderChange, { id, executedQuantity }: Attempt): Promise<string> {
  const { subaccount, orderId, symbol } = order;
  const answer = await again(() =>
    trading.replaceOrder({
      subaccount, symbol, clientOrderId: id,
      replacedOrderId: orderId,
      price: change.price ?? "", stopPrice: change.stop ?? "",
      quantity: change.quantity ?? "", displayQuantity: change.display ?? "",
      expectedExecutedQuantity: executedQuantity,
    }),
  );
  return outcomeOf(answer, order.side);
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

/** Ask again while the house cannot be reached: the id makes it safe. What took too long already
 * is not asked again: prices have moved on. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      const { code } = ConnectError.from(error);
      const over = code === Code.Canceled || code === Code.DeadlineExceeded;
      if (left <= 0 || over || !isOutage(error)) throw error;
      await new Promise((done) => setTimeout(done, PAUSE_MS * (TRIES - left)));
    }
  }
}

interface Outcome {
  order?: Order | undefined;
  fills: readonly Fill[];
}

function outcomeOf({ order, fills }: Outcome, wanted: Side): string {
  const side = wanted === Side.BUY ? t.ticket.buy : t.ticket.sell;
  const words = t.ticket.placed;
  if (!order) return side;
  const quantity = order.quantity;
  const average = order.averagePrice === "" ? "" : short(order.averagePrice, tickPlaces(order.symbol));
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
