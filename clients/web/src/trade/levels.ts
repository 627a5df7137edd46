// Levels of a book as they are shown: in coarser steps, summed up, with one's own orders marked.

import { type Decimal, ZERO, add, compare, read, toStep, write } from "../decimal";
import type { Level } from "../book";
import type { Order } from "../gen/xache/v1/types_pb";
import { Side } from "../gen/xache/v1/types_pb";

export interface ShownLevel {
  price: string;
  quantity: string;
  /** Of this level and all better ones. */
  total: string;
  /** What of it is one's own; empty: nothing. */
  own: string;
}

/** The best levels of a side in steps of a price: bids rounded down, asks up. */
export function grouped(
  levels: readonly Level[], side: Side, step: string, count: number, own: ReadonlyMap<string, string>,
): ShownLevel[] {
  const size = read(step);
  const rounding = side === Side.BUY ? "down" : "up";
  const shown: { price: Decimal; quantity: Decimal; own: Decimal }[] = [];
  for (const level of levels) {
    const price = toStep(read(level.price), size, rounding);
    const mine = read(own.get(level.price) ?? "");
    const last = shown.at(-1);
    if (last && compare(last.price, price) === 0) {
      last.quantity = add(last.quantity, read(level.quantity));
      last.own = add(last.own, mine);
    } else {
      if (shown.length === count) break;
      shown.push({ price, quantity: read(level.quantity), own: mine });
    }
  }
  let total = ZERO;
  const totals = shown.map(({ quantity }) => (total = add(total, quantity)));
  return shown.map((level, index) => ({
    price: write(level.price),
    quantity: write(level.quantity),
    total: write(totals[index] ?? ZERO),
    own: level.own.units ? write(level.own) : "",
  }));
}

/** What of one's own rests at each price of a market. */
export function ownLevels(orders: readonly Order[], symbol: string, side: Side): Map<string, string> {
  const found = new Map<string, string>();
  for (const order of orders) {
    if (order.symbol !== symbol || order.side !== side || order.price === "") continue;
    const sum = add(read(found.get(order.price) ?? ""), read(order.leavesQuantity));
    found.set(order.price, write(sum));
  }
  return found;
}

/** Steps to show a book in: the tick, and tens of it. */
export function stepsOf(tick: string): string[] {
  const { units, scale } = read(tick);
  return [1n, 10n, 100n, 1000n, 10_000n].map((factor) => write({ units: units * factor, scale }));
}
