// What a purse has placed, newest first, each with the way to why.

import { useState } from "preact/hooks";
import { trading } from "../api";
import { tickPlaces } from "../desk";
import { amount, momentOf, short } from "../format";
import { type Order, Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { Button, Empty, Failure, useAnswer, useEvery } from "../ui";
import { Explanation } from "./explanation";

const EVERY_MS = 4_000;
const ORDERS_MAX = 50;

export function PurseOrders({ subaccount }: { subaccount: string }) {
  const { answer, error, again } = useAnswer(
    () => trading.listOrders({ subaccount, pageSize: ORDERS_MAX }), [subaccount],
  );
  const [asked, setAsked] = useState<Order | undefined>(undefined);
  useEvery(EVERY_MS, again);
  return (
    <section class="card" aria-labelledby="its-orders">
      <header class="head"><h2 id="its-orders">{t.strategies.orders}</h2></header>
      <Failure error={answer ? undefined : error} />
      {answer?.orders.length === 0 && <Empty title={t.orders.none.history} hint={t.strategies.noOrdersHint} />}
      {answer && answer.orders.length > 0 && (
        <div class="scroll tall" tabIndex={0}>
          <table class="table cards" id="strategy-orders">
            <thead>
              <tr>
                <th scope="col">{t.orders.time}</th>
                <th scope="col">{t.orders.market}</th>
                <th scope="col">{t.orders.side}</th>
                <th scope="col" class="right">{t.orders.filled}</th>
                <th scope="col" class="right">{t.orders.average}</th>
                <th scope="col">{t.orders.status}</th>
                <th scope="col"><span class="unseen">{t.strategies.why}</span></th>
              </tr>
            </thead>
            <tbody>
              {answer.orders.map((order) => (
                <tr key={order.orderId}>
                  <td class="figure" data-label={t.orders.time}>{momentOf(order.acceptedAtNs)}</td>
                  <td class="head" data-label={t.orders.market}>{order.symbol.replace("-", "/")}</td>
                  <td data-label={t.orders.side}><SideName side={order.side} /></td>
                  <td class="right figure" data-label={t.orders.filled}>{amount(order.executedQuantity)}</td>
                  <td class="right figure" data-label={t.orders.average}>{short(order.averagePrice, tickPlaces(order.symbol))}</td>
                  <td data-label={t.orders.status}>{t.orders.statuses[order.status]}</td>
                  <td class="right act">
                    <Button small onClick={() => setAsked(order)} aria-label={t.strategies.whyOne(order.clientOrderId || order.orderId)}>{t.strategies.why}</Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {asked && <Explanation subaccount={subaccount} order={asked} onClose={() => setAsked(undefined)} />}
    </section>
  );
}

export function SideName({ side }: { side: Side }) {
  const buys = side === Side.BUY;
  return <span class={buys ? "up" : "down"}>{buys ? t.ticket.buy : t.ticket.sell}</span>;
}
