// What house, markets, accounts and purses may do for now, how much of it, and who has said so.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { desk, takingOrders } from "../../desk";
import { amount } from "../../format";
import {
  ConfirmClockRequestSchema, type GetRiskResponse, type PurseLimits, ResetDrawdownRequestSchema, type RiskBounds, type RiskMark,
  RiskService, RiskSetter, RiskState, SetRiskStateRequestSchema,
} from "../../gen/xache/v1/risk_pb";
import { t } from "../../messages";
import { real } from "../../screens/security";
import { useStore } from "../../store";
import { Button, Failure, Notice, Select, classes, say, useAction, useAnswer, useRequestId } from "../../ui";
import { Listing } from "../../parts";
import { Asking, CauseField, TypedWord, wrongsOf } from "./asking";
import { AMOUNTS, Bounds, Limits } from "./risk_bounds";
import { EMPTY_SCOPE, type Scope, ScopeFields, isScope, scopeErrors, scopeOf, scopeText } from "./scope";
import { coded, risk } from "./services";

const STATES = [RiskState.REDUCING, RiskState.HALTED, RiskState.ACTIVE] as const;

export function Risk() {
  const { answer, error, again } = useAnswer(() => risk.getRisk({}), []);
  const [restraining, setRestraining] = useState<string | undefined>(undefined);
  const [bounding, setBounding] = useState<RiskBounds | "new" | undefined>(undefined);
  const [limiting, setLimiting] = useState<PurseLimits | "new" | undefined>(undefined);
  const done = () => {
    setRestraining(undefined);
    setBounding(undefined);
    setLimiting(undefined);
    again();
  };
  return (
    <>
      <Clock jumpS={answer?.clockJumpS ?? 0n} onDone={again} />
      <States told={answer} error={error} onRestrain={setRestraining} />
      <Listing
        id="bounds"
        title={t.admin.bounds}
        columns={[t.admin.scope, t.admin.bounded, t.admin.change]}
        count={answer?.bounds.length}
        empty={t.admin.noBounds}
        hint={t.admin.noBoundsHint}
        acts={<Button small onClick={() => setBounding("new")}>{t.admin.newBounds}</Button>}
      >
        {answer?.bounds.map((each) => (
          <tr key={each.scope}>
            <td class="head" data-label={t.admin.scope}>{scopeText(each.scope)}</td>
            <td class="wraps" data-label={t.admin.bounded}>{boundsText(each)}</td>
            <td class="right act">
              <Button small aria-label={t.admin.changeOne(each.scope)} onClick={() => setBounding(each)}>{t.admin.change}</Button>
            </td>
          </tr>
        ))}
      </Listing>
      <OwnLimits limits={answer?.limits} onLimit={setLimiting} />
      <Marks marks={answer?.marks} onDone={again} />
      {restraining !== undefined && <Restrain scope={restraining} onClose={() => setRestraining(undefined)} onDone={done} />}
      {bounding && <Bounds before={bounding === "new" ? undefined : bounding} onClose={() => setBounding(undefined)} onDone={done} />}
      {limiting && <Limits before={limiting === "new" ? undefined : limiting} onClose={() => setLimiting(undefined)} onDone={done} />}
    </>
  );
}

function boundsText(told: RiskBounds): string {
  const parts = told.maxOpenOrders === undefined ? [] : [`${t.admin.boundNames.maxOpenOrders} ${told.maxOpenOrders}`];
  for (const name of AMOUNTS) {
    for (const each of told[name]) parts.push(`${t.admin.boundNames[name]} ${amount(each.amount)} ${each.asset}`);
  }
  return parts.join(" · ");
}

