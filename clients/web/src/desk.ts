// What lies before a trader: one market and one purse, told over one stream for the page.
//
// The stream changes what is held here at once; what screens see changes at most a dozen times a
// second. A stream that was lost is opened again with growing pauses, and goes on where it ended.

import { account, isOutage, live, market as markets, trading } from "./api";
import { Book, type BookPicture } from "./book";
import { placesOf } from "./decimal";
import type { WatchDeskResponse, WatchMarketResponse } from "./gen/xache/v1/live_pb";
import {
  type Candle, Interval, type Ticker, type Trade, type WatchAuctionResponse, type WatchCandlesResponse,
  type WatchTradesResponse,
} from "./gen/xache/v1/market_pb";
import type { WatchPurseResponse } from "./gen/xache/v1/trading_pb";
import {
  type Asset, type Balance, type Fill, type Instrument, type Order, OrderStatus, type Position,
} from "./gen/xache/v1/types_pb";
import { ended, session } from "./session";
import { Store } from "./store";

export const XACHE = "XACHE";

export type Status = "connecting" | "live" | "stale" | "reconnecting";

export interface DeskState {
  status: Status;
  /** When the house was heard last, by the clock of this machine. */
  heardAtMs: number;
  instruments: readonly Instrument[];
  assets: readonly Asset[];
  symbol: string;
  venue: string;
  interval: Interval;
  book: BookPicture | undefined;
  /** While orders gather in the market: at what price it would open. */
  auction: WatchAuctionResponse | undefined;
  /** Newest first. */
  trades: readonly Trade[];
  /** Oldest first. */
  candles: readonly Candle[];
  /** By "SYMBOL VENUE". */
  tickers: ReadonlyMap<string, Ticker>;
  /** Open ones, oldest first. */
  orders: readonly Order[];
  /** Ended ones that were seen to end, newest first. */
  endedOrders: readonly Order[];
  balances: readonly Balance[];
  balancesSeq: bigint; // of the row that last changed a balance: what was written up to it
  /** Newest first, of all markets. */
  fills: readonly Fill[];
  positions: readonly Position[];
  /** Whether the purse has been told at all. */
  purseKnown: boolean;
}

const BOOK_DEPTH = 100;
const TRADES_MAX = 100;
const CANDLES_MAX = 600;
const FILLS_MAX = 200;
const ENDED_MAX = 50;
const STALE_MS = 8_000;
const DEAD_MS = 16_000;
const PAUSE_MS = 500;
const PAUSE_MS_MAX = 10_000;
const POSITIONS_MS = 4_000;
const CANDLES_ENOUGH = 30;
/** With the frame after it, a dozen times a second: more nobody reads, and each drawing costs. */
const PACE_MS = 75;

const OPEN = new Set([
  OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_NEW,
  OrderStatus.UNTRIGGERED, OrderStatus.TRIGGERED,
]);

const NO_MARKET = { book: undefined, auction: undefined, trades: [], candles: [] } as const;
const NO_PURSE = {
  orders: [], endedOrders: [], balances: [], balancesSeq: 0n, fills: [], positions: [], purseKnown: false,
} as const;

export const desk = new Store<DeskState>({
  status: "connecting", heardAtMs: 0, instruments: [], assets: [],
  symbol: "", venue: XACHE, interval: Interval.INTERVAL_1M, tickers: new Map(),
  ...NO_MARKET, ...NO_PURSE,
}, PACE_MS);

export function tickerKey(symbol: string, venue: string): string {
  return `${symbol} ${venue}`;
}

/** The market that is shown, and its rules. */
export function instrumentOf(state: DeskState, symbol = state.symbol): Instrument | undefined {
  return state.instruments.find((each) => each.symbol === symbol);
}

/** The markets that take orders. */
export function takingOrders({ instruments }: Pick<DeskState, "instruments">): readonly Instrument[] {
  return instruments.filter(({ delisted }) => !delisted);
}

