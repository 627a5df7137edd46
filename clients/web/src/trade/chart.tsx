// Candles with volume, indicators, one's own fills and open orders, painted by lightweight-charts.

import {
  type AutoscaleInfo, CandlestickSeries, ColorType, CrosshairMode, HistogramSeries, type IChartApi,
  type ISeriesApi,
  type ISeriesMarkersPluginApi, type SeriesMarker, type Time,
  type UTCTimestamp, createChart, createSeriesMarkers,
} from "lightweight-charts";
import { useEffect, useRef, useState } from "preact/hooks";
import { XACHE, desk, instrumentOf } from "../desk";
import { placesOf } from "../decimal";
import { amount, momentOf, short } from "../format";
import type { Candle } from "../gen/xache/v1/market_pb";
import { Interval } from "../gen/xache/v1/market_pb";
import { type Fill, Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { colour, theme } from "../theme";
import { useStore } from "../store";
import { type IndicatorLines, noLines, paintIndicators } from "./indicator_lines";
import { IndicatorLegend } from "./indicator_menu";
import { indicators, watchIndicators } from "./indicators";
import { OrderHandles, shownPrice } from "./order_handles";

const NEAR = 0.004; // of the last price: so far from it own orders widen the scale
const NS_PER_S = 1_000_000_000n;
const SECONDS: Record<number, number> = {
  [Interval.INTERVAL_1S]: 1, [Interval.INTERVAL_1M]: 60, [Interval.INTERVAL_5M]: 300,
  [Interval.INTERVAL_15M]: 900, [Interval.INTERVAL_1H]: 3600, [Interval.INTERVAL_1D]: 86_400,
};
const SHOWN_CANDLES = 110;
const REDRAW_MS = 250;

interface Painter {
  chart: IChartApi;
  candles: ISeriesApi<"Candlestick">;
  volume: ISeriesApi<"Histogram">;
  markers: ISeriesMarkersPluginApi<Time>;
  indicators: IndicatorLines;
  /** What is painted: to add to it where only the newest candle has changed. */
  painted: readonly Candle[];
}

export function Chart() {
  const box = useRef<HTMLDivElement>(null);
  const painter = useRef<Painter | undefined>(undefined);
  const [there, setThere] = useState<Painter | undefined>(undefined);
  const [hovered, setHovered] = useState<Candle | undefined>(undefined);
  const symbol = useStore(desk, (state) => state.symbol);
  const venue = useStore(desk, (state) => state.venue);
  const interval = useStore(desk, (state) => state.interval);
  // The newest candle changes with every trade, others hardly ever.
  useStore(desk, (state) => state.candles.at(-1)?.openAtNs);
  const candles = useStore(desk, (state) => state.candles, REDRAW_MS);
  const fills = useStore(desk, (state) => state.fills);
  const colours = useStore(theme, (state) => state.count);
  const chosen = useStore(indicators, (state) => state.chosen);
  const told = useStore(indicators, (state) => state.told);
  const instrument = useStore(desk, (state) => instrumentOf(state));
  const places = placesOf(instrument?.tickSize ?? "0.01");

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = makePainter(element);
    painter.current = made;
    setThere(made);
    made.chart.subscribeCrosshairMove(({ time }) => {
      const at = time === undefined ? undefined : BigInt(time as number) * NS_PER_S;
      setHovered(at === undefined ? undefined : desk.state.candles.find(({ openAtNs }) => openAtNs === at));
    });
    return () => {
      painter.current = undefined;
      // Not before what is drawn on it has been taken off.
      queueMicrotask(() => made.chart.remove());
    };
  }, []);

  useEffect(watchIndicators, []);
  useEffect(() => paintColours(painter.current), [colours]);

  useEffect(() => {
    const made = painter.current;
    if (!made) return;
    made.candles.applyOptions({
      priceFormat: { type: "price", precision: places, minMove: Number(instrument?.tickSize ?? 0.01) },
    });
    made.painted = [];
    made.chart.applyOptions({ timeScale: { secondsVisible: interval === Interval.INTERVAL_1S } });
  }, [symbol, venue, interval, places]);

  useEffect(() => paintCandles(painter.current, candles), [candles, colours, symbol, venue, interval]);
  useEffect(
    () => paintFills(painter.current, fills, symbol, venue, interval, candles),
    [fills, symbol, venue, interval, colours, candles.length, candles[0]],
  );

  useEffect(() => {
    const made = painter.current;
    if (made) paintIndicators(made.chart, made.indicators, chosen, told, colours, places);
  }, [chosen, told, colours, places]);

  const newest = candles.at(-1);
  const read = hovered ?? newest;
  return (
    <div class="chart">
      <Readout candle={read} places={places} />
      <IndicatorLegend atNs={read?.openAtNs ?? 0n} places={places} />
      <div class="area">
        <div
          ref={box}
          class="canvas"
          role="img"
          aria-label={t.chart.label(symbol, t.chart.interval[interval] ?? "", newest ? amount(newest.close) : "")}
        />
        {there && <OrderHandles chart={there.chart} candles={there.candles} />}
      </div>
      {!candles.length && <p class="nothing quiet">{t.chart.empty}</p>}
    </div>
  );
}