/** What every purse may do at most, and the purses that have limits of their own. */
function OwnLimits({ limits, onLimit }: {
  limits: readonly PurseLimits[] | undefined;
  onLimit: (limits: PurseLimits | "new") => void;
}) {
  return (
    <Listing
      id="limits"
      title={t.admin.purseLimits}
      columns={[t.app.purse, t.admin.boundNames.maxOpenOrders, t.admin.boundNames.maxOrderNotional, t.admin.change]}
      count={limits?.length}
      empty={t.admin.noLimits}
      hint={t.admin.noLimitsHint}
      acts={<Button small onClick={() => onLimit("new")}>{t.admin.limits}</Button>}
    >
      {limits?.map((each) => (
        <tr key={purseText(each)}>
          <td class="head wraps" data-label={t.app.purse}>{purseText(each)}</td>
          <td class="figure" data-label={t.admin.boundNames.maxOpenOrders}>{each.maxOpenOrders}</td>
          <td class="wraps figure" data-label={t.admin.boundNames.maxOrderNotional}>
            {each.maxOrderNotional.map((sum) => `${amount(sum.amount)} ${sum.asset}`).join(" · ") || t.app.nothing}
          </td>
          <td class="right act">
            {each.accountId && (
              <Button small aria-label={t.admin.changeOne(t.admin.limitsOf(purseText(each)))} onClick={() => onLimit(each)}>{t.admin.change}</Button>
            )}
          </td>
        </tr>
      ))}
    </Listing>
  );
}

function purseText({ accountId, subaccount }: PurseLimits): string {
  return accountId ? `${accountId}/${subaccount}` : t.admin.everyPurse;
}

function States({ told, error, onRestrain }: {
  told: GetRiskResponse | undefined;
  error: unknown;
  onRestrain: (scope: string) => void;
}) {
  return (
    <Listing
      id="risk"
      title={t.admin.risk}
      columns={[t.admin.scope, t.admin.mayDo, t.admin.setBy, t.staff.cause, t.admin.change]}
      count={told?.states.length}
      empty={t.admin.allActive}
      hint={t.admin.allActiveHint}
      error={error}
      acts={<Button small onClick={() => onRestrain("")}>{t.admin.restrain}</Button>}
    >
      {told?.states.map((each) => (
        <tr key={`${each.scope} ${each.setter}`}>
          <td class="head" data-label={t.admin.scope}>{scopeText(each.scope)}</td>
          <td data-label={t.admin.mayDo}>
            <span class={classes("badge", each.state === RiskState.HALTED ? "bad" : "warn")}>{t.admin.riskStates[each.state]}</span>
          </td>
          <td data-label={t.admin.setBy}>{t.admin.setters[each.setter]}</td>
          <td class="wraps" data-label={t.staff.cause}>{each.cause || t.app.nothing}</td>
          <td class="right act">
            {each.setter === RiskSetter.OPERATOR && (
              <Button small aria-label={t.admin.changeOne(each.scope)} onClick={() => onRestrain(each.scope)}>{t.admin.change}</Button>
            )}
          </td>
        </tr>
      ))}
    </Listing>
  );
}