/** How many places a price of a market has. */
export function tickPlaces(symbol: string): number {
  return placesOf(instrumentOf(desk.state, symbol)?.tickSize ?? "0.01");
}

/** The venues that a market is known at; the house first. */
export function venuesOf(state: DeskState, symbol: string): string[] {
  const known = Array.from(state.tickers.values(), (each) => each)
    .filter((each) => each.symbol === symbol && each.source)
    .map((each) => each.source?.venue ?? "");
  return [XACHE, ...known.filter((venue) => venue !== XACHE).sort()];
}

let run = new AbortController();
let book = new Book();
let orders = new Map<string, Order>();
let balances = new Map<string, Balance>();
let purseSeq = 0n;
let purseShown = "";
let wake: (() => void) | undefined;
let intervalChosen = false;

/** Show a market, another source of it, or candles of another length. */
export function show(change: Partial<Pick<DeskState, "symbol" | "venue" | "interval">>): void {
  if (change.interval) intervalChosen = true;
  const { symbol, venue, interval } = { ...desk.state, ...change };
  const same = symbol === desk.state.symbol && venue === desk.state.venue;
  if (same && interval === desk.state.interval) return;
  desk.setNow({ symbol, venue, interval, ...(same ? { candles: [] } : NO_MARKET) });
  restart();
}

/** Keep the desk true from now on. */
export function startDesk(): void {
  let who = "";
  session.subscribe(() => {
    const { phase, purse, accountId } = session.state;
    const now = `${phase} ${accountId} ${purse}`;
    if (now === who) return;
    who = now;
    if (phase !== "starting") restart();
  });
  setInterval(watchSilence, 1_000);
  setInterval(() => void refreshPositions(), POSITIONS_MS);
  addEventListener("online", () => wake?.());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) wake?.();
  });
}

function restart(): void {
  run.abort();
  run = new AbortController();
  const { phase, purse, accountId } = session.state;
  const shown = phase === "in" ? `${accountId}/${purse}` : "";
  if (shown !== purseShown) {
    purseShown = shown;
    purseSeq = 0n;
    orders = new Map();
    balances = new Map();
    desk.setNow(NO_PURSE);
  }
  void keep(run.signal);
}

async function keep(signal: AbortSignal): Promise<void> {
  let pause = PAUSE_MS;
  while (!signal.aborted) {
    const began = performance.now();
    try {
      if (!desk.state.instruments.length) await loadInstruments();
      if (!desk.state.symbol) desk.setNow({ symbol: (takingOrders(desk.state)[0] ?? desk.state.instruments[0])?.symbol ?? "" });
      await follow(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!isOutage(error)) await checkSession();
    }
    if (signal.aborted) return;
    desk.setNow({ status: desk.state.heardAtMs ? "reconnecting" : "connecting" });
    if (performance.now() - began > DEAD_MS) pause = PAUSE_MS;
    // Pages that lost the same house should not come back in the same instant.
    await rest(pause * (0.75 + Math.random() / 2), signal);
    pause = Math.min(PAUSE_MS_MAX, pause * 2);
  }
}

/** A stream that is refused may mean that the session is over. */
async function checkSession(): Promise<void> {
  if (session.state.phase !== "in") return;
  try {
    await account.whatCanThisKeyDo({});
  } catch (error) {
    if (!isOutage(error)) ended();
  }
}

/** Ask again which markets and assets there are: one of them has just come, changed or gone. */
export async function loadInstruments(): Promise<void> {
  const { instruments, assets } = await markets.listInstruments({});
  desk.setNow({ instruments, assets });
}

