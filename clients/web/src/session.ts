// Who is signed in. The access token lives in memory only; what renews it is in a cookie that no
// script can read, and is spent by one page at a time, since it works once.

import { Code, ConnectError } from "@connectrpc/connect";
import { account, auth, carryTokens, isOutage } from "./api";
import type { Subaccount } from "./gen/xache/v1/account_pb";
import type { Tokens } from "./gen/xache/v1/auth_pb";
import { Impediment, Role } from "./gen/xache/v1/options_pb";
import { Store } from "./store";

export const MAIN = "main";

const EARLY_MS = 30_000;
const RETRY_MS = 2_000;
const DEVICE_KEY = "xache.device";
const STAYED_OUT_KEY = "xache.stayed-out";
const PURSE_KEY = "xache.purse";

interface SessionState {
  phase: "starting" | "out" | "in";
  email: string;
  accountId: string;
  purses: readonly Subaccount[];
  /** The purse that screens show. */
  purse: string;
  impediments: readonly Impediment[];
  /** What the account is to the house. */
  roles: readonly Role[];
}

const OUT = { phase: "out", email: "", accountId: "", purses: [], impediments: [], roles: [] } as const;

export const session = new Store<SessionState>({ ...OUT, phase: "starting", purse: MAIN });

/** Whether this is a demo on one's own machine, which lets its trader in without a password. */
export const isDemo =
  typeof document !== "undefined" && document.querySelector('meta[name="xache-demo"]') !== null;

/** Whether this is the administrators' own port of the machine. */
export const isAdminPort =
  typeof document !== "undefined" && document.querySelector('meta[name="xache-admin"]') !== null;

let access: { token: string; until: number } | undefined;
let renewing: Promise<string | undefined> | undefined;
const others = typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("xache");

carryTokens(freshToken, () => {
  access = undefined;
});
others?.addEventListener("message", ({ data }) => {
  if (data === "out") leave();
  else if (data === "in" && session.state.phase === "out") void begin();
});

/** Find out whether there is a session; in a demo, open one unless somebody has left it. */
export async function begin(): Promise<void> {
  for (;;) {
    try {
      if (await renew()) await enter();
      else if (isDemo && !localStorage.getItem(STAYED_OUT_KEY)) await openDemo();
      else leave();
      return;
    } catch (error) {
      if (!isOutage(error)) return leave();
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

/** What a sign-in still asks for: nothing, or a code of the second factor. */
export type SignIn = { secondFactorToken: string } | undefined;

/** Sign in with a password. Throws what the house refuses. */
export async function signIn(email: string, password: string): Promise<SignIn> {
  const answer = await auth.login({
    email,
    password,
    device: deviceName(),
    deviceToken: localStorage.getItem(DEVICE_KEY) ?? "",
  });
  if (answer.deviceToken) localStorage.setItem(DEVICE_KEY, answer.deviceToken);
  if (answer.secondFactorToken) return { secondFactorToken: answer.secondFactorToken };
  take(answer.tokens);
  await enter(true);
  return undefined;
}

/** Finish a sign-in with a code. Throws what the house refuses. */
export async function completeSignIn(secondFactorToken: string, code: string): Promise<void> {
  const answer = await auth.completeLogin({ secondFactorToken, code: code.trim() });
  if (answer.deviceToken) localStorage.setItem(DEVICE_KEY, answer.deviceToken);
  take(answer.tokens);
  await enter(true);
}

/** Sign in as the trader of the demo. Throws what the house refuses. */
export async function openDemo(): Promise<void> {
  const answer = await fetch("/demo/trader", { method: "POST", headers: { "x-xache-csrf": "1" } });
  if (!answer.ok) throw new ConnectError("the demo lets nobody in from here", Code.Unavailable);
  const { email, password } = (await answer.json()) as { email: string; password: string };
  await signIn(email, password);
}

/** End the session, here and in the other pages of this browser. */
export async function signOut(): Promise<void> {
  if (isDemo) localStorage.setItem(STAYED_OUT_KEY, "1");
  try {
    await auth.logout({});
  } finally {
    ended();
  }
}

/** The house has ended the session: forget it. */
export function ended(): void {
  leave();
  others?.postMessage("out");
}

/** Show another purse. */
export function choosePurse(purse: string): void {
  localStorage.setItem(PURSE_KEY, purse);
  session.setNow({ purse });
}

/** Ask again what the account has and what stands against it. */
export async function reloadAccount(): Promise<void> {
  const [who, { subaccounts }, { impediments }] = await Promise.all([
    account.getAccount({}),
    account.listSubaccounts({}),
    account.whatCanThisKeyDo({}),
  ]);
  const kept = localStorage.getItem(PURSE_KEY) ?? MAIN;
  const purse = subaccounts.some(({ name }) => name === kept) ? kept : MAIN;
  session.setNow({
    phase: "in",
    email: who.email,
    accountId: who.accountId,
    purses: subaccounts,
    purse,
    impediments,
    roles: who.roles,
  });
}

async function enter(anew = false): Promise<void> {
  await reloadAccount();
  localStorage.removeItem(STAYED_OUT_KEY);
  if (anew) others?.postMessage("in");
}

function leave(): void {
  access = undefined;
  session.setNow(OUT);
}

/** A token that works for a while; undefined where there is no session. */
async function freshToken(): Promise<string | undefined> {
  if (access && performance.now() < access.until) return access.token;
  if (!access && session.state.phase === "out") return undefined;
  return renew();
}

function renew(): Promise<string | undefined> {
  renewing ??= alone(refresh).finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function refresh(): Promise<string | undefined> {
  try {
    const { tokens } = await auth.refresh({});
    return take(tokens);
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Unauthenticated) throw error;
    if (session.state.phase === "in") leave();
    return undefined;
  }
}

function take(tokens: Tokens | undefined): string | undefined {
  if (!tokens) return undefined;
  const token = tokens.accessToken;
  access = { token, until: performance.now() + lifetimeMs(token) - EARLY_MS };
  return token;
}

/** How long a token lives by its own word: the clock of this machine may be wrong. */
export function lifetimeMs(token: string): number {
  const [, payload = ""] = token.split(".");
  const claims = JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/"))) as {
    exp: number;
    iat: number;
  };
  return (claims.exp - claims.iat) * 1000;
}

function alone<T>(action: () => Promise<T>): Promise<T> {
  // Without TLS on another machine there are no locks, and no cookie to spend either.
  return navigator.locks ? navigator.locks.request("xache-refresh", action) : action();
}

function deviceName(): string {
  const agent = navigator.userAgent;
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(agent)?.[1] ?? "browser";
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(agent)?.[1] ?? "";
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS" };
  return [names[browser] ?? browser, names[system] ?? system].filter(Boolean).join(" on ");
}
