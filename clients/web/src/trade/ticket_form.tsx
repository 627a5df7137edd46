// The ticket: what one wants, what the house says it would do, and one button.

import { useEffect, useMemo, useState } from "preact/hooks";
import { newId, trading } from "../api";
import { XACHE, desk, instrumentOf, tickerKey } from "../desk";
import { short } from "../format";
import type { PreviewOrderResponse } from "../gen/xache/v1/trading_pb";
import { type Instrument, Side, TimeInForce } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { session } from "../session";
import { useStore } from "../store";
import { Button, Check, Failure, Field, Notice, Segments, Select, say, useAction } from "../ui";
import { keepAsking } from "./asking";
import { draft, fill } from "./draft";
import { place, unsure } from "./place";
import { Preview } from "./preview";
import { RISKED, RiskSize } from "./risk_size";
import {
  type Complaint, type FieldName, KINDS, type Kind, LISTS, TIMED, TRIGGERED, type Ticket,
  complaints, fieldsOf, isComplete, orderOf, sized, stepOf, totalOf, withTotal,
} from "./ticket";

const FIRST_KINDS: readonly Kind[] = ["limit", "market"];
const PARTS = [25, 50, 75, 100];
const SETTLE_MS = 200;

export function TicketForm() {
  const ticket = useStore(draft, (state) => state.ticket);
  const instrument = useStore(desk, (state) => instrumentOf(state));
  const status = useStore(desk, (state) => state.status);
  const purse = useStore(session, (state) => state.purse);
  const isUnsure = useStore(unsure, (state) => state.orders > 0);
  const preview = usePreview(ticket, instrument, purse);
  const send = useAction(async () => {
    if (!instrument) return;
    const wanted = orderOf(ticket, { symbol: instrument.symbol, subaccount: purse, newId: () => newId("w"), nowMs: Date.now() });
    say(await place(wanted));
    fill({ quantity: "", quote: "" });
  });
  useEffect(() => send.clear(), [ticket]);
  if (!instrument) return <section class="card ticket" aria-label={t.ticket.title} />;
  const complete = isComplete(ticket, instrument);
  const side = ticket.side === Side.BUY ? "buy" : "sell";
  const reachable = status === "live" || status === "stale";
  const ready = complete && reachable && !isUnsure;
  return (
    <section class="card ticket" aria-labelledby="ticket-title">
      <h2 id="ticket-title" class="unseen">{t.ticket.title}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) send.run();
        }}
      >
        <Segments<Side>
          look="sides"
          label={t.ticket.side}
          value={ticket.kind === "bracket" ? Side.BUY : ticket.side}
          choices={ticket.kind === "bracket" ? [[Side.BUY, t.ticket.buy]] : [[Side.BUY, t.ticket.buy], [Side.SELL, t.ticket.sell]]}
          onChange={(chosen) => fill({ side: chosen })}
        />
        <KindChoice ticket={ticket} />
        <Funds instrument={instrument} side={ticket.kind === "bracket" ? Side.BUY : ticket.side} />
        <Fields ticket={ticket} instrument={instrument} />
        <Options ticket={ticket} />
        <Failure error={send.error} />
        {isUnsure && <Notice look="warn" alert>{t.errors.unknownOutcome}</Notice>}
        {!reachable && <p class="notice warn">{t.ticket.paused}</p>}
        <Button type="submit" look={ticket.kind === "bracket" ? "buy" : side} wide busy={send.busy} waiting={!ready}>
          {send.busy ? t.ticket.sending : t.ticket.submit(side === "buy" || ticket.kind === "bracket" ? t.ticket.buy : t.ticket.sell, instrument.base)}
        </Button>
        <Preview
          answer={complete ? preview.answer : undefined}
          error={complete ? preview.error : undefined}
          instrument={instrument}
          list={LISTS.has(ticket.kind)}
        />
      </form>
    </section>
  );
}

function KindChoice({ ticket }: { ticket: Ticket }) {
  const rare = !FIRST_KINDS.includes(ticket.kind);
  return (
    <div class="kinds">
      <Segments<Kind>
        label={t.ticket.kind}
        value={ticket.kind}
        choices={FIRST_KINDS.map((kind) => [kind, t.ticket.kinds[kind]] as const)}
        onChange={(kind) => fill({ kind })}
      />
      <Select<Kind | "">
        hideLabel
        label={t.ticket.kind}
        value={rare ? ticket.kind : ""}
        choices={[
          ...(rare ? [] : [["", t.ticket.more] as const]),
          ...KINDS.filter((kind) => !FIRST_KINDS.includes(kind)).map((kind) => [kind, t.ticket.kinds[kind]] as const),
        ]}
        onChange={(kind) => kind && fill({ kind, ...(kind === "bracket" ? { side: Side.BUY } : {}) })}
      />
      <p class="quiet hint">{t.ticket.hints[ticket.kind]}</p>
    </div>
  );
}

