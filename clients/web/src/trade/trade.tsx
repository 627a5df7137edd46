// The screen to trade on.

import { useEffect, useState } from "preact/hooks";
import { desk, instrumentOf, show } from "../desk";
import { Interval } from "../gen/xache/v1/market_pb";
import { Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { go } from "../router";
import { session } from "../session";
import { useStore } from "../store";
import { Segments, classes } from "../ui";
import { Chart } from "./chart";
import { Depth } from "./depth";
import { fill, watchMarket } from "./draft";
import { IndicatorButton } from "./indicator_menu";
import { MarketBar } from "./market_bar";
import { OrderBook } from "./order_book";
import { OrdersPanel } from "./orders_panel";
import { Tape } from "./tape";
import { TicketForm } from "./ticket_form";

const INTERVALS = [
  Interval.INTERVAL_1S, Interval.INTERVAL_1M, Interval.INTERVAL_5M, Interval.INTERVAL_15M,
  Interval.INTERVAL_1H, Interval.INTERVAL_1D,
];

type Panel = "chart" | "book" | "tape";

export function Trade({ symbol }: { symbol: string | undefined }) {
  const shown = useStore(desk, (state) => state.symbol);
  const instruments = useStore(desk, (state) => state.instruments);
  const inside = useStore(session, (state) => state.phase === "in");
  const status = useStore(desk, (state) => state.status);
  const [panel, setPanel] = useState<Panel>("chart");

  useEffect(() => {
    if (!instruments.length) return;
    if (symbol && instrumentOf(desk.state, symbol)) show({ symbol });
    else if (shown) go(`/trade/${shown}`, true);
  }, [symbol, shown === "", instruments]);
  useEffect(watchMarket, []);
  useEffect(listenToKeys, []);

  return (
    <main
      id="content"
      class={classes("trade", !inside && "watching", (status === "stale" || status === "reconnecting") && "old")}
      data-panel={panel}
    >
      <MarketBar />
      <Segments<Panel>
        class="panels"
        label={t.chart.views}
        value={panel}
        choices={[["chart", t.chart.title], ["book", t.book.title], ["tape", t.tape.title]]}
        onChange={setPanel}
      />
      <ChartCard />
      <OrderBook />
      <Tape />
      {inside ? <TicketForm /> : <Invitation />}
      {inside && <OrdersPanel />}
      <p class="credits quiet">
        <a href="https://www.tradingview.com/" target="_blank" rel="noreferrer noopener">{t.app.charts}</a>
      </p>
    </main>
  );
}

function ChartCard() {
  const interval = useStore(desk, (state) => state.interval);
  const [view, setView] = useState<"candles" | "depth">("candles");
  return (
    <section class="card chart-card" aria-labelledby="chart-title">
      <header class="head">
        <h2 id="chart-title" class="unseen">{t.chart.title}</h2>
        <Segments<Interval>
          look="tabs"
          class="intervals"
          label={t.chart.intervals}
          value={interval}
          choices={INTERVALS.map((each) => [each, t.chart.interval[each] ?? ""] as const)}
          onChange={(chosen) => {
            setView("candles");
            show({ interval: chosen });
          }}
        />
        <div class="end">
          {view === "candles" && <IndicatorButton />}
          <Segments
            label={t.chart.views}
            value={view}
            choices={[["candles", t.chart.candles], ["depth", t.chart.depth]]}
            onChange={setView}
          />
        </div>
      </header>
      {view === "candles" ? <Chart /> : <Depth />}
    </section>
  );
}

function Invitation() {
  return (
    <section class="card ticket invitation" aria-label={t.ticket.title}>
      <h2>{t.ticket.signIn}</h2>
      <a class="button primary wide" href="/sign-in">{t.app.signIn}</a>
      <a class="button wide" href="/sign-up">{t.app.signUp}</a>
    </section>
  );
}

/** Keys that work wherever nothing is being typed: b and s choose the side, q goes to the amount. */
function listenToKeys(): () => void {
  const press = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName) || target.closest("dialog");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const focus = (selector: string) => {
      event.preventDefault();
      document.querySelector<HTMLElement>(selector)?.focus();
    };
    if (event.key === "b") fill({ side: Side.BUY });
    else if (event.key === "s") fill({ side: Side.SELL });
    else if (event.key === "p") focus('.ticket input[name="price"]');
    else if (event.key === "q") focus('.ticket input[name="quantity"], .ticket input[name="quote"]');
    else if (event.key === "m") focus("#market");
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}
