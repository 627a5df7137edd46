// How the house does: its counts, its parts with their figures, and the brake of all of it.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { amount, momentOf } from "../../format";
import { type HouseRestraints, type RiskScopeState, RiskState } from "../../gen/xache/v1/risk_pb";
import { type ActorHealth, AdminService, type GetUserMetricsResponse, SetHaltRequestSchema } from "../../gen/xache/v1/admin_pb";
import { t } from "../../messages";
import { MarketState } from "../../gen/xache/v1/types_pb";
import { Button, Dialog, Failure, Notice, classes, say, useAction, useAnswer, useEvery, useRequestId } from "../../ui";
import { Facts, Listing } from "../../parts";
import { Asking, CauseField, TypedWord, wrongsOf } from "./asking";
import { HOUSE, scopeText } from "./scope";
import { admin, coded, risk } from "./services";

const AGAIN_MS = 5_000;
const RUNNING = "running";

export function Health() {
  const health = useAnswer(() => admin.getHealth({}), []);
  const everybody = useAnswer(() => risk.getRisk({}), []);
  const counts = useAnswer(() => admin.getUserMetrics({}), []);
  const [shown, setShown] = useState<ActorHealth | undefined>(undefined);
  useEvery(AGAIN_MS, health.again);
  const { answer } = health;
  const actors = [...(answer?.actors ?? [])].sort((one, other) => rank(one) - rank(other) || (one.name < other.name ? -1 : 1));
  return (
    <>
      <Failure error={everybody.error} />
      {answer && !answer.restraints && <Notice look="bad">{t.admin.exchangeSilent}</Notice>}
      {answer?.restraints && <Restraints told={answer.restraints} people={everybody.answer?.states.filter(isOfSomebody) ?? []} />}
      <div class="columns">
        <section class="card block" aria-labelledby="house">
          <h2 id="house">{t.admin.house}</h2>
          <Failure error={health.error} />
          {answer && (
            <Facts
              facts={[
                [t.admin.version, answer.version],
                [t.admin.readySince, momentOf(answer.readyAtNs)],
                [t.admin.journal, amount(String(answer.journalSeq))],
                [t.admin.views, amount(String(answer.viewsSeq))],
              ]}
            />
          )}
          {answer && <Halt halted={answer.restraints?.halted ?? false} onDone={health.again} />}
        </section>
        <section class="card block" aria-labelledby="people">
          <h2 id="people">{t.admin.people}</h2>
          <Failure error={counts.error} />
          {counts.answer && <Counts told={counts.answer} />}
        </section>
      </div>
      <Listing
        id="actors"
        title={t.admin.parts}
        columns={[t.admin.part, t.admin.state, t.admin.restarts, t.admin.failure, t.admin.figures]}
        count={answer ? actors.length : undefined}
        empty={t.app.nothing}
      >
        {actors.map((each) => (
          <tr key={each.name}>
            <td class="head" data-label={t.admin.part}>{each.name}</td>
            <td data-label={t.admin.state}>
              <span class={classes("badge", each.state === RUNNING ? "good" : "bad")}>{t.admin.actorStates[each.state] ?? each.state}</span>
            </td>
            <td class="figure" data-label={t.admin.restarts}>{each.restarts}</td>
            <td data-label={t.admin.failure}>{each.failure || t.app.nothing}</td>
            <td class="right act">
              <Button small aria-label={t.admin.figuresOf(each.name)} onClick={() => setShown(each)}>{t.admin.figures}</Button>
            </td>
          </tr>
        ))}
      </Listing>
      {shown && (
        <Dialog title={t.admin.figuresOf(shown.name)} onClose={() => setShown(undefined)}>
          <Facts
            facts={Object.entries(shown.statistics)
              .sort(([one], [other]) => (one < other ? -1 : 1))
              .map(([name, figure]) => [name.replaceAll("_", " "), <span class="figure">{amount(String(figure))}</span>])}
          />
        </Dialog>
      )}
    </>
  );
}

/** What needs attention comes first. */
function rank(actor: ActorHealth): number {
  return actor.state === RUNNING ? (actor.restarts || actor.failure ? 1 : 2) : 0;
}

