// Asking the house again and again about something that stands on prices that move.

export interface Asking {
  /** Ask, and take what is answered. */
  ask: () => Promise<void>;
  /** What the answer stands on, as it is now. */
  basis: () => string;
  /** Hear when that may have changed. */
  subscribe: (listener: () => void) => () => void;
  /** How long to wait before each question. */
  settleMs: number;
}

/** Ask after a moment, and a moment after each change of the basis, until the returned function is
 * called. What keeps changing is asked about all the same; never two questions at once. */
export function keepAsking({ ask, basis, subscribe, settleMs }: Asking): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: string | undefined;
  let busy = false;
  let over = false;
  const check = () => {
    if (over || busy || basis() === asked) return;
    busy = true;
    timer = setTimeout(() => {
      asked = basis();
      void ask().finally(() => {
        busy = false;
        check();
      });
    }, settleMs);
  };
  check();
  const leave = subscribe(check);
  return () => {
    over = true;
    clearTimeout(timer);
    leave();
  };
}