/** Say what a scope may do: one that is named, or one to choose. */
function Restrain({ scope: given, onClose, onDone }: { scope: string; onClose: () => void; onDone: () => void }) {
  const [chosen, setChosen] = useState<Scope>(EMPTY_SCOPE);
  const [state, setState] = useState<RiskState>(given ? RiskState.ACTIVE : RiskState.REDUCING);
  const [cause, setCause] = useState("");
  const [typed, setTyped] = useState("");
  const symbols = takingOrders({ instruments: useStore(desk, ({ instruments }) => instruments) }).map(({ symbol }) => symbol);
  const scope = given || scopeOf(chosen, symbols);
  const requestId = useRequestId("risk", [scope, state, cause]);
  const set = useAction(async () => {
    const request = create(SetRiskStateRequestSchema, { scope, state, cause: cause.trim(), requestId });
    await coded(RiskService, "SetRiskState", SetRiskStateRequestSchema, request, risk.setRiskState);
    say(t.admin.scopeSet(scopeText(scope), t.admin.riskStates[state] ?? ""));
    onDone();
  });
  const wrong = wrongsOf(set.error, [...(given ? [] : scopeErrors(chosen)), "cause"]);
  const halts = state === RiskState.HALTED;
  const complete = given !== "" || isScope(chosen);
  return (
    <Asking
      title={given ? t.admin.changeOne(scopeText(given)) : t.admin.restrain} submit={t.admin.setIt} danger={halts}
      ready={complete && (!halts || typed === scope)} busy={set.busy} error={wrong.rest} onSubmit={() => set.run()} onClose={onClose}
    >
      {!given && <ScopeFields scope={chosen} symbols={symbols} onChange={setChosen} error={wrong.at("scope")} />}
      <Select<RiskState>
        label={t.admin.mayDo}
        value={state}
        choices={STATES.map((each) => [each, t.admin.riskStates[each] ?? ""] as const)}
        onChange={setState}
      />
      {state === RiskState.ACTIVE && <p class="quiet">{t.admin.activeHint}</p>}
      <CauseField value={cause} onInput={setCause} error={wrong.at("cause")} />
      {halts && complete && <TypedWord word={scope} value={typed} onInput={setTyped} />}
    </Asking>
  );
}

/** What profits are measured from, where a loss or a drawdown is bounded. */
function Marks({ marks, onDone }: { marks: readonly RiskMark[] | undefined; onDone: () => void }) {
  const reset = useAction(async (scope: string, asset: string) => {
    const request = create(ResetDrawdownRequestSchema, { scope, asset });
    await coded(RiskService, "ResetDrawdown", ResetDrawdownRequestSchema, request, risk.resetDrawdown);
    say(t.admin.drawdownReset(scopeText(scope)));
    onDone();
  });
  if (!marks?.length) return null;
  return (
    <Listing
      id="marks"
      title={t.admin.marks}
      columns={[t.admin.scope, t.admin.dayStart, t.admin.highest, t.admin.hit, t.admin.change]}
      count={marks.length}
      empty={t.app.nothing}
      error={real(reset.error)}
    >
      {marks.map(({ scope, asset, dayStart, high, lossHit, drawdownHit }) => (
        <tr key={`${scope} ${asset}`}>
          <td class="head wraps" data-label={t.admin.scope}>{scopeText(scope)} <span class="quiet">{asset}</span></td>
          <td class="figure" data-label={t.admin.dayStart}>{amount(dayStart)}</td>
          <td class="figure" data-label={t.admin.highest}>{amount(high)}</td>
          <td data-label={t.admin.hit}>
            {lossHit && <span class="badge bad">{t.admin.lossHit}</span>}
            {drawdownHit && <span class="badge bad">{t.admin.drawdownHit}</span>}
            {!lossHit && !drawdownHit && t.app.nothing}
          </td>
          <td class="right act">
            <Button small busy={reset.busy} aria-label={t.admin.resetOne(scopeText(scope))} onClick={() => reset.run(scope, asset)}>
              {t.admin.reset}
            </Button>
          </td>
        </tr>
      ))}
    </Listing>
  );
}

/** A wall clock that has jumped halts the house until somebody says that it is right. */
function Clock({ jumpS, onDone }: { jumpS: bigint; onDone: () => void }) {
  const confirm = useAction(async () => {
    const request = create(ConfirmClockRequestSchema, {});
    await coded(RiskService, "ConfirmClock", ConfirmClockRequestSchema, request, risk.confirmClock);
    say(t.admin.clockConfirmed);
    onDone();
  });
  if (jumpS === 0n) return null;
  return (
    <Notice look="bad">
      <p>{t.admin.clockJumped(String(jumpS))}</p>
      <Button small busy={confirm.busy} onClick={() => confirm.run()}>{t.admin.confirmClock}</Button>
      <Failure error={real(confirm.error)} />
    </Notice>
  );
}

