// The trades of a market as they happen, newest first.

import { placesOf } from "../decimal";
import { desk, instrumentOf } from "../desk";
import { amount, timeOf } from "../format";
import { Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { useStore } from "../store";
import { Empty } from "../ui";

const ROWS = 40;

export function Tape() {
  const trades = useStore(desk, (state) => state.trades);
  const instrument = useStore(desk, (state) => instrumentOf(state));
  const places = placesOf(instrument?.tickSize ?? "0.01");
  const lots = placesOf(instrument?.lotSize ?? "1");
  return (
    <section class="card tape" aria-labelledby="tape-title">
      <header class="head">
        <h2 id="tape-title">{t.tape.title}</h2>
      </header>
      <div class="row names" aria-hidden="true">
        <span>{t.book.price}</span>
        <span>{t.book.quantity}</span>
        <span>{t.tape.time}</span>
      </div>
      {/* Read out one by one they would never end: a reader asks for them. */}
      {trades.length ? (
        <ul id="tape" tabIndex={0} aria-label={t.tape.title}>
          {trades.slice(0, ROWS).map((trade) => {
            const bought = trade.takerSide === Side.BUY;
            return (
              <li key={String(trade.sequence)} class="row">
                <span class={bought ? "up" : "down"}>
                  <span class="unseen">{bought ? t.tape.bought : t.tape.sold} </span>
                  {amount(trade.price, places)}
                </span>
                <span>{amount(trade.quantity, lots)}</span>
                <span class="quiet">{timeOf(trade.atNs)}</span>
              </li>
            );
          })}
        </ul>
      ) : <Empty title={t.tape.empty} />}
    </section>
  );
}
