// What is traded: the state of each market, what can be owned, and what it costs.

import { create } from "@bufbuild/protobuf";
import { useEffect, useState } from "preact/hooks";
import { market } from "../../api";
import { desk } from "../../desk";
import { amount, percent, rate } from "../../format";
import { AdminService, SetMarketStateRequestSchema } from "../../gen/xache/v1/admin_pb";
import { type Instrument, MarketState } from "../../gen/xache/v1/types_pb";
import { t } from "../../messages";
import { Button, Select, classes, say, useAction, useAnswer, useRequestId } from "../../ui";
import { Facts, Listing } from "../../parts";
import { Asking, CauseField, TypedWord, wrongsOf } from "./asking";
import { Assets } from "./assets";
import { FeeTiers } from "./fee_tiers";
import { admin, coded } from "./services";

const STATES = [
  MarketState.TRADING, MarketState.POST_ONLY, MarketState.CANCEL_ONLY, MarketState.HALTED, MarketState.AUCTION,
] as const;

export function Instruments() {
  const { answer, error, again } = useAnswer(() => market.listInstruments({}), []);
  const [shown, setShown] = useState<Instrument | undefined>(undefined);
  // What is told here is newer than what the page was told when it was opened.
  useEffect(() => {
    if (answer) desk.set({ instruments: answer.instruments, assets: answer.assets });
  }, [answer]);
  const done = () => {
    setShown(undefined);
    again();
  };
  return (
    <>
      <Listing
        id="instruments"
        title={t.admin.markets}
        columns={[t.admin.market, t.admin.state, t.admin.steps, t.admin.fees, t.admin.change]}
        count={answer?.instruments.length}
        empty={t.admin.noMarkets}
        error={error}
        acts={<a class="button small" href="/admin/markets/new">{t.admin.newMarket}</a>}
      >
        {answer?.instruments.map((each) => (
          <tr key={each.symbol}>
            <td class="head" data-label={t.admin.market}>{each.symbol}</td>
            <td data-label={t.admin.state}>
              <span class={classes("badge", lookOf(each))}>{each.delisted ? t.market.delisted : t.market.states[each.state]}</span>
            </td>
            <td class="figure" data-label={t.admin.steps}>{each.tickSize} · {each.lotSize}</td>
            <td class="figure" data-label={t.admin.fees}>{rate(each.makerFeePpm)} · {rate(each.takerFeePpm)}</td>
            <td class="right act">
              {!each.delisted && (
                <Button small aria-label={t.admin.stateOf(each.symbol)} onClick={() => setShown(each)}>{t.admin.state}</Button>
              )}{" "}
              <a class="button small" aria-label={t.admin.rulesOf(each.symbol)} href={`/admin/markets/${encodeURIComponent(each.symbol)}`}>{t.admin.rulesName}</a>
            </td>
          </tr>
        ))}
      </Listing>
      <Assets assets={answer?.assets} onChange={again} />
      <FeeTiers quotes={[...new Set(answer?.instruments.map(({ quote }) => quote))]} />
      {shown && <State told={shown} onClose={() => setShown(undefined)} onDone={done} />}
    </>
  );
}

function lookOf({ state, delisted }: Instrument): string {
  if (delisted) return "bad";
  return state === MarketState.TRADING ? "good" : "warn";
}

function State({ told, onClose, onDone }: { told: Instrument; onClose: () => void; onDone: () => void }) {
  const { symbol } = told;
  const [state, setState] = useState<MarketState>(told.state);
  const [cause, setCause] = useState("");
  const [typed, setTyped] = useState("");
  const requestId = useRequestId("state", [state, cause]);
  const change = useAction(async () => {
    const request = create(SetMarketStateRequestSchema, { symbol, state, cause: cause.trim(), requestId });
    await coded(AdminService, "SetMarketState", SetMarketStateRequestSchema, request, admin.setMarketState);
    say(t.admin.stateSet(symbol, t.market.states[state] ?? ""));
    onDone();
  });
  const wrong = wrongsOf(change.error, ["cause"]);
  const halts = state === MarketState.HALTED && told.state !== MarketState.HALTED;
  return (
    <Asking
      title={t.admin.stateOf(symbol)} submit={t.admin.set} danger={halts} ready={!halts || typed === symbol}
      busy={change.busy} error={wrong.rest} onSubmit={() => change.run()} onClose={onClose}
    >
      <Facts
        facts={[
          [t.admin.quantities, t.admin.fromTo(amount(told.minQuantity), amount(told.maxQuantity), told.base)],
          [t.admin.notionals, t.admin.fromTo(amount(told.minNotional), amount(told.maxNotional), told.quote)],
          [t.admin.band, `${percent(told.buyBandUpPpm)} · ${percent(-told.sellBandDownPpm)}`],
          [t.admin.openOrders, String(told.maxOpenOrders)],
        ]}
      />
      <Select<MarketState>
        label={t.admin.state}
        value={state}
        choices={STATES.map((each) => [each, t.market.states[each] ?? ""] as const)}
        onChange={setState}
      />
      <p class="quiet">{t.admin.stateHints[state]}</p>
      <CauseField value={cause} onInput={setCause} error={wrong.at("cause")} />
      {halts && <TypedWord word={symbol} value={typed} onInput={setTyped} />}
    </Asking>
  );
}
