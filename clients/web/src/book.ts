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
  // Best first. A side that changes becomes another array, so that pictures of it stay what they were.
  private bids: readonly Level[] = [];
  private asks: readonly Level[] = [];
  private sequence = 0n;
  private stale = false;
  private atNs = 0n;

  /** Take a step. Returns false when the book is not what the house has: begin anew. */
  apply(step: WatchBookResponse): boolean {
    this.stale = step.stale;
    const kind = step.step.case;
    if (kind === "snapshot") {
      this.bids = changed([], step.step.value.bids, BEST_HIGHEST);
      this.asks = changed([], step.step.value.asks, BEST_LOWEST);
    } else if (kind === "change") {
      if (step.firstSequence !== this.sequence + 1n) return false;
      this.bids = changed(this.bids, step.step.value.bids, BEST_HIGHEST);
      this.asks = changed(this.asks, step.step.value.asks, BEST_LOWEST);
    } else {
      return true;
    }
    this.sequence = step.sequence;
    this.atNs = step.atNs;
    return checksumOf(this.asks, this.bids) === step.checksum;
  }

  picture(): BookPicture {
    const { bids, asks, stale, atNs } = this;
    return { bids, asks, stale, atNs };
  }
}

const BEST_HIGHEST = -1;
const BEST_LOWEST = 1;

/** A side after its changes, best first; itself where there are none. */
function changed(side: readonly Level[], changes: readonly BookLevel[], order: 1 | -1): readonly Level[] {
  if (!changes.length) return side;
  const levels = [...side];
  for (const { price, quantity } of changes) {
    let at = placeOf(levels, Number(price), order);
    // Prices of more digits than a float has may look the same.
    while (levels[at] && levels[at]?.price !== price && Number(levels[at]?.price) === Number(price)) at += 1;
    const known = levels[at]?.price === price;
    if (quantity !== "0") levels.splice(at, known ? 1 : 0, { price, quantity });
    else if (known) levels.splice(at, 1);
  }
  return levels;
}

/** Where a price stands among levels, or would. */
function placeOf(levels: readonly Level[], price: number, order: 1 | -1): number {
  let [from, to] = [0, levels.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (order * (Number(levels[middle]?.price) - price) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
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
