// What a ticket says, as the request that the house gets. Nothing is decided here: the house's own
// preview says what an order would do, and the house alone accepts it.

import { create } from "@bufbuild/protobuf";
import type { Instrument } from "../gen/xache/v1/types_pb";
import { ListKind, OrderType, Side, TimeInForce, TriggerSource } from "../gen/xache/v1/types_pb";
import {
  type PlaceOrderListRequest, PlaceOrderListRequestSchema, type PlaceOrderRequest,
  PlaceOrderRequestSchema,
} from "../gen/xache/v1/trading_pb";
import {
  ZERO, add, compare, divide, multiply, parse, partOf, plain, read, subtract, toStep, write, type Decimal,
} from "../decimal";

export type Kind =
  | "limit" | "market" | "stop" | "stop-limit" | "take-profit" | "take-profit-limit" | "trailing"
  | "iceberg" | "oco" | "bracket";

export const KINDS: readonly Kind[] = [
  "limit", "market", "stop", "stop-limit", "take-profit", "take-profit-limit", "trailing",
  "iceberg", "oco", "bracket",
];

export interface Ticket {
  side: Side;
  kind: Kind;
  price: string;
  quantity: string;
  /** Of a market order: what to spend or to get, in quote. */
  quote: string;
  /** Whether a market order is meant in quote. */
  byQuote: boolean;
  stop: string;
  trigger: TriggerSource;
  trail: string;
  /** Whether the distance of a trailing stop is in percent of the price; else in quote. */
  trailPercent: boolean;
  activation: string;
  display: string;
  takeProfit: string;
  timeInForce: TimeInForce;
  livesS: number;
  postOnly: boolean;
  slide: boolean;
  reduceOnly: boolean;
}

export const EMPTY: Ticket = {
  side: Side.BUY, kind: "limit", price: "", quantity: "", quote: "", byQuote: true, stop: "",
  trigger: TriggerSource.LAST, trail: "", trailPercent: true, activation: "", display: "",
  takeProfit: "", timeInForce: TimeInForce.GTC, livesS: 86_400, postOnly: false, slide: false,
  reduceOnly: false,
};

/** Fields of a ticket that a person fills in. */
export type FieldName =
  | "price" | "quantity" | "quote" | "stop" | "trail" | "activation" | "display" | "takeProfit";

/** What is asked for, by kind of order; optional ones are not needed. */
export function fieldsOf(ticket: Ticket): readonly { name: FieldName; optional?: boolean }[] {
  switch (ticket.kind) {
    case "limit":
      return [{ name: "price" }, { name: "quantity" }];
    case "market":
      return [ticket.byQuote ? { name: "quote" } : { name: "quantity" }];
    case "stop":
    case "take-profit":
      return [{ name: "stop" }, { name: "quantity" }];
    case "stop-limit":
    case "take-profit-limit":
      return [{ name: "stop" }, { name: "price" }, { name: "quantity" }];
    case "trailing":
      return [{ name: "trail" }, { name: "activation", optional: true }, { name: "quantity" }];
    case "iceberg":
      return [{ name: "price" }, { name: "quantity" }, { name: "display" }];
    case "oco":
      return [{ name: "price" }, { name: "stop" }, { name: "quantity" }];
    case "bracket":
      return [{ name: "price" }, { name: "quantity" }, { name: "takeProfit" }, { name: "stop" }];
  }
}

export const TIMED: ReadonlySet<Kind> = new Set(["limit", "stop-limit", "take-profit-limit", "iceberg"]);
export const TRIGGERED: ReadonlySet<Kind> = new Set([
  "stop", "stop-limit", "take-profit", "take-profit-limit", "trailing", "oco", "bracket",
]);
export const LISTS: ReadonlySet<Kind> = new Set(["oco", "bracket"]);

export type Complaint = "required" | "number" | "step";

/** What is wrong with what was filled in; nothing about fields that are still empty. */
export function complaints(ticket: Ticket, instrument: Instrument): Partial<Record<FieldName, Complaint>> {
  const found: Partial<Record<FieldName, Complaint>> = {};
  for (const { name } of fieldsOf(ticket)) {
    const text = ticket[name];
    if (text === "") continue;
    const value = parse(text);
    if (!value || value.units <= 0n) found[name] = "number";
    else if (!fits(value, stepOf(name, ticket, instrument))) found[name] = "step";
  }
  return found;
}

