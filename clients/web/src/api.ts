// The house's services over gRPC-Web, and its refusals as errors that screens can show.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb";
import { AccountService } from "./gen/xache/v1/account_pb";
import { AuthService } from "./gen/xache/v1/auth_pb";
import { LiveService } from "./gen/xache/v1/live_pb";
import { MarketService } from "./gen/xache/v1/market_pb";
import { TradingService } from "./gen/xache/v1/trading_pb";
import { WalletService } from "./gen/xache/v1/wallet_pb";

const CALL_MS = 15_000;

/** Gives the token that calls carry, fresh where it has to be; undefined without a session. */
type TokenSource = () => Promise<string | undefined>;

let tokenSource: TokenSource = async () => undefined;
let onDenied: () => void = () => {};

/** Say where tokens come from, and what to do when one is refused. */
export function carryTokens(source: TokenSource, denied: () => void): void {
  tokenSource = source;
  onDenied = denied;
}

const authorize: Interceptor = (next) => async (request) => {
  if (request.service.typeName === AuthService.typeName && PUBLIC.has(request.method.name)) {
    return next(request);
  }
  const token = await tokenSource();
  if (token) request.header.set("authorization", `Bearer ${token}`);
  try {
    return await next(request);
  } catch (error) {
    if (token && ConnectError.from(error).code === Code.Unauthenticated) onDenied();
    throw error;
  }
};

const PUBLIC = new Set([
  "Register", "Login", "Refresh", "CompleteLogin", "ConfirmRegistration", "ResendCode",
  "StartRecovery", "FinishRecovery",
]);

const base = typeof location === "undefined" ? "http://localhost" : location.origin;
/** What every call has: where it goes, and who makes it. */
export const calls = {
  baseUrl: base,
  useBinaryFormat: true,
  defaultTimeoutMs: CALL_MS,
  interceptors: [authorize],
};
/** How every service is reached; screens that are loaded later bring their services along. */
export const transport = createGrpcWebTransport(calls);

export const auth = createClient(AuthService, transport);
export const account = createClient(AccountService, transport);
export const trading = createClient(TradingService, transport);
export const market = createClient(MarketService, transport);
export const wallet = createClient(WalletService, transport);
export const live = createClient(LiveService, transport);

/** A clear no, or a fault, in the house's words. */
export interface Refusal {
  code: Code;
  /** The rule, such as INSUFFICIENT_FUNDS; empty for faults of the way there. */
  reason: string;
  message: string;
  facts: Record<string, string>;
}

/** Thrown by the client itself, with a sentence for people. */
export class Said extends Error {}

/** What an error says. */
export function refusalOf(error: unknown): Refusal {
  const failed = ConnectError.from(error);
  const [info] = failed.findDetails(ErrorInfoSchema);
  return {
    code: failed.code,
    reason: info?.reason ?? "",
    message: failed.rawMessage,
    facts: { ...info?.metadata },
  };
}

/** Whether an error means that the house cannot be reached, and trying again may help. */
export function isOutage(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return [Code.Unavailable, Code.Unknown, Code.DeadlineExceeded, Code.Canceled].includes(code);
}

/** The headers of a request that has been proved afresh. */
export function proven(token: string): { headers: Record<string, string> } {
  return { headers: { "x-xache-step-up": token } };
}

/** The bytes that a fresh proof is bound to: as they will be sent. */
export function bytesOf<D extends DescMessage>(schema: D, message: MessageShape<D>): Uint8Array {
  return toBinary(schema, message);
}

/** An id that makes a request safe to repeat. */
export function newId(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return `${prefix}-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
