// State outside of components. Whoever shows a part of it is drawn again when that part changes,
// at most once a frame however often it changes.

import { useEffect, useReducer, useRef } from "preact/hooks";

type Listener = () => void;

/** A value that is replaced as a whole; parts that did not change stay the same objects. */
export class Store<T extends object> {
  private readonly listeners = new Set<Listener>();
  private frame = 0;

  constructor(private current: T) {}

  get state(): T {
    return this.current;
  }

  /** Change parts and tell within a frame. */
  set(change: Partial<T>): void {
    this.current = { ...this.current, ...change };
    if (this.frame || !this.listeners.size) return;
    this.frame = nextFrame(() => {
      this.frame = 0;
      for (const listener of [...this.listeners]) listener();
    });
  }

  /** Change parts and tell at once. */
  setNow(change: Partial<T>): void {
    this.current = { ...this.current, ...change };
    for (const listener of [...this.listeners]) listener();
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** A part of a store; the component is drawn again when it is another. */
export function useStore<T extends object, V>(store: Store<T>, select: (state: T) => V): V {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const value = select(store.state);
  const shown = useRef({ value, select });
  shown.current = { value, select };
  useEffect(() => {
    const check = () => {
      const { value: before, select: newest } = shown.current;
      if (!Object.is(newest(store.state), before)) redraw(undefined);
    };
    check();
    return store.subscribe(check);
  }, [store]);
  return value;
}

function nextFrame(action: () => void): number {
  // A page that nobody sees gets no frames; its state still has to move on.
  if (typeof requestAnimationFrame === "undefined" || document.hidden) {
    return Number(setTimeout(action, 100));
  }
  return requestAnimationFrame(action);
}
