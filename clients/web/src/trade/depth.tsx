// The depth of a book: how much could be traded down to each price, painted by uPlot.

import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { BookPicture } from "../book";
import { desk } from "../desk";
import { amount } from "../format";
import { t } from "../messages";
import { useStore } from "../store";
import { colour, theme } from "../theme";

const LEVELS = 100;
const REDRAW_MS = 250;

export function Depth() {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const book = useStore(desk, (state) => state.book, REDRAW_MS);
  const symbol = useStore(desk, (state) => state.symbol);
  const colours = useStore(theme, (state) => state.count);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = makePlot(element);
    plot.current = made;
    made.setData(dataOf(desk.state.book));
    const watch = new ResizeObserver(() =>
      made.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [colours]);
  useEffect(() => plot.current?.setData(dataOf(book)), [book]);
  return <div ref={box} class="canvas depth" role="img" aria-label={t.chart.depthLabel(symbol)} />;
}

/** Prices, and what could be bought or sold down to each; the sides share one line of prices. */
function dataOf(book: BookPicture | undefined): uPlot.AlignedData {
  const bids = summed(book?.bids ?? []).reverse();
  const asks = summed(book?.asks ?? []);
  const gap = (count: number) => new Array<number | null>(count).fill(null);
  return [
    [...bids, ...asks].map(([price]) => price),
    [...bids.map(([, total]) => total), ...gap(asks.length)],
    [...gap(bids.length), ...asks.map(([, total]) => total)],
  ];
}

function summed(levels: BookPicture["bids"]): [number, number][] {
  let total = 0;
  return levels.slice(0, LEVELS).map(({ price, quantity }) => {
    total += Number(quantity);
    return [Number(price), total];
  });
}

function makePlot(element: HTMLElement): uPlot {
  const { fontFamily } = getComputedStyle(document.body);
  const side = (name: "up" | "down", align: 1 | -1): uPlot.Series => ({
    stroke: colour(name),
    fill: colour(`${name}-wash`),
    width: 1.5,
    points: { show: false },
    ...(uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align }) } : {}),
  });
  const axis = {
    stroke: colour("quiet"),
    font: `11px ${fontFamily}`,
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
  };
  const written = (_: uPlot, values: (number | null)[]) =>
    values.map((value) => (value === null ? "" : amount(String(value))));
  return new uPlot(
    {
      width: element.clientWidth,
      height: element.clientHeight,
      legend: { show: false },
      cursor: { y: false, points: { show: false } },
      scales: { x: { time: false }, y: { range: (_, __, max) => [0, (max || 1) * 1.08] } },
      series: [{}, side("up", -1), side("down", 1)],
      axes: [
        { ...axis, values: written, space: 90 },
        { ...axis, values: written, side: 1, size: 56 },
      ],
    },
    [[], [], []],
    element,
  );
}