function Funds({ instrument, side }: { instrument: Instrument; side: Side }) {
  const balances = useStore(desk, (state) => state.balances);
  const asset = side === Side.BUY ? instrument.quote : instrument.base;
  const free = balances.find((balance) => balance.asset === asset)?.available ?? "0";
  return (
    <p class="funds">
      <span class="quiet">{t.ticket.available}</span>
      <span class="figure" id="available">{short(free, side === Side.BUY ? 2 : 8)} {asset}</span>
    </p>
  );
}

const LABELS: Record<FieldName, (kind: Kind) => string> = {
  price: (kind) => (kind === "bracket" ? t.ticket.entry : t.ticket.price),
  quantity: () => t.ticket.quantity,
  quote: () => t.ticket.total,
  stop: (kind) => (kind === "bracket" || kind === "oco" ? t.ticket.stopLoss : t.ticket.stop),
  trail: () => t.ticket.trail,
  activation: () => t.ticket.activation,
  display: () => t.ticket.display,
  takeProfit: () => t.ticket.takeProfit,
};

function wrong(complaint: Complaint | undefined, step: string): string | undefined {
  if (complaint === "number") return t.ticket.notANumber;
  return complaint === "step" ? t.ticket.step(step) : undefined;
}

function Fields({ ticket, instrument }: { ticket: Ticket; instrument: Instrument }) {
  const found = complaints(ticket, instrument);
  const market = useStore(desk, (state) => state.tickers.get(tickerKey(state.symbol, XACHE))?.last ?? "");
  const unitOf = (name: FieldName) =>
    name === "quantity" || name === "display" ? instrument.base
      : name === "trail" && ticket.trailPercent ? "%" : instrument.quote;
  const [risking, setRisking] = useState(false);
  const sizable = ticket.kind !== "market" || !ticket.byQuote;
  return (
    <div class="fields">
      {ticket.kind === "market" && (
        <Segments
          label={t.ticket.unit}
          value={ticket.byQuote ? "quote" : "base"}
          choices={[
            ["quote", ticket.side === Side.BUY ? `${t.ticket.spend} ${instrument.quote}` : `${t.ticket.receive} ${instrument.quote}`],
            ["base", `${t.ticket.quantity} ${instrument.base}`],
          ]}
          onChange={(unit) => fill({ byQuote: unit === "quote" })}
        />
      )}
      {ticket.kind === "trailing" && (
        <Segments
          label={t.ticket.trailUnit}
          value={ticket.trailPercent ? "percent" : "quote"}
          choices={[["percent", "%"], ["quote", instrument.quote]]}
          onChange={(unit) => fill({ trailPercent: unit === "percent", trail: "" })}
        />
      )}
      {fieldsOf(ticket).map(({ name }) => (
        <Field
          key={name}
          name={name}
          number
          label={LABELS[name](ticket.kind)}
          unit={unitOf(name)}
          value={ticket[name]}
          error={wrong(found[name], stepOf(name, ticket, instrument))}
          onInput={(value) => fill({ [name]: value })}
        />
      ))}
      <Parts
        ticket={ticket}
        instrument={instrument}
        market={market}
        risking={risking}
        onRisk={RISKED.has(ticket.kind) ? () => setRisking(!risking) : undefined}
      />
      {risking && RISKED.has(ticket.kind) && <RiskSize key={instrument.symbol} ticket={ticket} instrument={instrument} market={market} />}
      {sizable && (
        <Total ticket={ticket} instrument={instrument} market={market} />
      )}
    </div>
  );
}

interface PartsProps {
  ticket: Ticket;
  instrument: Instrument;
  market: string;
  risking: boolean;
  /** Size by risk, or no longer; undefined: this kind of order begins nothing. */
  onRisk: (() => void) | undefined;
}

