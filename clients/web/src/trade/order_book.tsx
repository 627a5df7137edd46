// The order book: asks above, bids below, the spread between, one's own orders marked.

import { Component } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Level } from "../book";
import { placesOf } from "../decimal";
import { XACHE, desk, instrumentOf } from "../desk";
import { amount, short } from "../format";
import { Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { useStore } from "../store";
import { Empty, Select, classes } from "../ui";
import { Opening, useAuction } from "./auction";
import { takePrice } from "./draft";
import { type ShownLevel, grouped, ownLevels, stepsOf } from "./levels";

const ROWS = 13;
const NONE: readonly Level[] = [];

export function OrderBook() {
  const stale = useStore(desk, (state) => state.book?.stale ?? false);
  const symbol = useStore(desk, (state) => state.symbol);
  const tick = useStore(desk, (state) => instrumentOf(state)?.tickSize ?? "0.01");
  const lot = useStore(desk, (state) => instrumentOf(state)?.lotSize ?? "1");
  const steps = stepsOf(tick);
  const [chosen, setStep] = useState<Record<string, string>>({});
  const step = chosen[symbol] ?? steps[0] ?? tick;
  return (
    <section class={classes("card book", stale && "old")} aria-labelledby="book-title">
      <header class="head">
        <h2 id="book-title">{t.book.title}</h2>
        <Select
          hideLabel
          label={t.book.group}
          value={step}
          choices={steps.map((each) => [each, amount(each)] as const)}
          onChange={(value) => setStep({ ...chosen, [symbol]: value })}
        />
      </header>
      <Ladder step={step} tickPlaces={placesOf(tick)} lots={placesOf(lot)} />
    </section>
  );
}

/** What moves all the time: apart, so that nothing else is drawn again with it. */
function Ladder({ step, tickPlaces, lots }: { step: string; tickPlaces: number; lots: number }) {
  const book = useStore(desk, (state) => state.book);
  const symbol = useStore(desk, (state) => state.symbol);
  const venue = useStore(desk, (state) => state.venue);
  const orders = useStore(desk, (state) => state.orders);
  const auction = useAuction();
  const [bidSide, askSide] = [book?.bids ?? NONE, book?.asks ?? NONE];
  const mine = venue === XACHE ? orders : undefined;
  const ownBids = useMemo(() => ownLevels(mine ?? [], symbol, Side.BUY), [mine, symbol]);
  const ownAsks = useMemo(() => ownLevels(mine ?? [], symbol, Side.SELL), [mine, symbol]);
  const bids = useMemo(() => grouped(bidSide, Side.BUY, step, ROWS, ownBids), [bidSide, step, ownBids]);
  const asks = useMemo(() => grouped(askSide, Side.SELL, step, ROWS, ownAsks), [askSide, step, ownAsks]);
  const places = placesOf(step);
  const most = Math.max(Number(bids.at(-1)?.total ?? 0), Number(asks.at(-1)?.total ?? 0)) || 1;
  const above = useMemo(
    () => <Levels side="asks" levels={asks} places={places} lots={lots} most={most} />, [asks, places, lots, most],
  );
  const below = useMemo(
    () => <Levels side="bids" levels={bids} places={places} lots={lots} most={most} />, [bids, places, lots, most],
  );
  if (book && !bids.length && !asks.length) return <Empty title={t.book.empty} />;
  return (
    <div class="ladder">
      <div class="row names" aria-hidden="true">
        <span>{t.book.price}</span>
        <span>{t.book.quantity}</span>
        <span>{t.book.total}</span>
      </div>
      {above}
      {auction ? <Opening told={auction} /> : <Spread best={[bidSide[0]?.price, askSide[0]?.price]} places={tickPlaces} />}
      {below}
    </div>
  );
}

interface LevelsProps {
  side: "asks" | "bids";
  levels: readonly ShownLevel[];
  places: number;
  lots: number;
  /** The deepest total of both sides: what bars are drawn against. */
  most: number;
}

function Levels({ side, levels, places, lots, most }: LevelsProps) {
  return (
    <ul class={classes("levels", side)} id={side} aria-label={side === "asks" ? t.ticket.sell : t.ticket.buy}>
      {Array.from({ length: ROWS }, (_, index) => {
        const level = levels[index];
        if (!level) return <li key={index} class="row" />;
        return (
          <Row
            key={index}
            look={side === "asks" ? "down" : "up"}
            price={level.price}
            shown={amount(level.price, places)}
            quantity={amount(level.quantity, lots)}
            total={amount(level.total, lots)}
            own={level.own}
            share={`${Math.round((Number(level.total) / most) * 100)}% 100%`}
          />
        );
      })}
    </ul>
  );
}

interface RowProps {
  look: "up" | "down";
  price: string;
  /** The price as it is written. */
  shown: string;
  quantity: string;
  total: string;
  own: string;
  /** How large the bar behind it is. */
  share: string;
}

/** A level; drawn again only where it says something else. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== this.props[name]);
  }

  override render({ look, price, shown, quantity, total, own, share }: RowProps) {
    return (
      <li>
        <button
          type="button"
          class={classes("row", own && "own")}
          style={{ backgroundSize: share }}
          title={t.book.take}
          onClick={() => takePrice(price)}
        >
          <span class={look}>
            {shown}
            {own && <span class="unseen"> {t.book.own} {own}</span>}
          </span>
          <span>{quantity}</span>
          <span class="quiet">{total}</span>
        </button>
      </li>
    );
  }
}

function Spread({ best: [bid, ask], places }: { best: readonly [string | undefined, string | undefined]; places: number }) {
  if (!bid || !ask) return <p class="spread figure quiet" id="spread">–</p>;
  const wide = Number(ask) - Number(bid);
  const percent = (wide / Number(ask)) * 100;
  return (
    <p class="spread figure" id="spread">
      <span class="quiet">{t.book.spread}</span> {short(wide.toFixed(places), places)}
      <span class="quiet">{percent < 0.001 ? "< 0.001" : percent.toFixed(3)} %</span>
    </p>
  );
}
