// The ticket that is being filled in: the book, the chart and keys write into it too.

import { desk } from "../desk";
import { Store } from "../store";
import { EMPTY, type Ticket } from "./ticket";

export const draft = new Store<{ ticket: Ticket }>({ ticket: EMPTY });

/** Change a part of the ticket. */
export function fill(change: Partial<Ticket>): void {
  draft.setNow({ ticket: { ...draft.state.ticket, ...change } });
}

/** Take a price from the book. */
export function takePrice(price: string): void {
  const { kind } = draft.state.ticket;
  if (kind === "market") fill({ kind: "limit", price });
  else if (kind === "stop" || kind === "take-profit") fill({ stop: price });
  else fill({ price });
}

/** Forget amounts when another market is shown: they were meant for the other one. */
export function watchMarket(): () => void {
  let shown = desk.state.symbol;
  return desk.subscribe(() => {
    if (desk.state.symbol === shown) return;
    shown = desk.state.symbol;
    fill({ price: "", quantity: "", quote: "", stop: "", trail: "", activation: "", display: "", takeProfit: "" });
  });
}
