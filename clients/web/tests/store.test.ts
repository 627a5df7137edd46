import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Store } from "../src/store";
import { keepAsking } from "../src/trade/asking";

const FRAME_MS = 16;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", { hidden: false });
  vi.stubGlobal("requestAnimationFrame", (action: () => void) => setTimeout(action, FRAME_MS));
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a store with a pace", () => {
  function watched() {
    const store = new Store({ count: 0 }, 75);
    const seen: number[] = [];
    store.subscribe(() => seen.push(store.state.count));
    return { store, seen };
  }

  test("tells a first change with the next frame", () => {
    const { store, seen } = watched();
    store.set({ count: 1 });
    expect(store.state.count).toBe(1);
    expect(seen).toEqual([]);
    vi.advanceTimersByTime(FRAME_MS);
    expect(seen).toEqual([1]);
  });

  test("tells what changes all the time at its pace, and the last of it", () => {
    const { store, seen } = watched();
    for (let count = 1; count <= 100; count += 1) {
      store.set({ count });
      vi.advanceTimersByTime(10);
    }
    expect(seen.length).toBeGreaterThanOrEqual(10);
    expect(seen.length).toBeLessThanOrEqual(12);
    vi.advanceTimersByTime(75 + FRAME_MS);
    expect(seen.at(-1)).toBe(100);
    const told = seen.length;
    vi.advanceTimersByTime(1_000);
    expect(seen.length).toBe(told);
  });

  test("tells at once what must be seen at once", () => {
    const { store, seen } = watched();
    store.set({ count: 1 });
    vi.advanceTimersByTime(FRAME_MS);
    store.set({ count: 2 });
    store.setNow({ count: 3 });
    expect(seen).toEqual([1, 3]);
  });

  test("goes on where no frames are drawn", () => {
    const { store, seen } = watched();
    vi.stubGlobal("document", { hidden: true });
    vi.stubGlobal("requestAnimationFrame", () => {
      throw new Error("a page that nobody sees has no frames");
    });
    store.set({ count: 1 });
    vi.advanceTimersByTime(100);
    expect(seen).toEqual([1]);
  });
});

describe("asking about what moves", () => {
  test("is answered however often it moves, one question at a time", async () => {
    let price = 0;
    let tell = () => {};
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const stop = keepAsking({
      ask: () => {
        asked.push(String(price));
        return new Promise((done) => answers.push(done));
      },
      basis: () => String(price),
      subscribe: (listener) => {
        tell = listener;
        return () => (tell = () => {});
      },
      settleMs: 200,
    });
    const move = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 20) {
        price += 1;
        tell();
        await vi.advanceTimersByTimeAsync(20);
      }
    };
    await move(1_000);
    expect(asked).toEqual(["10"]);
    answers[0]?.();
    await move(400);
    expect(asked).toHaveLength(2);
    answers[1]?.();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked.at(-1)).toBe(String(price));
    const before = asked.length;
    answers[2]?.();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toHaveLength(before);
    price += 1;
    tell();
    stop();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toHaveLength(before);
  });
});
