// What is traded: the state of each market, its rules, and what an operator has set for risk.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { market, newId } from "../../api";
import { amount, percent, rate } from "../../format";
import { AdminService, SetMarketStateRequestSchema } from "../../gen/xache/v1/admin_pb";
import { RiskService, RiskState, SetRiskStateRequestSchema } from "../../gen/xache/v1/risk_pb";
import { type Instrument, MarketState } from "../../gen/xache/v1/types_pb";
import { t } from "../../messages";
import { real } from "../../screens/security";
import { Button, Dialog, Failure, Field, Select, classes, say, useAction, useAnswer, useRequestId } from "../../ui";
import { Facts, Listing } from "../../parts";
import { admin, coded, risk } from "./services";

const STATES = [
  MarketState.TRADING, MarketState.POST_ONLY, MarketState.CANCEL_ONLY, MarketState.HALTED, MarketState.AUCTION,
] as const;

export function Instruments() {
  const { answer, error, again } = useAnswer(() => market.listInstruments({}), []);
  const [shown, setShown] = useState<Instrument | undefined>(undefined);
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
      >
        {answer?.instruments.map((each) => (
          <tr key={each.symbol}>
            <td class="head" data-label={t.admin.market}>{each.symbol}</td>
            <td data-label={t.admin.state}>
              <span class={classes("badge", each.state === MarketState.TRADING ? "good" : "warn")}>{t.market.states[each.state]}</span>
            </td>
            <td class="figure" data-label={t.admin.steps}>{each.tickSize} · {each.lotSize}</td>
            <td class="figure" data-label={t.admin.fees}>{rate(each.makerFeePpm)} · {rate(each.takerFeePpm)}</td>
            <td class="right act">
              <Button small aria-label={t.admin.changeOne(each.symbol)} onClick={() => setShown(each)}>{t.admin.change}</Button>
            </td>
          </tr>
        ))}
      </Listing>
      <Risk />
      {shown && <OneMarket told={shown} onClose={() => setShown(undefined)} onDone={done} />}
    </>
  );
}

function OneMarket({ told, onClose, onDone }: { told: Instrument; onClose: () => void; onDone: () => void }) {
  const [state, setState] = useState<MarketState>(told.state);
  const [cause, setCause] = useState("");
  const requestId = useRequestId("state", [state, cause]);
  const change = useAction(async () => {
    const request = create(SetMarketStateRequestSchema, { symbol: told.symbol, state, cause: cause.trim(), requestId });
    await coded(AdminService, "SetMarketState", SetMarketStateRequestSchema, request, admin.setMarketState);
    say(t.admin.stateSet(told.symbol, t.market.states[state] ?? ""));
    onDone();
  });
  return (
    <Dialog title={told.symbol} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          change.run();
        }}
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
        <Field label={t.staff.cause} hint={t.staff.causeHint} value={cause} onInput={setCause} maxLength={200} required />
        <p class="quiet">{t.admin.rulesHint}</p>
        <Failure error={real(change.error)} />
        <div class="acts"><Button type="submit" look="primary" busy={change.busy}>{t.admin.set}</Button></div>
      </form>
    </Dialog>
  );
}

/** What scopes may do for now, and who has said so. */
function Risk() {
  const { answer, error, again } = useAnswer(() => risk.getRisk({}), []);
  const lift = useAction(async (scope: string) => {
    const request = create(SetRiskStateRequestSchema, {
      scope, state: RiskState.ACTIVE, cause: t.admin.liftedHere, requestId: newId("risk"),
    });
    await coded(RiskService, "SetRiskState", SetRiskStateRequestSchema, request, risk.setRiskState);
    say(t.admin.lifted(scope));
    again();
  });
  return (
    <Listing
      id="risk"
      title={t.admin.risk}
      columns={[t.admin.scope, t.admin.mayDo, t.admin.setBy, t.staff.cause, t.admin.change]}
      count={answer?.states.length}
      empty={t.admin.allActive}
      hint={t.admin.allActiveHint}
      error={real(error ?? lift.error)}
    >
      {answer?.states.map((each) => (
        <tr key={`${each.scope} ${each.setter}`}>
          <td class="head" data-label={t.admin.scope}>{each.scope}</td>
          <td data-label={t.admin.mayDo}><span class="badge warn">{t.admin.riskStates[each.state]}</span></td>
          <td data-label={t.admin.setBy}>{t.admin.setters[each.setter]}</td>
          <td data-label={t.staff.cause}>{each.cause}</td>
          <td class="right act">
            <Button small aria-label={t.admin.liftOne(each.scope)} onClick={() => lift.run(each.scope)}>{t.admin.liftIt}</Button>
          </td>
        </tr>
      ))}
    </Listing>
  );
}