async function follow(signal: AbortSignal): Promise<void> {
  const inside = session.state.phase === "in";
  const attempt = new AbortController();
  const stop = () => attempt.abort();
  signal.addEventListener("abort", stop);
  silent = stop;
  book = new Book();
  try {
    await loadPast(attempt.signal);
    if (inside && !purseSeq) await loadFills();
    const { symbol, venue, interval, trades, candles } = desk.state;
    const request = {
      symbol, venue, interval, depth: BOOK_DEPTH,
      afterTrade: trades[0]?.sequence ?? 0n,
      candlesFromNs: candles.at(-1)?.openAtNs ?? 0n,
    };
    const options = { signal: attempt.signal, timeoutMs: 0 };
    const stream: AsyncIterable<WatchDeskResponse | WatchMarketResponse> = inside
      ? live.watchDesk(
          { ...request, subaccount: session.state.purse, purseAfterSeq: purseSeq }, options,
        )
      : live.watchMarket(request, options);
    for await (const message of stream) {
      if (signal.aborted) return;
      heard();
      if (message.shutdown) return;
      if (!take(message.event)) return;
    }
  } finally {
    signal.removeEventListener("abort", stop);
    attempt.abort();
  }
}

/** What was before the stream begins; only what is not there yet. */
async function loadPast(signal: AbortSignal): Promise<void> {
  const { symbol, venue, interval, trades, candles } = desk.state;
  const [newest, past] = await Promise.all([
    trades.length
      ? undefined
      : markets.listTrades({ symbol, venue, limit: TRADES_MAX }, { signal }),
    candles.length
      ? undefined
      : markets.listCandles({ symbol, venue, interval, limit: CANDLES_MAX }, { signal }),
  ]);
  if (signal.aborted) return;
  const young = past && !intervalChosen && past.candles.length < CANDLES_ENOUGH;
  if (young && interval === Interval.INTERVAL_1M) {
    // There is nothing to see yet in minutes of a market that has just begun.
    desk.setNow({ interval: Interval.INTERVAL_1S });
    await loadPast(signal);
    return;
  }
  desk.set({
    ...(newest ? { trades: newest.trades } : {}),
    ...(past ? { candles: past.candles } : {}),
  });
}

async function loadFills(): Promise<void> {
  const { purse } = session.state;
  const { fills } = await trading.listFills({ subaccount: purse, pageSize: FILLS_MAX });
  if (purse === session.state.purse) desk.set({ fills });
}

type Event = WatchDeskResponse["event"] | WatchMarketResponse["event"];

/** Take a message of the stream. Returns false when it has to begin anew. */
function take(event: Event): boolean {
  switch (event.case) {
    case "book": {
      const whole = book.apply(event.value);
      if (whole) desk.set({ book: book.picture() });
      return whole;
    }
    case "trades":
      takeTrades(event.value);
      return true;
    case "tickers": {
      if (!event.value.tickers.length) return true;
      const tickers = new Map(desk.state.tickers);
      for (const each of event.value.tickers) {
        tickers.set(tickerKey(each.symbol, each.source?.venue ?? XACHE), each);
        if (!instrumentOf(desk.state, each.symbol)) meet(each.symbol);
      }
      desk.set({ tickers });
      return true;
    }
    case "candles":
      takeCandles(event.value);
      return true;
    case "auction":
      takeAuction(event.value);
      return true;
    case "purse":
      return takePurse(event.value);
    case undefined:
      return true;
  }
}

const met = new Set<string>();

/** A market was listed while the page is open: it is asked for once. */
function meet(symbol: string): void {
  if (met.has(symbol)) return;
  met.add(symbol);
  void loadInstruments().catch(() => met.delete(symbol));
}

function takeAuction(message: WatchAuctionResponse): void {
  const known = instrumentOf(desk.state, message.symbol);
  desk.set({ auction: message.gathering ? message : undefined });
  const { state, delisted } = message;
  if (!known || (known.state === state && known.delisted === delisted)) return;
  const { instruments } = desk.state;
  desk.set({ instruments: instruments.map((each) => (each === known ? { ...each, state, delisted } : each)) });
  // Its rules may have changed with it.
  void loadInstruments().catch(() => undefined);
}

