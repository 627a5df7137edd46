import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { Book, checksumOf } from "../src/book";
import { WatchBookResponseSchema } from "../src/gen/xache/v1/market_pb";
import { OrderSchema, Side } from "../src/gen/xache/v1/types_pb";
import { grouped, ownLevels, stepsOf } from "../src/trade/levels";

const level = (price: string, quantity: string) => ({ price, quantity });
const ASKS = [level("50000.2", "0.5"), level("50000.4", "0.12")];
const BIDS = [level("50000.0", "1")];

function snapshot(sequence: bigint, checksum: number) {
  return create(WatchBookResponseSchema, {
    sequence, checksum, step: { case: "snapshot", value: { asks: ASKS, bids: BIDS } },
  });
}

describe("a book", () => {
  test("has the checksum that the protocol gives as its example", () => {
    expect(checksumOf(ASKS, BIDS)).toBe(2881648606);
    expect(checksumOf([], [])).toBe(0);
  });

  test("follows numbered changes", () => {
    const book = new Book();
    expect(book.apply(snapshot(7n, 2881648606))).toBe(true);
    const asks = [level("50000.3", "2"), level("50000.4", "0")];
    const after = [level("50000.2", "0.5"), level("50000.3", "2")];
    const change = create(WatchBookResponseSchema, {
      firstSequence: 8n, sequence: 9n, checksum: checksumOf(after, BIDS),
      step: { case: "change", value: { asks, bids: [] } },
    });
    expect(book.apply(change)).toBe(true);
    expect(book.picture().asks).toEqual(after);
    const heartbeat = create(WatchBookResponseSchema, { stale: true, step: { case: "heartbeat", value: {} } });
    expect(book.apply(heartbeat)).toBe(true);
    expect(book.picture().stale).toBe(true);
  });

  test("keeps every picture as it was, the best first, and a side that did not change itself", () => {
    const book = new Book();
    const wanted = new Map<string, string>();
    let sequence = 0n;
    let before = book.picture();
    const told: [typeof before, string][] = [];
    for (let turn = 0; turn < 400; turn += 1) {
      const changes = Array.from({ length: turn % 4 }, (_, index) => {
        const price = `${90 + ((turn * 7 + index * 5) % 23)}.${(turn + index) % 2 ? "50" : "05"}`;
        const gone = (turn + index) % 3 === 0;
        if (gone) wanted.delete(price);
        else wanted.set(price, String(turn + 1));
        return level(price, gone ? "0" : String(turn + 1));
      });
      const bids = [...wanted].map(([price, quantity]) => level(price, quantity))
        .sort((a, b) => Number(b.price) - Number(a.price));
      sequence += 1n;
      const step = create(WatchBookResponseSchema, {
        firstSequence: sequence, sequence, checksum: checksumOf([], bids),
        step: { case: "change", value: { asks: [], bids: changes } },
      });
      expect(book.apply(step)).toBe(true);
      const picture = book.picture();
      expect(picture.bids).toEqual(bids);
      expect(picture.asks).toBe(before.asks);
      if (!changes.length) expect(picture.bids).toBe(before.bids);
      told.push([picture, JSON.stringify(bids)]);
      before = picture;
    }
    for (const [picture, bids] of told) expect(JSON.stringify(picture.bids)).toBe(bids);
  });

  test("keeps prices apart that a float cannot tell apart", () => {
    const book = new Book();
    const bids = [level("9007199254740993", "1"), level("9007199254740992", "2")];
    const step = (sequence: bigint, changes: typeof bids, after: typeof bids) =>
      create(WatchBookResponseSchema, {
        firstSequence: sequence, sequence, checksum: checksumOf([], after),
        step: { case: "change", value: { asks: [], bids: changes } },
      });
    expect(book.apply(step(1n, bids, bids))).toBe(true);
    expect(book.apply(step(2n, [level("9007199254740992", "0")], bids.slice(0, 1)))).toBe(true);
    expect(book.picture().bids).toEqual(bids.slice(0, 1));
  });

  test("begins anew after a gap or a difference", () => {
    const book = new Book();
    expect(book.apply(snapshot(7n, 1))).toBe(false);
    expect(book.apply(snapshot(7n, 2881648606))).toBe(true);
    const late = create(WatchBookResponseSchema, { firstSequence: 9n, step: { case: "change", value: {} } });
    expect(book.apply(late)).toBe(false);
  });
});

describe("levels", () => {
  test("are gathered in steps away from the spread, with one's own in them", () => {
    const bids = [level("100.9", "1"), level("100.1", "2"), level("99.5", "4")];
    const shown = grouped(bids, Side.BUY, "1", 5, new Map([["100.1", "0.5"]]));
    expect(shown).toEqual([
      { price: "100", quantity: "3", total: "3", own: "0.5" },
      { price: "99", quantity: "4", total: "7", own: "" },
    ]);
    const [ask] = grouped([level("100.1", "2")], Side.SELL, "1", 5, new Map());
    expect(ask?.price).toBe("101");
    expect(grouped(bids, Side.BUY, "0.1", 2, new Map())).toHaveLength(2);
  });

  test("know what of them is one's own", () => {
    const order = (price: string, leavesQuantity: string, side = Side.BUY, symbol = "BTC-USDT") =>
      create(OrderSchema, { price, leavesQuantity, side, symbol });
    const orders = [
      order("5", "1"), order("5", "0.5"), order("6", "1", Side.SELL), order("", "1"),
      order("5", "9", Side.BUY, "ETH-USDT"),
    ];
    expect([...ownLevels(orders, "BTC-USDT", Side.BUY)]).toEqual([["5", "1.5"]]);
    expect(stepsOf("0.01")).toEqual(["0.01", "0.1", "1", "10", "100"]);
  });
});