function Parts({ ticket, instrument, market, risking, onRisk }: PartsProps) {
  const balances = useStore(desk, (state) => state.balances);
  const free = (asset: string) => balances.find((balance) => balance.asset === asset)?.available ?? "";
  return (
    <div class="parts">
      {PARTS.map((percent) => (
        <button
          key={percent}
          type="button"
          aria-label={t.ticket.part(percent)}
          onClick={() =>
            fill(sized(ticket, percent, { quote: free(instrument.quote), base: free(instrument.base), price: market }, instrument))
          }
        >
          {percent} %
        </button>
      ))}
      {onRisk && (
        <button type="button" aria-expanded={risking} title={t.ticket.risk.title} onClick={onRisk}>{t.ticket.risk.name}</button>
      )}
    </div>
  );
}

function Total({ ticket, instrument, market }: { ticket: Ticket; instrument: Instrument; market: string }) {
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const total = totalOf(ticket, market);
  useEffect(() => setTyped(undefined), [ticket.price, ticket.stop, ticket.kind, ticket.side]);
  return (
    <div onFocusOut={() => setTyped(undefined)}>
      <Field
        number
        name="total"
        label={t.ticket.total}
        unit={instrument.quote}
        value={typed ?? (total === "" ? "" : short(total, 2).replaceAll(",", ""))}
        onInput={(value) => {
          setTyped(value);
          fill(withTotal(ticket, value, market, instrument));
        }}
      />
    </div>
  );
}

function Options({ ticket }: { ticket: Ticket }) {
  const timed = TIMED.has(ticket.kind);
  const triggered = TRIGGERED.has(ticket.kind);
  const list = LISTS.has(ticket.kind);
  return (
    <div class="options">
      {timed && (
        <Select<TimeInForce>
          label={t.ticket.tif}
          value={ticket.timeInForce}
          choices={[TimeInForce.GTC, TimeInForce.GTD, TimeInForce.IOC, TimeInForce.FOK].map((each) => [each, t.ticket.tifs[each] ?? ""] as const)}
          onChange={(timeInForce) => fill({ timeInForce })}
        />
      )}
      {timed && ticket.timeInForce === TimeInForce.GTD && (
        <Select<number>
          label={t.ticket.lives}
          value={ticket.livesS}
          choices={Object.entries(t.ticket.livesFor).map(([seconds, name]) => [Number(seconds), name] as const)}
          onChange={(livesS) => fill({ livesS })}
        />
      )}
      {triggered && (
        <Select<number>
          label={t.ticket.trigger}
          value={ticket.trigger}
          choices={Object.entries(t.ticket.triggers).map(([source, name]) => [Number(source), name] as const)}
          onChange={(trigger) => fill({ trigger })}
        />
      )}
      <div class="checks">
        {ticket.kind === "limit" && (
          <Check label={t.ticket.postOnly} value={ticket.postOnly} onChange={(postOnly) => fill({ postOnly })} />
        )}
        {ticket.kind === "limit" && ticket.postOnly && (
          <Check label={t.ticket.slide} value={ticket.slide} onChange={(slide) => fill({ slide })} />
        )}
        {!list && (
          <Check label={t.ticket.reduceOnly} value={ticket.reduceOnly} onChange={(reduceOnly) => fill({ reduceOnly })} />
        )}
      </div>
    </div>
  );
}

/** What the house says of the ticket: asked when that has not changed for a moment, and again as the
 * best prices of the book move, however often they do. */
function usePreview(ticket: Ticket, instrument: Instrument | undefined, purse: string) {
  const [told, setTold] = useState<{ answer?: PreviewOrderResponse; error?: unknown }>({});
  const complete = instrument !== undefined && isComplete(ticket, instrument);
  const wanted = useMemo(() => {
    if (!complete || !instrument) return undefined;
    const order = orderOf(ticket, { symbol: instrument.symbol, subaccount: purse, newId: () => "", nowMs: Date.now() });
    return order.one ?? order.list.orders[0];
  }, [ticket, instrument?.symbol, purse, complete]);
  useEffect(() => {
    setTold({});
    if (!wanted) return;
    const gone = new AbortController();
    const { signal } = gone;
    const stop = keepAsking({
      ask: () =>
        trading.previewOrder({ subaccount: purse, order: wanted }, { signal }).then(
          (answer) => setTold({ answer }),
          (error: unknown) => {
            if (!signal.aborted) setTold({ error });
          },
        ),
      basis: bestPrices,
      subscribe: (listener) => desk.subscribe(listener),
      settleMs: SETTLE_MS,
    });
    return () => {
      stop();
      gone.abort();
    };
  }, [wanted]);
  return { answer: told.answer, error: told.error };
}

function bestPrices(): string {
  const { book } = desk.state;
  return `${book?.bids[0]?.price ?? ""} ${book?.asks[0]?.price ?? ""}`;
}
