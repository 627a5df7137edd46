// An order book as a stream tells it: a snapshot, then numbered changes, checked by a checksum.

import type { BookLevel, WatchBookResponse } from "./gen/xache/v1/market_pb";

export interface Level {
  price: string;
  quantity: string;
}

/** A picture of a book; another object whenever it has changed. */
export interface BookPicture {
  /** Best first. */
  bids: readonly Level[];
  /** Best first. */
  asks: readonly Level[];
  stale: boolean;
  atNs: bigint;
}

const CHECKED_LEVELS = 10;

export class Book {
  private readonly bids = new Map<string, string>();
  private readonly asks = new Map<string, string>();
  private sequence = 0n;
  private stale = false;
  private atNs = 0n;

  /** Take a step. Returns false when the book is not what the house has: begin anew. */
  apply(step: WatchBookResponse): boolean {
    this.stale = step.stale;
    const kind = step.step.case;
    if (kind === "snapshot") {
      this.bids.clear();
      this.asks.clear();
      put(this.bids, step.step.value.bids);
      put(this.asks, step.step.value.asks);
    } else if (kind === "change") {
      if (step.firstSequence !== this.sequence + 1n) return false;
      put(this.bids, step.step.value.bids);
      put(this.asks, step.step.value.asks);
    } else {
      return true;
    }
    this.sequence = step.sequence;
    this.atNs = step.atNs;
    return checksumOf(this.best("asks"), this.best("bids")) === step.checksum;
  }

  picture(): BookPicture {
    const { stale, atNs } = this;
    return { bids: this.best("bids"), asks: this.best("asks"), stale, atNs };
  }

  private best(side: "bids" | "asks"): Level[] {
    const sign = side === "bids" ? -1 : 1;
    return Array.from(this[side], ([price, quantity]) => ({ price, quantity })).sort(
      (a, b) => sign * (Number(a.price) - Number(b.price)),
    );
  }
}

function put(side: Map<string, string>, levels: readonly BookLevel[]): void {
  for (const { price, quantity } of levels) {
    if (quantity === "0") side.delete(price);
    else side.set(price, quantity);
  }
}

/** The checksum of the best levels; the protocol says at WatchBookResponse how it is made. */
export function checksumOf(asks: readonly Level[], bids: readonly Level[]): number {
  const text = [...asks.slice(0, CHECKED_LEVELS), ...bids.slice(0, CHECKED_LEVELS)]
    .map(({ price, quantity }) => `${price}:${quantity}`)
    .join(",");
  return crc32(text);
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(text: string): number {
  let value = 0xffffffff;
  for (let index = 0; index < text.length; index += 1) {
    value = (TABLE[(value ^ text.charCodeAt(index)) & 0xff] ?? 0) ^ (value >>> 8);
  }
  return (value ^ 0xffffffff) >>> 0;
}
