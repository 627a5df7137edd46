// The order book: asks above, bids below, the spread between, one's own orders marked.

import { useMemo, useState } from "preact/hooks";
import { placesOf } from "../decimal";
import { XACHE, desk, instrumentOf } from "../desk";
import { amount, short } from "../format";
import { Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { useStore } from "../store";
import { Empty, Select, classes } from "../ui";
import { takePrice } from "./draft";
import { type ShownLevel, grouped, ownLevels, stepsOf } from "./levels";

const ROWS = 13;

export function OrderBook() {
  const book = useStore(desk, (state) => state.book);
  const symbol = useStore(desk, (state) => state.symbol);
  const venue = useStore(desk, (state) => state.venue);
  const orders = useStore(desk, (state) => state.orders);
  const instrument = useStore(desk, (state) => instrumentOf(state));
  const tick = instrument?.tickSize ?? "0.01";
  const steps = stepsOf(tick);
  const [chosen, setStep] = useState<Record<string, string>>({});
  const step = chosen[symbol] ?? steps[0] ?? tick;
  const own = useMemo(() => {
    const mine = venue === XACHE ? orders : [];
    return [ownLevels(mine, symbol, Side.BUY), ownLevels(mine, symbol, Side.SELL)] as const;
  }, [orders, symbol, venue]);
  const [bids, asks] = useMemo(
    () => [
      grouped(book?.bids ?? [], Side.BUY, step, ROWS, own[0]),
      grouped(book?.asks ?? [], Side.SELL, step, ROWS, own[1]),
    ],
    [book, step, own],
  );
  const places = placesOf(step);
  const most = Math.max(Number(bids.at(-1)?.total ?? 0), Number(asks.at(-1)?.total ?? 0)) || 1;
  const lots = placesOf(instrument?.lotSize ?? "1");
  return (
    <section class={classes("card book", book?.stale && "old")} aria-labelledby="book-title">
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
      {book && !bids.length && !asks.length ? (
        <Empty title={t.book.empty} />
      ) : (
        <div class="ladder">
          <div class="row names" aria-hidden="true">
            <span>{t.book.price}</span>
            <span>{t.book.quantity}</span>
            <span>{t.book.total}</span>
          </div>
          <Levels side="asks" levels={asks} places={places} lots={lots} most={most} />
          <Spread best={[book?.bids[0]?.price, book?.asks[0]?.price]} places={placesOf(tick)} />
          <Levels side="bids" levels={bids} places={places} lots={lots} most={most} />
        </div>
      )}
    </section>
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
          <li key={index}>
            <button
              type="button"
              class={classes("row", level.own && "own")}
              style={{ "--share": (Number(level.total) / most).toFixed(3) }}
              title={t.book.take(amount(level.price, places))}
              onClick={() => takePrice(level.price)}
            >
              <span class={side === "asks" ? "down" : "up"}>
                {amount(level.price, places)}
                {level.own && <span class="unseen"> {t.book.own} {level.own}</span>}
              </span>
              <span>{amount(level.quantity, lots)}</span>
              <span class="quiet">{amount(level.total, lots)}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
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