function takeTrades(message: WatchTradesResponse): void {
  if (!message.trades.length && !message.reset) return;
  const before = message.reset ? [] : desk.state.trades;
  const newest = before[0]?.sequence ?? 0n;
  const fresh = message.trades.filter(({ sequence }) => sequence > newest).reverse();
  desk.set({ trades: [...fresh, ...before].slice(0, TRADES_MAX) });
}

function takeCandles(message: WatchCandlesResponse): void {
  if (message.lagged) {
    desk.set({ candles: [] });
    restart();
    return;
  }
  const candles = message.reset ? [] : [...desk.state.candles];
  for (const candle of message.candles) {
    let at = candles.length;
    while (at > 0 && (candles[at - 1]?.openAtNs ?? 0n) >= candle.openAtNs) at -= 1;
    candles.splice(at, candles[at]?.openAtNs === candle.openAtNs ? 1 : 0, candle);
  }
  if (message.candles.length) desk.set({ candles: candles.slice(-CANDLES_MAX) });
}

function takePurse(message: WatchPurseResponse): boolean {
  const { event } = message;
  switch (event.case) {
    case "snapshot":
      orders = new Map(event.value.orders.map((order) => [order.orderId, order]));
      balances = new Map(event.value.balances.map((balance) => [balance.asset, balance]));
      if (event.value.lagged) void loadFills().catch(() => undefined); // the history has them
      desk.set({
        orders: [...orders.values()], balances: sortedBalances(), balancesSeq: message.seq, purseKnown: true,
      });
      void refreshPositions();
      break;
    case "order":
      takeOrder(event.value);
      break;
    case "fill":
      takeFill(event.value);
      break;
    case "balances":
      for (const balance of event.value.balances) balances.set(balance.asset, balance);
      desk.set({ balances: sortedBalances(), balancesSeq: message.seq });
      break;
    default:
      break;
  }
  // Only where no more messages of this row follow can the stream go on after it.
  if (!message.more && message.seq) purseSeq = message.seq;
  return true;
}

function takeOrder(order: Order): void {
  if (OPEN.has(order.status)) {
    orders.set(order.orderId, order);
    desk.set({ orders: [...orders.values()] });
    return;
  }
  orders.delete(order.orderId);
  const endedOrders = desk.state.endedOrders.filter(({ orderId }) => orderId !== order.orderId);
  desk.set({ orders: [...orders.values()], endedOrders: [order, ...endedOrders].slice(0, ENDED_MAX) });
}

function takeFill(fill: Fill): void {
  const { fills } = desk.state;
  const known = fills.some(
    ({ tradeId, orderId }) => tradeId === fill.tradeId && orderId === fill.orderId,
  );
  if (known) return;
  desk.set({ fills: [fill, ...fills].slice(0, FILLS_MAX) });
  void refreshPositions();
}

function sortedBalances(): Balance[] {
  return [...balances.values()].sort((a, b) => (a.asset < b.asset ? -1 : 1));
}

let positionsAsked = false;

async function refreshPositions(): Promise<void> {
  if (session.state.phase !== "in" || desk.state.status !== "live") return;
  if (positionsAsked || document.hidden) return;
  positionsAsked = true;
  const { purse } = session.state;
  try {
    const { positions } = await trading.listPositions({ subaccount: purse });
    if (purse === session.state.purse) desk.set({ positions });
  } catch {
    // They stay as they were: they are asked for again before long.
  } finally {
    positionsAsked = false;
  }
}

// --- Silence -----------------------------------------------------------------------------------

let silent: () => void = () => {};

function heard(): void {
  desk.set({ status: "live", heardAtMs: Date.now() });
}

function watchSilence(): void {
  const { status, heardAtMs } = desk.state;
  if (status !== "live" && status !== "stale") return;
  const quiet = Date.now() - heardAtMs;
  if (quiet > DEAD_MS) silent();
  else if (quiet > STALE_MS && status === "live") desk.set({ status: "stale" });
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      if (wake === finish) wake = undefined;
      done();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
    wake = finish;
  });
}
