// What a purse has under way: open orders with one-click cancel, positions, fills, history, money.

import { useState } from "preact/hooks";
import { trading } from "../api";
import { desk, instrumentOf, tickPlaces } from "../desk";
import { amount, isZero, momentOf, short, signed } from "../format";
import { type Fill, Liquidity, type Order, type Position, Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { session } from "../session";
import { useStore } from "../store";
import { Button, Change, Check, Dialog, Empty, Failure, Segments, say, sentenceOfError, useAction, useAnswer } from "../ui";
import { ChangeOrder, isChangeable } from "./change_order";
import { cancel, cancelAll, flatten } from "./place";

type Tab = keyof typeof t.orders.tabs;

export function OrdersPanel() {
  const [tab, setTab] = useState<Tab>("open");
  const [everywhere, setEverywhere] = useState(true);
  const symbol = useStore(desk, (state) => state.symbol);
  const orders = useStore(desk, (state) => state.orders);
  const positions = useStore(desk, (state) => state.positions);
  const fills = useStore(desk, (state) => state.fills);
  const here = <T extends { symbol: string }>(rows: readonly T[]) =>
    everywhere ? rows : rows.filter((row) => row.symbol === symbol);
  const open = here(orders);
  const held = here(positions).filter(({ quantity }) => !isZero(quantity));
  const name = (key: Tab) => {
    const count = key === "open" ? open.length : key === "positions" ? held.length : 0;
    return count ? `${t.orders.tabs[key]} ${count}` : t.orders.tabs[key];
  };
  return (
    <section class="card orders" aria-labelledby="orders-title">
      <h2 id="orders-title" class="unseen">{t.orders.title}</h2>
      <header class="head">
        <Segments<Tab>
          look="tabs"
          label={t.orders.title}
          value={tab}
          choices={(Object.keys(t.orders.tabs) as Tab[]).map((key) => [key, name(key)] as const)}
          onChange={setTab}
        />
        <div class="end">
          {tab !== "balances" && (
            <Check label={t.orders.allMarkets} value={everywhere} onChange={setEverywhere} />
          )}
          {tab === "open" && open.length > 0 && <CancelAll symbol={everywhere ? "" : symbol} />}
        </div>
      </header>
      <div class="body">
        {tab === "open" && <OpenOrders orders={open} />}
        {tab === "positions" && <Positions positions={held} />}
        {tab === "fills" && <Fills fills={here(fills)} />}
        {tab === "history" && <History symbol={everywhere ? "" : symbol} />}
        {tab === "balances" && <Balances />}
      </div>
    </section>
  );
}

function CancelAll({ symbol }: { symbol: string }) {
  const all = useAction(async () => {
    say(t.orders.cancelledAll(await cancelAll(symbol)));
  });
  return (
    <>
      <Button small busy={all.busy} onClick={() => all.run()}>{t.orders.cancelAll}</Button>
      <Failure error={all.error} />
    </>
  );
}

function SideName({ side }: { side: Side }) {
  const bought = side === Side.BUY;
  return <span class={bought ? "up" : "down"}>{bought ? t.ticket.buy : t.ticket.sell}</span>;
}

/** What an order asks for, by its kind; an iceberg is a limit order that hides. */
function typeOf(order: Order): string {
  return order.displayQuantity ? t.ticket.kinds.iceberg : (t.orders.types[order.type] ?? "");
}

function priceOf(order: Order): string {
  return order.price === "" ? t.orders.atMarket : amount(order.price, tickPlaces(order.symbol));
}

function stopOf(order: Order): string {
  const stop = order.currentStopPrice || order.stopPrice;
  return stop === "" ? "" : amount(stop, tickPlaces(order.symbol));
}

function OpenOrders({ orders }: { orders: readonly Order[] }) {
  const [changing, setChanging] = useState<Order | undefined>(undefined);
  const [going, setGoing] = useState<ReadonlySet<string>>(new Set());
  const stop = async (order: Order) => {
    setGoing((before) => new Set(before).add(order.orderId));
    try {
      await cancel(order);
      say(t.orders.cancelled);
    } catch (error) {
      say(sentenceOfError(error), "bad");
    } finally {
      setGoing((before) => new Set([...before].filter((id) => id !== order.orderId)));
    }
  };
  if (!orders.length) return <Empty title={t.orders.none.open} hint={t.orders.noneHint} />;
  return (
    <div class="scroll" tabIndex={0}>
      <table class="table cards" id="open-orders">
        <thead>
          <tr>
            <th scope="col">{t.orders.market}</th>
            <th scope="col">{t.orders.side}</th>
            <th scope="col">{t.orders.type}</th>
            <th scope="col" class="right">{t.orders.price}</th>
            <th scope="col" class="right">{t.orders.stop}</th>
            <th scope="col" class="right">{t.orders.quantity}</th>
            <th scope="col" class="right">{t.orders.filled}</th>
            <th scope="col" class="right">{t.orders.held}</th>
            <th scope="col">{t.orders.status}</th>
            <th scope="col">{t.orders.time}</th>
            <th scope="col"><span class="unseen">{t.orders.cancel}</span></th>
          </tr>
        </thead>
        <tbody>
          {[...orders].reverse().map((order) => {
            const instrument = instrumentOf(desk.state, order.symbol);
            const heldIn = order.side === Side.BUY ? instrument?.quote : instrument?.base;
            return (
              <tr key={order.orderId} data-order={order.clientOrderId}>
                <td class="head" data-label={t.orders.market}>{order.symbol.replace("-", "/")}</td>
                <td data-label={t.orders.side}><SideName side={order.side} /></td>
                <td data-label={t.orders.type}>{typeOf(order)}</td>
                <td class="right figure" data-label={t.orders.price}>{priceOf(order)}</td>
                <td class="right figure" data-label={t.orders.stop}>{stopOf(order) || t.app.nothing}</td>
                <td class="right figure" data-label={t.orders.quantity}>{amount(order.quantity)}</td>
                <td class="right figure" data-label={t.orders.filled}>{amount(order.executedQuantity)}</td>
                <td class="right figure" data-label={t.orders.held}>
                  {isZero(order.held) ? t.app.nothing : `${short(order.held, order.side === Side.BUY ? 2 : 6)} ${heldIn ?? ""}`}
                </td>
                <td data-label={t.orders.status}>{t.orders.statuses[order.status]}</td>
                <td class="figure" data-label={t.orders.time}>{momentOf(order.acceptedAtNs)}</td>
                <td class="right act">
                  {isChangeable(order) && (
                    <Button
                      small
                      look="quiet"
                      aria-label={t.change.one(`${order.quantity} ${order.symbol}`)}
                      onClick={() => setChanging(order)}
                    >
                      {t.change.button}
                    </Button>
                  )}
                  <Button
                    small
                    busy={going.has(order.orderId)}
                    aria-label={t.orders.cancelOne(`${order.quantity} ${order.symbol}`)}
                    onClick={() => void stop(order)}
                  >
                    {t.orders.cancel}
                  </Button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {changing && <ChangeOrder order={changing} onDone={() => setChanging(undefined)} />}
    </div>
  );
}

function Positions({ positions }: { positions: readonly Position[] }) {
  const [closing, setClosing] = useState("");
  if (!positions.length) return <Empty title={t.orders.none.positions} hint={t.orders.noneHint} />;
  return (
    <div class="scroll" tabIndex={0}>
      <table class="table cards" id="positions">
        <thead>
          <tr>
            <th scope="col">{t.orders.market}</th>
            <th scope="col" class="right">{t.orders.quantity}</th>
            <th scope="col" class="right">{t.orders.entry}</th>
            <th scope="col" class="right">{t.orders.mark}</th>
            <th scope="col" class="right">{t.orders.worth}</th>
            <th scope="col" class="right">{t.orders.unrealised}</th>
            <th scope="col" class="right">{t.orders.realised}</th>
            <th scope="col"><span class="unseen">{t.orders.flatten}</span></th>
          </tr>
        </thead>
        <tbody>
          {positions.map((position) => {
            const { symbol } = position;
            const places = tickPlaces(symbol);
            const instrument = instrumentOf(desk.state, symbol);
            return (
              <tr key={symbol}>
                <td class="head" data-label={t.orders.market}>{symbol.replace("-", "/")}</td>
                <td class="right figure" data-label={t.orders.quantity}>{amount(position.quantity)} {instrument?.base}</td>
                <td class="right figure" data-label={t.orders.entry}>{short(position.averagePrice, places)}</td>
                <td class="right figure" data-label={t.orders.mark}>{short(position.price, places)}</td>
                <td class="right figure" data-label={t.orders.worth}>{short(position.value, 2)} {instrument?.quote}</td>
                <td class="right" data-label={t.orders.unrealised}><Change value={position.unrealised}>{signed(position.unrealised)}</Change></td>
                <td class="right" data-label={t.orders.realised}><Change value={position.realised}>{signed(position.realised)}</Change></td>
                <td class="right act">
                  <Button small aria-label={t.orders.flattenOne(symbol)} onClick={() => setClosing(symbol)}>{t.orders.flatten}</Button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {closing && <Flatten symbol={closing} onDone={() => setClosing("")} />}
    </div>
  );
}

function Flatten({ symbol, onDone }: { symbol: string; onDone: () => void }) {
  const close = useAction(async () => {
    await flatten(symbol);
    say(t.orders.flattened);
    onDone();
  });
  return (
    <Dialog title={t.orders.flattenTitle(symbol)} onClose={onDone}>
      <p>{t.orders.flattenText}</p>
      <Failure error={close.error} />
      <div class="acts">
        <Button onClick={onDone}>{t.app.cancel}</Button>
        <Button look="sell" busy={close.busy} onClick={() => close.run()}>{t.orders.flatten}</Button>
      </div>
    </Dialog>
  );
}

function Fills({ fills }: { fills: readonly Fill[] }) {
  if (!fills.length) return <Empty title={t.orders.none.fills} hint={t.orders.noneHint} />;
  return (
    <div class="scroll" tabIndex={0}>
      <table class="table cards" id="fills">
        <thead>
          <tr>
            <th scope="col">{t.orders.time}</th>
            <th scope="col">{t.orders.market}</th>
            <th scope="col">{t.orders.side}</th>
            <th scope="col" class="right">{t.orders.price}</th>
            <th scope="col" class="right">{t.orders.quantity}</th>
            <th scope="col" class="right">{t.orders.worth}</th>
            <th scope="col" class="right">{t.orders.fee}</th>
            <th scope="col">{t.orders.role}</th>
          </tr>
        </thead>
        <tbody>
          {fills.map((fill) => {
            const quote = instrumentOf(desk.state, fill.symbol)?.quote ?? "";
            return (
              <tr key={`${fill.tradeId} ${fill.orderId}`}>
                <td class="figure" data-label={t.orders.time}>{momentOf(fill.atNs)}</td>
                <td data-label={t.orders.market}>{fill.symbol.replace("-", "/")}</td>
                <td data-label={t.orders.side}><SideName side={fill.side} /></td>
                <td class="right figure" data-label={t.orders.price}>{amount(fill.price, tickPlaces(fill.symbol))}</td>
                <td class="right figure" data-label={t.orders.quantity}>{amount(fill.quantity)}</td>
                <td class="right figure" data-label={t.orders.worth}>{short(fill.notional, 2)} {quote}</td>
                <td class="right figure" data-label={t.orders.fee}>{amount(fill.fee)} {quote}</td>
                <td data-label={t.orders.role}>{fill.liquidity === Liquidity.MAKER ? t.orders.maker : t.orders.taker}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const HISTORY_ROWS = 50;

function History({ symbol }: { symbol: string }) {
  const purse = useStore(session, (state) => state.purse);
  const seen = useStore(desk, (state) => state.endedOrders);
  const minSeq = seen[0]?.seq ?? 0n;
  const { answer, error } = useAnswer(
    () => trading.listOrders({ subaccount: purse, symbol, pageSize: HISTORY_ROWS, minSeq }),
    [purse, symbol],
    [minSeq],
  );
  if (error) return <Failure error={error} />;
  if (!answer) return <Empty title={t.app.loading} />;
  if (!answer.orders.length) return <Empty title={t.orders.none.history} />;
  return (
    <div class="scroll" tabIndex={0}>
      <table class="table cards" id="history">
        <thead>
          <tr>
            <th scope="col">{t.orders.time}</th>
            <th scope="col">{t.orders.market}</th>
            <th scope="col">{t.orders.side}</th>
            <th scope="col">{t.orders.type}</th>
            <th scope="col" class="right">{t.orders.price}</th>
            <th scope="col" class="right">{t.orders.quantity}</th>
            <th scope="col" class="right">{t.orders.filled}</th>
            <th scope="col" class="right">{t.orders.average}</th>
            <th scope="col">{t.orders.status}</th>
          </tr>
        </thead>
        <tbody>
          {answer.orders.map((order) => (
            <tr key={order.orderId}>
              <td class="figure" data-label={t.orders.time}>{momentOf(order.acceptedAtNs)}</td>
              <td data-label={t.orders.market}>{order.symbol.replace("-", "/")}</td>
              <td data-label={t.orders.side}><SideName side={order.side} /></td>
              <td data-label={t.orders.type}>{typeOf(order)}</td>
              <td class="right figure" data-label={t.orders.price}>{priceOf(order)}</td>
              <td class="right figure" data-label={t.orders.quantity}>{amount(order.quantity)}</td>
              <td class="right figure" data-label={t.orders.filled}>{amount(order.executedQuantity)}</td>
              <td class="right figure" data-label={t.orders.average}>{short(order.averagePrice, tickPlaces(order.symbol))}</td>
              <td data-label={t.orders.status}>
                {t.orders.statuses[order.status]}
                {order.endReason > 1 && <span class="quiet"> · {t.orders.reasons[order.endReason]}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Balances() {
  const balances = useStore(desk, (state) => state.balances);
  if (!balances.length) return <Empty title={t.orders.none.balances} />;
  return (
    <div class="scroll" tabIndex={0}>
      <table class="table cards" id="balances">
        <thead>
          <tr>
            <th scope="col">{t.orders.asset}</th>
            <th scope="col" class="right">{t.orders.available}</th>
            <th scope="col" class="right">{t.orders.held}</th>
            <th scope="col" class="right">{t.orders.total}</th>
          </tr>
        </thead>
        <tbody>
          {balances.map((balance) => (
            <tr key={balance.asset}>
              <td class="head" data-label={t.orders.asset}>{balance.asset}</td>
              <td class="right figure" data-label={t.orders.available}>{amount(balance.available)}</td>
              <td class="right figure" data-label={t.orders.held}>{isZero(balance.held) ? t.app.nothing : amount(balance.held)}</td>
              <td class="right figure" data-label={t.orders.total}>{amount(balance.total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