/** Whether everything that is needed is there and could be sent. */
export function isComplete(ticket: Ticket, instrument: Instrument): boolean {
  const filled = fieldsOf(ticket).every(({ name, optional }) => optional || ticket[name] !== "");
  return filled && !Object.keys(complaints(ticket, instrument)).length;
}

/** The smallest step of a field; empty where any will do. */
export function stepOf(name: FieldName, ticket: Ticket, instrument: Instrument): string {
  switch (name) {
    case "quantity":
    case "display":
      return instrument.lotSize;
    case "quote":
      return "";
    case "trail":
      return ticket.trailPercent ? "0.01" : instrument.tickSize;
    default:
      return instrument.tickSize;
  }
}

function fits(value: Decimal, step: string): boolean {
  return step === "" || compare(toStep(value, read(step)), value) === 0;
}

export type Order =
  | { one: PlaceOrderRequest; list?: undefined }
  | { list: PlaceOrderListRequest; one?: undefined };

interface Context {
  symbol: string;
  subaccount: string;
  /** Makes ids: for the order, or for each of a list. */
  newId: () => string;
  nowMs: number;
}

/** The request that a complete ticket means. */
export function orderOf(ticket: Ticket, context: Context): Order {
  const { kind } = ticket;
  if (kind === "oco") {
    return list(context, ListKind.OCO, [
      single({ ...ticket, kind: "limit" }, context, true),
      single({ ...ticket, kind: "stop" }, context, true),
    ]);
  }
  if (kind === "bracket") {
    const exit = { ...ticket, side: Side.SELL };
    return list(context, ListKind.BRACKET, [
      single({ ...ticket, side: Side.BUY, kind: "limit" }, context, true),
      single({ ...exit, kind: "limit", price: ticket.takeProfit }, context, true),
      single({ ...exit, kind: "stop" }, context, true),
    ]);
  }
  return { one: single(ticket, context, false) };
}

function list(context: Context, kind: ListKind, orders: PlaceOrderRequest[]): Order {
  const { symbol, subaccount } = context;
  return {
    list: create(PlaceOrderListRequestSchema, {
      symbol, subaccount, kind, orders, requestId: context.newId(),
    }),
  };
}

const TYPES: Record<Exclude<Kind, "oco" | "bracket">, OrderType> = {
  limit: OrderType.LIMIT,
  iceberg: OrderType.LIMIT,
  market: OrderType.MARKET,
  stop: OrderType.STOP,
  "stop-limit": OrderType.STOP_LIMIT,
  "take-profit": OrderType.TAKE_PROFIT,
  "take-profit-limit": OrderType.TAKE_PROFIT_LIMIT,
  trailing: OrderType.TRAILING_STOP,
};

function single(ticket: Ticket, context: Context, inList: boolean): PlaceOrderRequest {
  const { kind } = ticket;
  const priced = TIMED.has(kind);
  const triggered = TRIGGERED.has(kind);
  const byQuote = kind === "market" && ticket.byQuote;
  const timed = priced && !inList;
  const order = create(PlaceOrderRequestSchema, {
    subaccount: context.subaccount,
    symbol: context.symbol,
    clientOrderId: context.newId(),
    side: ticket.side,
    type: TYPES[kind as Exclude<Kind, "oco" | "bracket">],
    ...(priced ? { price: plain(ticket.price) } : {}),
    ...(byQuote ? { quoteQuantity: plain(ticket.quote) } : { quantity: plain(ticket.quantity) }),
    ...(triggered ? { triggerSource: ticket.trigger } : {}),
    ...(timed ? { timeInForce: ticket.timeInForce } : {}),
    ...(timed && ticket.timeInForce === TimeInForce.GTD
      ? { expiresAtNs: BigInt(context.nowMs + ticket.livesS * 1000) * 1_000_000n }
      : {}),
    ...(inList ? {} : { reduceOnly: ticket.reduceOnly }),
  });
  if (triggered && kind !== "trailing") order.stopPrice = plain(ticket.stop);
  if (kind === "trailing") {
    if (ticket.trailPercent) order.trailBps = Number(write(multiply(read(ticket.trail), HUNDRED)));
    else order.trailOffset = plain(ticket.trail);
    order.activationPrice = ticket.activation === "" ? "" : plain(ticket.activation);
  }
  if (kind === "iceberg") order.displayQuantity = plain(ticket.display);
  if (kind === "limit" && !inList) {
    order.postOnly = ticket.postOnly;
    order.slide = ticket.postOnly && ticket.slide;
  }
  return order;
}