function Readout({ candle, places }: { candle: Candle | undefined; places: number }) {
  if (!candle) return <p class="readout" />;
  const rising = Number(candle.close) >= Number(candle.open);
  const figure = (name: string, value: string) => (
    <span>
      {name} <b class={rising ? "up" : "down"}>{short(value, places)}</b>
    </span>
  );
  return (
    <p class="readout figure">
      <span>{momentOf(candle.openAtNs)}</span>
      {figure(t.chart.open, candle.open)}
      {figure(t.chart.high, candle.high)}
      {figure(t.chart.low, candle.low)}
      {figure(t.chart.close, candle.close)}
      <span>
        {t.chart.volumeShort} <b>{amount(candle.volume)}</b>
      </span>
    </p>
  );
}

function makePainter(element: HTMLElement): Painter {
  const chart = createChart(element, {
    autoSize: true,
    // The notice that the library asks for stands below the page instead: its own brings a
    // style sheet along, which the page's policy does not let in.
    layout: { attributionLogo: false, background: { type: ColorType.Solid, color: "transparent" } },
    crosshair: { mode: CrosshairMode.Normal },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.2 } },
    timeScale: { borderVisible: false, rightOffset: 6, timeVisible: true, tickMarkFormatter: tickMark },
    localization: { timeFormatter: (time: Time) => momentOf(BigInt(time as number) * NS_PER_S) },
  });
  const candles = chart.addSeries(CandlestickSeries, {
    borderVisible: false,
    autoscaleInfoProvider: (original: () => AutoscaleInfo | null) => withNearOrders(original()),
  });
  const volume = chart.addSeries(HistogramSeries, {
    priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false,
  });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } });
  const markers = createSeriesMarkers(candles, []);
  const made = { chart, candles, volume, markers, indicators: noLines(), painted: [] };
  paintColours(made);
  return made;
}

/** The prices that are shown, with own orders near the market among them: a quiet one hides none. */
function withNearOrders(shown: AutoscaleInfo | null): AutoscaleInfo | null {
  const last = Number(desk.state.candles.at(-1)?.close ?? 0);
  if (!shown?.priceRange || !last) return shown;
  const near = desk.state.orders
    .filter(({ symbol }) => symbol === desk.state.symbol)
    .map((order) => Number(shownPrice(order)))
    .filter((price) => Math.abs(price / last - 1) <= NEAR);
  const { minValue, maxValue } = shown.priceRange;
  return {
    ...shown,
    priceRange: { minValue: Math.min(minValue, ...near), maxValue: Math.max(maxValue, ...near) },
  };
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const seconds = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

function tickMark(time: Time, mark: number): string {
  const at = (time as number) * 1000;
  // 0 to 2: a new year, month or day; 3: a time of day; 4: one with seconds.
  return (mark <= 2 ? date : mark === 3 ? clock : seconds).format(at);
}

function paintColours(made: Painter | undefined): void {
  if (!made) return;
  const [up, down, quiet, line] = [colour("up"), colour("down"), colour("quiet"), colour("line")];
  made.chart.applyOptions({
    layout: {
      panes: { separatorColor: line, separatorHoverColor: line },
      textColor: quiet, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11,
    },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    crosshair: {
      vertLine: { color: quiet, labelBackgroundColor: colour("line-strong") },
      horzLine: { color: quiet, labelBackgroundColor: colour("line-strong") },
    },
  });
  made.candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
  made.painted = [];
}

function paintCandles(made: Painter | undefined, candles: readonly Candle[]): void {
  if (!made || made.painted === candles) return;
  const before = made.painted;
  const grows = before.length > 1 && before[0] === candles[0] && candles.length >= before.length
    && before.slice(0, -1).every((candle, index) => candle === candles[index]);
  if (grows) {
    for (const candle of candles.slice(before.length - 1)) {
      made.candles.update(bar(candle));
      made.volume.update(column(candle));
    }
  } else {
    made.candles.setData(candles.map(bar));
    made.volume.setData(candles.map(column));
    if (!before.length && candles.length) {
      const last = candles.length;
      made.chart.timeScale().setVisibleLogicalRange({ from: last - SHOWN_CANDLES, to: last + 6 });
    }
  }
  made.painted = candles;
}

function timeOfCandle(ns: bigint): UTCTimestamp {
  return Number(ns / NS_PER_S) as UTCTimestamp;
}

function bar(candle: Candle) {
  return {
    time: timeOfCandle(candle.openAtNs),
    open: Number(candle.open), high: Number(candle.high), low: Number(candle.low), close: Number(candle.close),
  };
}

function column(candle: Candle) {
  const rising = Number(candle.close) >= Number(candle.open);
  return {
    time: timeOfCandle(candle.openAtNs),
    value: Number(candle.volume),
    color: colour(rising ? "up-wash" : "down-wash"),
  };
}

/** Mark one's own fills. Only on the house's own prices. */
function paintFills(
  made: Painter | undefined, fills: readonly Fill[], symbol: string, venue: string, interval: Interval, candles: readonly Candle[],
): void {
  if (!made) return;
  const [buy, sell] = [colour("up"), colour("down")];
  const from = candles[0]?.openAtNs ?? 0n;
  const shown = venue === XACHE ? fills.filter((fill) => fill.symbol === symbol && fill.atNs >= from) : [];
  const length = BigInt(SECONDS[interval] ?? 60) * NS_PER_S;
  const marks: SeriesMarker<Time>[] = shown.slice(0, 100).reverse().map((fill) => {
    const bought = fill.side === Side.BUY;
    return {
      time: timeOfCandle(fill.atNs - (fill.atNs % length)),
      position: bought ? "belowBar" : "aboveBar",
      color: bought ? buy : sell,
      shape: bought ? "arrowUp" : "arrowDown",
      size: 1,
    };
  });
  made.markers.setMarkers(candles.length ? marks : []);
}