function Counts({ told }: { told: GetUserMetricsResponse }) {
  const count = (figure: bigint) => <span class="figure">{amount(String(figure))}</span>;
  return (
    <>
      <Facts
        facts={[
          [t.admin.accounts, count(told.accounts)],
          [t.admin.opened, `${told.opened1d} · ${told.opened7d} · ${told.opened30d}`],
          [t.admin.signedIn, count(told.signedIn)],
          [t.admin.sessions, count(told.sessions)],
          [t.admin.factors, count(told.secondFactors)],
          [t.admin.keys, count(told.apiKeys)],
          [t.admin.unverified, count(told.unverified)],
          [t.admin.frozen, count(told.frozen)],
          [t.admin.suspended, count(told.suspended)],
          [t.admin.applications, count(told.applications)],
          [t.admin.cases, count(told.openCases)],
          [t.admin.erasures, count(told.erasuresDue)],
        ]}
      />
      <p class="quiet">{told.roles.map(({ role, accounts }) => `${t.staff.roleNames[role]} ${accounts}`).join(" · ")}</p>
    </>
  );
}

/** What holds for one account or purse: asked once, as who looks at people is written down. */
function isOfSomebody({ scope }: RiskScopeState): boolean {
  return scope.startsWith("account:") || scope.startsWith("purse:");
}

/** What is not as on any other day, and why: the house first. */
function Restraints({ told, people }: { told: HouseRestraints; people: readonly RiskScopeState[] }) {
  const states = [...told.scopes, ...people].sort((one, other) => Number(other.scope === HOUSE) - Number(one.scope === HOUSE));
  if (!told.halted && !states.length && !told.markets.length) return null;
  return (
    <div class="stack" id="restraints">
      {told.halted && <Notice look="bad">{t.admin.houseHalted(told.haltCause)}</Notice>}
      {states.map(({ scope, setter, state, cause }) => (
        <Notice key={`${scope} ${setter}`} look={state === RiskState.HALTED ? "bad" : "warn"}>
          {t.admin.scopeRestrained(scopeText(scope), t.admin.riskStates[state] ?? "", t.admin.setters[setter] ?? "", cause)}
        </Notice>
      ))}
      {told.markets.map(({ symbol, state, cause, untilNs }) => (
        <Notice key={symbol} look={state === MarketState.HALTED ? "bad" : "warn"}>
          {t.admin.marketRestrained(symbol, t.market.states[state] ?? "", cause || (state === MarketState.CANCEL_ONLY ? t.admin.noReference : t.admin.noCause))}
          {untilNs !== 0n && <> {t.admin.until(momentOf(untilNs))}</>}
        </Notice>
      ))}
    </div>
  );
}

function Halt({ halted, onDone }: { halted: boolean; onDone: () => void }) {
  const [asking, setAsking] = useState<boolean | undefined>(undefined);
  const [cause, setCause] = useState("");
  const [typed, setTyped] = useState("");
  const requestId = useRequestId("halt", [asking, cause]);
  const open = (wanted: boolean) => {
    act.clear();
    setCause("");
    setTyped("");
    setAsking(wanted);
  };
  const act = useAction(async (wanted: boolean) => {
    const request = create(SetHaltRequestSchema, { halted: wanted, cause: cause.trim(), requestId });
    await coded(AdminService, "SetHalt", SetHaltRequestSchema, request, admin.setHalt);
    say(wanted ? t.admin.halted : t.admin.goesOn);
    setAsking(undefined);
    onDone();
  });
  const wrong = wrongsOf(act.error, ["cause"]);
  return (
    <div class="acts start">
      {halted
        ? <Button look="primary" onClick={() => open(false)}>{t.admin.lift}</Button>
        : <Button look="danger" onClick={() => open(true)}>{t.admin.halt}</Button>}
      {asking !== undefined && (
        <Asking
          title={asking ? t.admin.halt : t.admin.lift} submit={asking ? t.admin.halt : t.admin.lift} danger={asking}
          ready={!asking || typed === HOUSE} busy={act.busy} error={wrong.rest} onSubmit={() => act.run(asking)}
          onClose={() => setAsking(undefined)}
        >
          <p>{asking ? t.admin.haltText : t.admin.liftText}</p>
          <CauseField value={cause} onInput={setCause} error={wrong.at("cause")} autoFocus />
          {asking && <TypedWord word={HOUSE} value={typed} onInput={setTyped} />}
        </Asking>
      )}
    </div>
  );
}
