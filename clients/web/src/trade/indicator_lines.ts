// Indicators as lines: prices among the candles, everything else in a pane of its own below them.

import {
  HistogramSeries, type IChartApi, type ISeriesApi, LineSeries, LineStyle, type SeriesType,
  type UTCTimestamp,
} from "lightweight-charts";
import type { Indicator, IndicatorOutput } from "../gen/xache/v1/market_pb";
import { colour } from "../theme";
import { type Chosen, type Told, keyOf } from "./indicators";

const COLOURS = 6;
const NS_PER_S = 1_000_000_000n;
const CANDLES_SHARE = 3;

interface Line {
  key: string;
  output: number;
  series: ISeriesApi<SeriesType>;
}

/** The lines of a chart. */
export interface IndicatorLines {
  lines: Line[];
  /** What is painted, by key: the rest is left as it is. */
  painted: Map<string, Told>;
  /** What the lines were made for. */
  made: string;
}

export const noLines = (): IndicatorLines => ({ lines: [], painted: new Map(), made: "" });

/** The colour that outputs have, by their place: bands have one in common. */
export function colourOf(about: Indicator, output: number, first: number): string {
  return `study-${(first + (isBand(about) ? 0 : output)) % COLOURS}`;
}

/** How many colours an indicator takes. */
export function coloursOf(about: Indicator): number {
  return isBand(about) ? 1 : drawn(about).length;
}

/** The outputs that are drawn: of what has prices, only those. */
export function drawn(about: Indicator): readonly { output: IndicatorOutput; index: number }[] {
  const all = about.outputs.map((output, index) => ({ output, index }));
  const prices = all.filter(({ output }) => output.isPrice);
  return prices.length ? prices : all;
}

function isBand(about: Indicator): boolean {
  return about.outputs.some(({ name }) => name === "upper");
}

/** Paint what the house has computed; `colours` is another number when the colours are others. */
export function paintIndicators(
  chart: IChartApi, held: IndicatorLines, chosen: readonly Chosen[],
  told: ReadonlyMap<string, Told>, colours: number, places: number,
): void {
  const known = chosen.filter((each) => told.has(keyOf(each))).map(keyOf);
  const wanted = `${colours} ${places} ${known.join("|")}`;
  if (wanted !== held.made) {
    for (const { series } of held.lines) chart.removeSeries(series);
    held.lines = makeLines(chart, known, told, places);
    held.painted = new Map();
    held.made = wanted;
  }
  for (const { key, output, series } of held.lines) {
    const now = told.get(key);
    if (!now || held.painted.get(key) === now) continue;
    series.setData(
      now.points.map((point) => ({
        time: Number(point.openAtNs / NS_PER_S) as UTCTimestamp,
        value: point.values[output] ?? 0,
      })),
    );
  }
  held.painted = new Map(told);
}

function makeLines(
  chart: IChartApi, keys: readonly string[], told: ReadonlyMap<string, Told>, places: number,
): Line[] {
  const lines: Line[] = [];
  let pane = 0;
  let first = 0;
  for (const key of keys) {
    const about = told.get(key)?.about;
    if (!about) continue;
    const isPrice = about.outputs.some((output) => output.isPrice);
    const index = isPrice ? 0 : (pane += 1);
    for (const { output, index: place } of drawn(about)) {
      const color = colour(colourOf(about, place, first));
      lines.push({ key, output: place, series: makeLine(chart, output, color, index, places) });
    }
    first += coloursOf(about);
  }
  const [candles, ...others] = chart.panes();
  candles?.setStretchFactor(CANDLES_SHARE);
  for (const other of others) other.setStretchFactor(1);
  return lines;
}

function makeLine(
  chart: IChartApi, output: IndicatorOutput, color: string, pane: number, places: number,
): ISeriesApi<SeriesType> {
  const common = {
    priceLineVisible: false, lastValueVisible: pane > 0, color,
    priceFormat: { type: "price" as const, precision: pane ? 2 : places, minMove: 10 ** -(pane ? 2 : places) },
  };
  if (output.name === "histogram") {
    return chart.addSeries(HistogramSeries, { ...common, lastValueVisible: false }, pane);
  }
  // A stop jumps from one side to the other: a line between would mean nothing.
  const points = output.name === "stop";
  return chart.addSeries(
    LineSeries,
    {
      ...common, lineWidth: 1, crosshairMarkerVisible: false, lineVisible: !points,
      pointMarkersVisible: points, pointMarkersRadius: 1.5,
      lineStyle: output.name === "middle" ? LineStyle.Dashed : LineStyle.Solid,
    },
    pane,
  );
}
