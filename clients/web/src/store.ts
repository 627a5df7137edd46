// State outside of components. Whoever shows a part of it is drawn again when that part changes,
// at most once a frame however often it changes, and no more often than the store's pace.

import { useEffect, useReducer, useRef } from "preact/hooks";

type Listener = () => void;

/** A value that is replaced as a whole; parts that did not change stay the same objects. */
export class Store<T extends object> {
  private readonly listeners = new Set<Listener>();
  private waiting = false;
  private toldAtMs = -Infinity;

  /** What happens within a pace is told together; a first change is told with the next frame. */
  constructor(private current: T, private readonly paceMs = 0) {}

  get state(): T {
    return this.current;
  }

  /** Change parts and tell within a frame of the pace. */
  set(change: Partial<T>): void {
    this.current = { ...this.current, ...change };
    if (this.waiting || !this.listeners.size) return;
    this.waiting = true;
    const early = this.toldAtMs + this.paceMs - performance.now();
    if (early > 0) setTimeout(() => nextFrame(this.tellInFrame), early);
    else nextFrame(this.tellInFrame);
  }

  /** Change parts and tell at once. */
  setNow(change: Partial<T>): void {
    this.current = { ...this.current, ...change };
    this.tell();
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private readonly tellInFrame = () => {
    this.waiting = false;
    this.toldAtMs = performance.now();
    this.tell();
  };

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/** A part of a store; the component is drawn again when it is another.
 *
 * With a pace, what changes within it is drawn together: for what is dear to draw. Whatever else
 * draws the component draws the newest value.
 */
export function useStore<T extends object, V>(store: Store<T>, select: (state: T) => V, paceMs = 0): V {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const value = select(store.state);
  const shown = useRef({ value, select });
  shown.current = { value, select };
  useEffect(() => {
    let drawnAtMs = -Infinity;
    let timer = 0;
    const check = () => {
      const { value: before, select: newest } = shown.current;
      if (timer || Object.is(newest(store.state), before)) return;
      const early = drawnAtMs + paceMs - performance.now();
      if (early > 0) {
        timer = setTimeout(() => {
          timer = 0;
          check();
        }, early);
        return;
      }
      drawnAtMs = performance.now();
      redraw(undefined);
    };
    check();
    const leave = store.subscribe(check);
    return () => {
      clearTimeout(timer);
      leave();
    };
  }, [store, paceMs]);
  return value;
}

function nextFrame(action: () => void): void {
  // A page that nobody sees gets no frames; its state still has to move on.
  if (typeof requestAnimationFrame === "undefined" || document.hidden) setTimeout(action, 100);
  else requestAnimationFrame(action);
}