const HUNDRED = read("100");

// --- Sizing ------------------------------------------------------------------------------------

interface Funds {
  /** Free quote money. */
  quote: string;
  /** Free base money. */
  base: string;
  /** The price to reckon with, where the ticket names none. */
  price: string;
}

/** The ticket with so many percent of what is available. */
export function sized(ticket: Ticket, percent: number, funds: Funds, instrument: Instrument): Ticket {
  const part = percent * 10_000;
  if (ticket.side === Side.SELL && ticket.kind !== "bracket") {
    const quantity = toStep(partOf(read(funds.base), part), read(instrument.lotSize));
    return { ...ticket, quantity: write(quantity), byQuote: false };
  }
  const spend = partOf(read(funds.quote), part);
  if (ticket.kind === "market") {
    return { ...ticket, byQuote: true, quote: write(cut(spend, 2)) };
  }
  return { ...ticket, quantity: write(quantityFor(spend, ticket, funds, instrument)) };
}

/**
 * The ticket with a quantity that loses so much, and not more, when it is given up at a stop: fees
 * of both trades are counted, what the market slips is not.
 *
 * "side": the stop is where the order would win; "small": not even one lot; undefined: something is
 * missing.
 */
export function sizedByRisk(
  ticket: Ticket, risk: { loss: string; stop: string }, entry: string, instrument: Instrument,
): Ticket | "side" | "small" | undefined {
  const [loss, stop, price] = [parse(risk.loss), parse(risk.stop), parse(entry)];
  if (!loss || !stop || !price || loss.units <= 0n || stop.units <= 0n || price.units <= 0n) return undefined;
  const buys = ticket.side === Side.BUY || ticket.kind === "bracket";
  const fee = { units: BigInt(instrument.takerFeePpm), scale: 6 };
  const apart = buys ? subtract(price, stop) : subtract(stop, price);
  if (apart.units <= 0n) return "side";
  const perUnit = add(apart, multiply(fee, add(price, stop)));
  const lot = read(instrument.lotSize);
  const quantity = toStep(divide(loss, perUnit, lot.scale), lot);
  return quantity.units > 0n ? { ...ticket, quantity: write(quantity), byQuote: false } : "small";
}

/** The price that an order would cost, before it is known: its own, its stop's, or the market's. */
export function reckonedPrice(ticket: Ticket, market: string): string {
  if (TIMED.has(ticket.kind) || ticket.kind === "oco" || ticket.kind === "bracket") return ticket.price;
  if (ticket.kind === "stop" || ticket.kind === "take-profit") return ticket.stop;
  return market;
}

/** Price times quantity; empty where one of them is missing. */
export function totalOf(ticket: Ticket, market: string): string {
  const price = parse(reckonedPrice(ticket, market));
  const quantity = parse(ticket.quantity);
  if (!price || !quantity || ticket.quantity === "") return "";
  return write(multiply(price, quantity));
}

/** The ticket with the quantity that so much quote money is. */
export function withTotal(ticket: Ticket, total: string, market: string, instrument: Instrument): Ticket {
  const price = parse(reckonedPrice(ticket, market));
  const wanted = parse(total);
  if (!price || price.units <= 0n || !wanted || wanted.units < 0n) return { ...ticket, quantity: "" };
  const lot = read(instrument.lotSize);
  return { ...ticket, quantity: write(toStep(divide(wanted, price, lot.scale), lot)) };
}

function quantityFor(spend: Decimal, ticket: Ticket, funds: Funds, instrument: Instrument): Decimal {
  const price = parse(reckonedPrice(ticket, funds.price)) ?? parse(funds.price);
  if (!price || price.units <= 0n) return ZERO;
  const fees = add(read("1"), { units: BigInt(instrument.takerFeePpm), scale: 6 });
  const lot = read(instrument.lotSize);
  return toStep(divide(spend, multiply(price, fees), lot.scale), lot);
}

function cut(value: Decimal, places: number): Decimal {
  return toStep(value, { units: 1n, scale: places });
}
