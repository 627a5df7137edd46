// One's own orders on the chart: a line at each price, and a handle to drag it by, to change or to
// cancel it. What was dragged is sent only once it is confirmed.

import { type IChartApi, type IPriceLine, type ISeriesApi, LineStyle } from "lightweight-charts";
import { useEffect, useRef, useState } from "preact/hooks";
import { approximate, read, toStep, write } from "../decimal";
import { XACHE, desk, instrumentOf } from "../desk";
import { amount } from "../format";
import { type Order, Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { useStore } from "../store";
import { colour, theme } from "../theme";
import { Icon, classes, say, sentenceOfError } from "../ui";
import { ChangeOrder, drawnPrice, isChangeable } from "./change_order";
import { cancel } from "./place";

interface HandlesProps {
  chart: IChartApi;
  candles: ISeriesApi<"Candlestick">;
}

const MOVED_PX = 3;
const HANDLE_PX = 24;

interface Drag {
  orderId: string;
  price: string;
}

export function OrderHandles({ chart, candles }: HandlesProps) {
  const layer = useRef<HTMLUListElement>(null);
  const all = useStore(desk, (state) => state.orders);
  const symbol = useStore(desk, (state) => state.symbol);
  const venue = useStore(desk, (state) => state.venue);
  const colours = useStore(theme, (state) => state.count);
  const [drag, setDrag] = useState<Drag | undefined>(undefined);
  const [changing, setChanging] = useState<{ order: Order; price?: string } | undefined>(undefined);
  const orders = venue === XACHE ? all.filter((order) => order.symbol === symbol && shownPrice(order) !== "") : [];
  const moved = (order: Order) => (drag?.orderId === order.orderId ? drag.price : shownPrice(order));

  useLines(candles, orders.map((order) => ({ order, price: moved(order) })), colours);
  usePlaces(chart, candles, layer);

  return (
    <>
      <ul ref={layer} class="handles" aria-label={t.chart.ownOrders}>
        {orders.map((order) => (
          <Handle
            key={order.orderId}
            order={order}
            price={moved(order)}
            candles={candles}
            onDrag={setDrag}
            onChange={(price) => setChanging({ order, ...(price === undefined ? {} : { price }) })}
          />
        ))}
      </ul>
      {changing && (
        <ChangeOrder
          order={changing.order}
          to={changing.price === undefined ? {} : { [drawnPrice(changing.order)?.name ?? "price"]: changing.price }}
          onDone={() => {
            setChanging(undefined);
            setDrag(undefined);
          }}
        />
      )}
    </>
  );
}

/** Where an order is drawn: a trailing stop where it is now. */
export function shownPrice(order: Order): string {
  return order.currentStopPrice || drawnPrice(order)?.price || "";
}

interface HandleProps {
  order: Order;
  price: string;
  candles: ISeriesApi<"Candlestick">;
  onDrag: (drag: Drag | undefined) => void;
  /** Open the form, with the price it was dragged to. */
  onChange: (price?: string) => void;
}

function Handle({ order, price, candles, onDrag, onChange }: HandleProps) {
  const from = useRef<{ y: number; top: number; price?: string } | undefined>(undefined);
  // After a drag most browsers tell a click as well, which is none.
  const dropping = useRef(false);
  const bought = order.side === Side.BUY;
  const changeable = isChangeable(order);
  // A trailing stop has no price of its own to be dragged.
  const draggable = changeable && drawnPrice(order) !== undefined;
  const what = (bought ? t.chart.bought : t.chart.sold)(amount(order.leavesQuantity));
  const [ending, setEnding] = useState(false);
  const told = t.chart.handle(bought ? t.ticket.buy : t.ticket.sell, amount(order.leavesQuantity), amount(price));

  const down = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    if (!draggable || event.button !== 0) return;
    const top = candles.priceToCoordinate(Number(price));
    if (top === null) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    from.current = { y: event.clientY, top };
  };
  const move = (event: PointerEvent) => {
    const start = from.current;
    if (!start || (start.price === undefined && Math.abs(event.clientY - start.y) < MOVED_PX)) return;
    const found = candles.coordinateToPrice(start.top + event.clientY - start.y);
    const onTick = found === null || found <= 0 ? undefined : nearestTick(found, order.symbol);
    if (onTick === undefined) return;
    start.price = onTick;
    onDrag({ orderId: order.orderId, price: onTick });
  };
  const up = () => {
    const dropped = from.current?.price;
    from.current = undefined;
    if (dropped === undefined) return;
    dropping.current = true;
    setTimeout(() => (dropping.current = false));
    onChange(dropped);
  };
  const leave = () => {
    if (!from.current) return;
    from.current = undefined;
    onDrag(undefined);
  };
  const end = () => {
    setEnding(true);
    cancel(order)
      .then(() => say(t.orders.cancelled), (error: unknown) => say(sentenceOfError(error), "bad"))
      .finally(() => setEnding(false));
  };
  return (
    <li class={classes("handle", bought ? "buy" : "sell")} data-price={price}>
      <button
        type="button"
        class={classes("grip", draggable && "draggable")}
        aria-label={told}
        title={draggable ? t.chart.drag : told}
        disabled={!changeable}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerCancel={leave}
        onKeyDown={(event) => event.key === "Escape" && leave()}
        onClick={() => dropping.current || onChange()}
      >
        {what}
      </button>
      <button
        type="button"
        class="end"
        aria-label={t.orders.cancelOne(told)}
        disabled={ending}
        onClick={end}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

/** The tick that is nearest to where something was dragged. */
function nearestTick(price: number, symbol: string): string {
  const tick = read(instrumentOf(desk.state, symbol)?.tickSize ?? "0.01");
  const above = price + approximate(tick) / 2;
  return write(toStep(read(above.toFixed(tick.scale + 2)), tick), tick.scale);
}

interface Drawn {
  order: Order;
  price: string;
}

/** Keep a line at every order; one that stays is moved, not made anew. */
function useLines(candles: ISeriesApi<"Candlestick">, drawn: readonly Drawn[], colours: number): void {
  const lines = useRef(new Map<string, IPriceLine>());
  useEffect(() => {
    const known = lines.current;
    const wanted = new Set(drawn.map(({ order }) => order.orderId));
    for (const [orderId, line] of known) {
      if (wanted.has(orderId)) continue;
      candles.removePriceLine(line);
      known.delete(orderId);
    }
    for (const { order, price } of drawn) {
      const look = {
        price: Number(price),
        color: colour(order.side === Side.BUY ? "up" : "down"),
        lineWidth: 1 as const,
        lineStyle: order.price === "" ? LineStyle.Dotted : LineStyle.Dashed,
        axisLabelVisible: true,
        title: "",
      };
      const line = known.get(order.orderId);
      if (line) line.applyOptions(look);
      else known.set(order.orderId, candles.createPriceLine(look));
    }
  }, [drawn.map(({ order, price }) => `${order.orderId} ${price}`).join("|"), colours]);
}

/** Keep every handle beside its line, wherever the chart is moved. */
function usePlaces(chart: IChartApi, candles: ISeriesApi<"Candlestick">, layer: { current: HTMLUListElement | null }): void {
  const place = () => {
    const list = layer.current;
    if (!list) return;
    const height = chart.panes()[0]?.getHeight() ?? 0;
    list.style.right = `${chart.priceScale("right").width() + 6}px`;
    const taken: number[] = [];
    for (const handle of list.children as HTMLCollectionOf<HTMLElement>) {
      const y = candles.priceToCoordinate(Number(handle.dataset.price));
      const seen = y !== null && y >= 0 && y <= height;
      handle.style.visibility = seen ? "visible" : "hidden";
      if (!seen) continue;
      // Handles that would lie upon each other stand side by side.
      const beside = taken.filter((other) => Math.abs(other - y) < HANDLE_PX).length;
      taken.push(y);
      handle.style.transform = `translate(${-beside * (handle.offsetWidth + 6)}px, ${y - HANDLE_PX / 2}px)`;
    }
  };
  useEffect(() => {
    const primitive = { updateAllViews: place };
    candles.attachPrimitive(primitive);
    return () => candles.detachPrimitive(primitive);
  }, [candles]);
  useEffect(place);
}
