// An auction: orders gather, and there is one price at which the market would open.

import { XACHE, desk, instrumentOf, tickPlaces } from "../desk";
import { amount, isZero, timeOf } from "../format";
import type { WatchAuctionResponse } from "../gen/xache/v1/market_pb";
import { t } from "../messages";
import { useStore } from "../store";

/** How the auction of the market that is shown stands; undefined where there is none. */
export function useAuction(): WatchAuctionResponse | undefined {
  return useStore(desk, ({ auction, venue }) => (venue === XACHE ? auction : undefined));
}

/** What the market bar tells of an auction, where it tells the day of a market that trades. */
export function AuctionFacts({ told }: { told: WatchAuctionResponse }) {
  const base = useStore(desk, (state) => instrumentOf(state)?.base ?? "");
  return (
    <dl id="auction" class="auction">
      <div><dt>{t.auction.price}</dt><dd class="figure">{amount(told.price, tickPlaces(told.symbol))}</dd></div>
      <div><dt>{t.auction.quantity}</dt><dd class="figure">{told.price ? `${amount(told.quantity)} ${base}` : t.auction.nothing}</dd></div>
      <div><dt>{t.auction.left}</dt><dd class="figure">{leftOver(told)}</dd></div>
      <div><dt>{t.auction.ends}</dt><dd class="figure">{told.untilNs ? timeOf(told.untilNs) : t.auction.byHouse}</dd></div>
    </dl>
  );
}

/** The line between asks and bids: they may cross until the auction ends, so there is no spread. */
export function Opening({ told }: { told: WatchAuctionResponse }) {
  return (
    <p class="spread figure" id="opening">
      {told.price ? (
        <>
          <span class="quiet">{t.auction.opensAt}</span> <b>{amount(told.price, tickPlaces(told.symbol))}</b>
        </>
      ) : (
        <span class="quiet">{t.auction.nothingYet}</span>
      )}
    </p>
  );
}

/** What buyers or sellers would be left with. */
function leftOver({ price, buyImbalance, sellImbalance }: WatchAuctionResponse): string {
  if (!price) return t.app.nothing;
  if (!isZero(buyImbalance)) return t.auction.leftToBuy(amount(buyImbalance));
  if (!isZero(sellImbalance)) return t.auction.leftToSell(amount(sellImbalance));
  return t.auction.nothing;
}
