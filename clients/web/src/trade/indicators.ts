// Indicators beside the candles: chosen here and remembered by this browser, computed by the house.

import { isOutage, market as markets } from "../api";
import { desk } from "../desk";
import type { Indicator, IndicatorPoint } from "../gen/xache/v1/market_pb";
import { Store } from "../store";

export const INDICATORS_MAX = 5;

const KEY = "xache.indicators";
const EVERY_MS = 1_500;
const POINTS_MAX = 600;
const NEWEST_POINTS = 5;

/** An indicator and its settings as they were typed; what is left out is as the house sets it. */
export interface Chosen {
  name: string;
  settings: Record<string, string>;
}

/** What the house has computed of one of them. */
export interface Told {
  about: Indicator;
  /** Oldest first. */
  points: readonly IndicatorPoint[];
}

interface IndicatorsState {
  chosen: readonly Chosen[];
  /** By key. */
  told: ReadonlyMap<string, Told>;
  /** Why the house does not compute one of them, by key. */
  refused: ReadonlyMap<string, unknown>;
}

export const indicators = new Store<IndicatorsState>({ chosen: kept(), told: new Map(), refused: new Map() });

/** What tells an indicator with its settings from all others. */
export function keyOf({ name, settings }: Chosen): string {
  return [name, ...settingsOf(settings)].join(" ");
}

/** Its name as it stands above a chart: short, with its settings. */
export function labelOf({ name, settings }: Chosen, told: Told | undefined): string {
  const values = told
    ? told.about.parameters.map((each) => settings[each.name] ?? String(each.defaultValue))
    : Object.values(settings);
  return [name.replaceAll("_", " ").toUpperCase(), ...values].join(" ");
}

/** Show these from now on; what is there twice is shown once. */
export function choose(chosen: readonly Chosen[]): void {
  const known = new Map(chosen.map((each) => [keyOf(each), each]));
  const shown = [...known.values()].slice(0, INDICATORS_MAX);
  localStorage.setItem(KEY, JSON.stringify(shown));
  const { told, refused } = indicators.state;
  const wanted = <V>(map: ReadonlyMap<string, V>) => new Map([...map].filter(([key]) => known.has(key)));
  indicators.setNow({ chosen: shown, told: wanted(told), refused: wanted(refused) });
}

/** What this browser remembers; nothing where that cannot be read. */
function kept(): readonly Chosen[] {
  if (typeof localStorage === "undefined") return [];
  try {
    const read: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(read) ? read.filter(isChosen).slice(0, INDICATORS_MAX) : [];
  } catch {
    return [];
  }
}

function isChosen(value: unknown): value is Chosen {
  const { name, settings } = (value ?? {}) as Partial<Chosen>;
  return typeof name === "string" && typeof settings === "object" && settings !== null
    && Object.values(settings).every((each) => typeof each === "string");
}

function settingsOf(settings: Chosen["settings"]): string[] {
  return Object.entries(settings).map(([name, value]) => `${name}=${value}`);
}

/** Keep the values true to the candles that are shown, until the returned function is called. */
export function watchIndicators(): () => void {
  let shown = "";
  let newest: unknown;
  let timer = 0;
  let gone = new AbortController();
  const check = () => {
    const { symbol, venue, interval, candles } = desk.state;
    const now = `${symbol} ${venue} ${interval}`;
    if (now !== shown) {
      shown = now;
      newest = undefined;
      gone.abort();
      gone = new AbortController();
      clearTimeout(timer);
      timer = 0;
      if (indicators.state.told.size) indicators.setNow({ told: new Map(), refused: new Map() });
    }
    const { chosen, told, refused } = indicators.state;
    const fresh = chosen.some((each) => !told.has(keyOf(each)) && !refused.has(keyOf(each)));
    if (!chosen.length || !candles.length || (!fresh && candles.at(-1) === newest)) return;
    if (timer) return;
    newest = candles.at(-1);
    const { signal } = gone;
    timer = setTimeout(() => (timer = 0, check()), EVERY_MS);
    void Promise.all(chosen.map((each) => refresh(each, signal)));
  };
  const stops = [desk.subscribe(check), indicators.subscribe(check)];
  check();
  return () => {
    for (const stop of stops) stop();
    clearTimeout(timer);
    gone.abort();
  };
}

/** What the house is asked for now, by key: a slow answer is waited for, so that it is never later
 * than a newer one. */
const asked = new Map<string, AbortSignal>();

async function refresh(chosen: Chosen, signal: AbortSignal): Promise<void> {
  const key = keyOf(chosen);
  if (indicators.state.refused.has(key) || asked.get(key) === signal) return;
  asked.set(key, signal);
  try {
    const before = indicators.state.told.get(key)?.points ?? [];
    let answer = await valuesOf(chosen, before.length ? NEWEST_POINTS : POINTS_MAX, signal);
    // It may have been taken away and chosen again meanwhile.
    const known = indicators.state.told.get(key)?.points;
    let points = before.length ? known && joined(known, answer.points) : answer.points;
    if (!points) {
      answer = await valuesOf(chosen, POINTS_MAX, signal);
      points = answer.points;
    }
    const about = answer.indicator;
    if (signal.aborted || !about || !isStillChosen(key)) return;
    indicators.set({ told: new Map(indicators.state.told).set(key, { about, points }) });
  } catch (error) {
    // Without an answer the next candle asks again.
    if (signal.aborted || isOutage(error) || !isStillChosen(key)) return;
    indicators.set({ refused: new Map(indicators.state.refused).set(key, error) });
  } finally {
    if (asked.get(key) === signal) asked.delete(key);
  }
}

function isStillChosen(key: string): boolean {
  return indicators.state.chosen.some((each) => keyOf(each) === key);
}

async function valuesOf({ name, settings }: Chosen, limit: number, signal: AbortSignal) {
  const { symbol, venue, interval } = desk.state;
  return markets.listIndicatorValues(
    { symbol, venue, interval, indicator: name, settings: settingsOf(settings), limit }, { signal },
  );
}

/** Known points with the newest ones in their place; undefined where there is a gap between. */
export function joined(
  before: readonly IndicatorPoint[], newest: readonly IndicatorPoint[],
): readonly IndicatorPoint[] | undefined {
  const [first] = newest;
  const last = before.at(-1);
  if (!first) return before;
  if (!last) return newest;
  if (first.openAtNs > last.openAtNs) return undefined;
  const kept = before.filter(({ openAtNs }) => openAtNs < first.openAtNs);
  return [...kept, ...newest].slice(-POINTS_MAX);
}
