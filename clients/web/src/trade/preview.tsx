// What an order would do and cost, as the house has worked it out on its books of now.

import type { ComponentChildren } from "preact";
import { add, read, subtract, write } from "../decimal";
import { isZero, rate, short } from "../format";
import type { PreviewOrderResponse, PreviewedOrder } from "../gen/xache/v1/trading_pb";
import { type Instrument, OrderStatus, Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { Failure, sentenceOf } from "../ui";

interface PreviewProps {
  answer: PreviewOrderResponse | undefined;
  error: unknown;
  instrument: Instrument;
  list: boolean;
}

export function Preview({ answer, error, instrument, list }: PreviewProps) {
  const outcome = answer?.outcome;
  return (
    <div class="preview" aria-live="polite" id="preview">
      {error !== undefined ? (
        <Failure error={error} />
      ) : outcome?.case === "refusal" ? (
        <p class="notice warn">
          <b>{t.preview.refused}.</b>{" "}
          {sentenceOf({ ...outcome.value, facts: outcome.value.facts })}
        </p>
      ) : outcome?.case === "accepted" ? (
        <Accepted told={outcome.value} instrument={instrument} list={list} />
      ) : (
        <p class="quiet asleep">{t.preview.asleep}</p>
      )}
    </div>
  );
}

function Line({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="figure">{children}</dd>
    </div>
  );
}

function Accepted({ told, instrument, list }: { told: PreviewedOrder; instrument: Instrument; list: boolean }) {
  const { order } = told;
  if (!order) return null;
  const { base, quote } = instrument;
  const bought = order.side === Side.BUY;
  const trades = !isZero(order.executedQuantity);
  const waits = order.status === OrderStatus.UNTRIGGERED;
  const notional = read(order.executedNotional);
  const moved = bought ? add(notional, read(order.fee)) : subtract(notional, read(order.fee));
  const taker = told.fills.some((fill) => fill.liquidity === 2);
  return (
    <dl>
      {trades && <Line name={t.preview.fills}>{order.executedQuantity} {base}</Line>}
      {trades && <Line name={t.preview.average}>{short(order.averagePrice, 2)} {quote}</Line>}
      {!isZero(order.leavesQuantity) && (
        <Line name={waits ? t.preview.waits : t.preview.rests}>{order.leavesQuantity} {base}</Line>
      )}
      <Line name={t.preview.fee}>
        {trades ? `${short(order.fee, 4)} ${quote} · ` : ""}
        {rate(trades && taker ? told.takerFeePpm : told.makerFeePpm)}
      </Line>
      {trades && (
        <Line name={bought ? t.preview.pays : t.preview.gets}>
          <b>{short(write(moved), 2)} {quote}</b>
        </Line>
      )}
      {!isZero(order.held) && (
        <Line name={t.preview.held}>{short(order.held, bought ? 2 : 8)} {bought ? quote : base}</Line>
      )}
      {told.prevented.length > 0 && <p class="notice warn">{t.preview.self}</p>}
      {list && <p class="quiet">{t.preview.list}</p>}
    </dl>
  );
}
