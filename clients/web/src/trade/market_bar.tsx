// Which market is shown, what it does today, and whose prices they are.

import { useEffect, useRef, useState } from "preact/hooks";
import { placesOf } from "../decimal";
import { XACHE, desk, instrumentOf, show, takingOrders, tickerKey, venuesOf } from "../desk";
import { amount, changePpm, isZero, millis, percent, timeOf, trendPpm } from "../format";
import { type Instrument, MarketState, Provenance } from "../gen/xache/v1/types_pb";
import type { Ticker } from "../gen/xache/v1/market_pb";
import { t } from "../messages";
import { go } from "../router";
import { useStore } from "../store";
import { Icon, Segments, classes } from "../ui";
import { AuctionFacts, useAuction } from "./auction";

const DAY_MS = 86_400_000;
const DAY_SLACK_MS = 900_000;

export function MarketBar() {
  const symbol = useStore(desk, (state) => state.symbol);
  const venue = useStore(desk, (state) => state.venue);
  const tickers = useStore(desk, (state) => state.tickers);
  const instrument = useStore(desk, (state) => instrumentOf(state));
  const venues = venuesOf(desk.state, symbol);
  const ticker = tickers.get(tickerKey(symbol, venue));
  const places = placesOf(instrument?.tickSize ?? "0.01");
  const change = ticker ? changePpm(ticker.open, ticker.last) : undefined;
  const quiet = ticker?.source?.provenance === Provenance.SIMULATED && isZero(ticker.volume);
  const direction = useDirection(ticker?.last ?? "");
  const auction = useAuction();

  useEffect(() => {
    const name = symbol.replace("-", "/");
    document.title = ticker?.last ? `${amount(ticker.last, places)} ${name} · XACHE` : "XACHE";
  }, [ticker?.last, symbol]);

  return (
    <section class={classes("card market-bar", ticker?.stale && "old")} aria-label={t.market.choose}>
      <MarketChoice />
      <div class="last">
        <span class="unseen">{t.market.last} </span>
        <strong class={classes("figure", direction)} id="last">{amount(ticker?.last ?? "", places)}</strong>
        <span class={classes("figure", trendPpm(change))}>
          {percent(change)}
        </span>
      </div>
      {auction ? <AuctionFacts told={auction} /> : (
        <dl>
          <div>
            <dt>{ticker && young(ticker) ? t.market.changeSince(timeOf(ticker.openAtNs).slice(0, 5)) : t.market.change}</dt>
            <dd class="figure">{percent(change)}</dd>
          </div>
          <div><dt>{t.market.high}</dt><dd class="figure">{amount(ticker?.high ?? "", places)}</dd></div>
          <div><dt>{t.market.low}</dt><dd class="figure">{amount(ticker?.low ?? "", places)}</dd></div>
          <div>
            <dt>{t.market.volume}</dt>
            <dd class="figure" title={quiet ? t.market.noVolumeHint : undefined}>
              {quiet ? t.market.noVolume : `${amount(ticker?.volume ?? "")} ${instrument?.base ?? ""}`}
            </dd>
          </div>
        </dl>
      )}
      <div class="badges">
        <State told={instrument} />
        {ticker?.stale && <span class="badge warn" title={t.market.silentHint}>{t.market.silent}</span>}
        <Segments
          label={t.market.sources}
          value={venue}
          choices={venues.map((name) => [name, name] as const)}
          onChange={(chosen) => show({ venue: chosen })}
        />
        <span class="badge" id="provenance">
          {t.market.provenance[ticker?.source?.provenance ?? Provenance.UNSPECIFIED]}
        </span>
      </div>
    </section>
  );
}

function State({ told }: { told: Instrument | undefined }) {
  if (!told || (told.state === MarketState.TRADING && !told.delisted)) return null;
  return <span class="badge warn" id="market-state">{told.delisted ? t.market.delisted : t.market.states[told.state]}</span>;
}

function young(ticker: Ticker): boolean {
  return Date.now() - millis(ticker.openAtNs) < DAY_MS - DAY_SLACK_MS;
}

/** Which way the price went when it changed last. */
function useDirection(price: string): "up" | "down" | "" {
  const before = useRef({ price: "", direction: "" as "up" | "down" | "" });
  if (price !== before.current.price) {
    const [old, now] = [Number(before.current.price), Number(price)];
    const direction = !old || old === now ? before.current.direction : now > old ? "up" : "down";
    before.current = { price, direction };
  }
  return before.current.direction;
}

/** Those that take orders first. */
function inOrder(instruments: readonly Instrument[]): Instrument[] {
  return [...takingOrders({ instruments }), ...instruments.filter(({ delisted }) => delisted)];
}

function MarketChoice() {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const { symbol, instruments } = useStore(desk, (state) => state.instruments) && desk.state;
  useStore(desk, (state) => state.symbol);
  const tickers = useStore(desk, (state) => state.tickers);
  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>("a")?.focus();
    const close = (event: Event) => {
      if (event instanceof KeyboardEvent) {
        if (event.key !== "Escape") return;
        button.current?.focus();
      } else if (box.current?.contains(event.target as Node)) return;
      setOpen(false);
    };
    addEventListener("pointerdown", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("keydown", close);
    };
  }, [open]);
  return (
    <div class="choice" ref={box}>
      <h1>
        <button ref={button} type="button" id="market" aria-expanded={open} onClick={() => setOpen(!open)}>
          {symbol.replace("-", "/")} <Icon name="down" />
        </button>
      </h1>
      {open && (
        <ul class="sheet">
          {inOrder(instruments).map((each) => {
            const ticker = tickers.get(tickerKey(each.symbol, XACHE));
            const change = ticker ? changePpm(ticker.open, ticker.last) : undefined;
            return (
              <li key={each.symbol}>
                <a
                  href={`/trade/${each.symbol}`}
                  aria-current={each.symbol === symbol ? "page" : undefined}
                  onClick={(event) => {
                    event.preventDefault();
                    setOpen(false);
                    go(`/trade/${each.symbol}`);
                  }}
                >
                  <b>{each.symbol.replace("-", "/")}</b>
                  <span class="figure">{amount(ticker?.last ?? "", placesOf(each.tickSize))}</span>
                  <span class={classes("figure", trendPpm(change) || "quiet")}>
                    {each.delisted ? t.market.delisted : percent(change)}
                  </span>
                </a>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}
