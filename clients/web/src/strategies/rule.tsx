// One rule: what it says, what it would have done, and what it did and why.

import { useState } from "preact/hooks";
import { refusalOf } from "../api";
import { amount, momentOf, short } from "../format";
import {
  type Fact, type Firing, FiringState, type RehearseRuleResponse, type Rule, RuleState, StepState,
} from "../gen/xache/v1/automation_pb";
import { Interval } from "../gen/xache/v1/market_pb";
import { t } from "../messages";
import { Button, Check, Dialog, Empty, Failure, Field, Notice, Select, classes, say, useAction, useAnswer, useEvery, useLivePages } from "../ui";
import { StateBadge } from "./rule_list";
import { thenText, whenText } from "./rule_terms";
import { automation } from "./services";

const EVERY_MS = 3_000;
const FIRINGS_MAX = 50;
const CANDLES = 1_000;

export function OneRule({ id }: { id: string }) {
  const { answer, error, again } = useAnswer(() => automation.getRule({ ruleId: id }), [id]);
  useEvery(EVERY_MS, again);
  const rule = answer?.rule;
  if (!rule) return <Failure error={error} />;
  return (
    <>
      <Head rule={rule} again={again} />
      {rule.state !== RuleState.ENDED && <Rehearsal rule={rule} />}
      <Firings rule={rule} />
    </>
  );
}

function Head({ rule, again }: { rule: Rule; again: () => void }) {
  const { ruleId, name, state } = rule;
  const [arming, setArming] = useState(false);
  const [ending, setEnding] = useState(false);
  const arm = useAction(async () => {
    try {
      await automation.armRule({ ruleId });
    } catch (error) {
      // Nobody has seen what it would do: its owner may say that this is fine.
      if (refusalOf(error).facts.field !== "unrehearsed") throw error;
      setArming(true);
      return;
    }
    say(t.rules.armed(name));
    again();
  });
  const pause = useAction(async () => {
    await automation.pauseRule({ ruleId });
    say(t.rules.paused(name));
    again();
  });
  const end = useAction(async () => {
    await automation.endRule({ ruleId });
    setEnding(false);
    say(t.rules.ended(name));
    again();
  });
  return (
    <section class="card block" aria-labelledby="rule">
      <header class="one">
        <h2 id="rule">{name} <StateBadge state={state} /></h2>
        <div class="acts">
          {(state === RuleState.DRAFT || state === RuleState.PAUSED) && (
            <Button small look="primary" busy={arm.busy} onClick={() => arm.run()}>{t.rules.arm}</Button>
          )}
          {state === RuleState.ARMED && <Button small busy={pause.busy} onClick={() => pause.run()}>{t.rules.pause}</Button>}
          {state !== RuleState.ENDED && <Button small look="quiet" onClick={() => setEnding(true)}>{t.rules.end}</Button>}
        </div>
      </header>
      <dl class="list">
        <div><dt>{t.rules.when}</dt><dd>{whenText(rule.terms)}</dd></div>
        <div><dt>{t.rules.then}</dt><dd>{thenText(rule.terms)}</dd></div>
        <div><dt>{t.rules.purse}</dt><dd>{rule.subaccount}</dd></div>
        <div><dt>{t.rules.fired}</dt><dd class="figure" id="fired">{rule.fired}</dd></div>
        <div><dt>{t.rules.last}</dt><dd class="figure">{momentOf(rule.firedAtNs)}</dd></div>
        <div><dt>{t.rules.due}</dt><dd class="figure">{momentOf(rule.nextDueNs)}</dd></div>
      </dl>
      {rule.cause && <Notice look={state === RuleState.ARMED ? "info" : "warn"}>{rule.cause}</Notice>}
      <Failure error={arm.error ?? pause.error} />
      {arming && <ArmUnseen rule={rule} onClose={() => setArming(false)} onArmed={() => { setArming(false); again(); }} />}
      {ending && (
        <Dialog title={t.rules.endTitle(name)} onClose={() => setEnding(false)}>
          <p class="quiet">{t.rules.endText}</p>
          <Failure error={end.error} />
          <div class="acts">
            <Button look="danger" busy={end.busy} onClick={() => end.run()}>{t.rules.end}</Button>
          </div>
        </Dialog>
      )}
    </section>
  );
}

function ArmUnseen({ rule, onClose, onArmed }: { rule: Rule; onClose: () => void; onArmed: () => void }) {
  const [sure, setSure] = useState(false);
  const arm = useAction(async () => {
    await automation.armRule({ ruleId: rule.ruleId, unrehearsed: true });
    say(t.rules.armed(rule.name));
    onArmed();
  });
  return (
    <Dialog title={t.rules.unseenTitle} onClose={onClose}>
      <p class="quiet">{t.rules.unseenText}</p>
      <Check label={t.rules.unseen} value={sure} onChange={setSure} />
      <Failure error={arm.error} />
      <div class="acts"><Button look="danger" disabled={!sure} busy={arm.busy} onClick={() => sure && arm.run()}>{t.rules.arm}</Button></div>
    </Dialog>
  );
}

const INTERVALS = [
  Interval.INTERVAL_1M, Interval.INTERVAL_5M, Interval.INTERVAL_15M, Interval.INTERVAL_1H, Interval.INTERVAL_1D,
] as const;

function Rehearsal({ rule }: { rule: Rule }) {
  const watches = rule.terms?.when.case === "indicator";
  const [interval, setInterval] = useState<Interval>(Interval.INTERVAL_5M);
  const [funds, setFunds] = useState("");
  const [venue, setVenue] = useState("");
  const [told, setTold] = useState<RehearseRuleResponse | undefined>(undefined);
  const rehearse = useAction(async () => {
    setTold(await automation.rehearseRule({
      ruleId: rule.ruleId,
      interval: watches ? Interval.INTERVAL_UNSPECIFIED : interval,
      limit: CANDLES,
      venue: venue.trim().toUpperCase(),
      quoteFunds: funds.trim(),
    }));
  });
  return (
    <section class="card block" aria-labelledby="rehearsal">
      <h2 id="rehearsal">{t.rules.rehearsal}</h2>
      <p class="quiet">{t.rules.rehearsalText}</p>
      <form
        class="attempt"
        onSubmit={(event) => {
          event.preventDefault();
          rehearse.run();
        }}
      >
        {!watches && (
          <Select<Interval>
            label={t.rules.candles}
            value={interval}
            choices={INTERVALS.map((each) => [each, t.chart.interval[each] ?? ""] as const)}
            onChange={setInterval}
          />
        )}
        <Field label={t.rules.venue} value={venue} onInput={setVenue} placeholder={t.rules.venueOwn} />
        <Field label={t.rules.funds} value={funds} onInput={setFunds} placeholder={t.rules.fundsOwn} number />
        <Button type="submit" busy={rehearse.busy}>{t.rules.rehearse}</Button>
      </form>
      <Failure error={rehearse.error} />
      {told && <Rehearsed told={told} />}
    </section>
  );
}

function Rehearsed({ told }: { told: RehearseRuleResponse }) {
  if (!told.candles) return <Notice look="warn">{t.rules.noCandles}</Notice>;
  return (
    <div class="stack" id="rehearsed">
      <p>
        {t.rules.rehearsed(told.fired, amount(String(told.candles)), momentOf(told.fromNs), momentOf(told.toNs))}
        {told.worth && ` ${t.rules.worth(`${short(told.worth, 2)} ${told.asset}`, `${short(told.worthWithout, 2)} ${told.asset}`)}`}
      </p>
      {told.firings.length > 0 && (
        <ol class="firings" tabIndex={0} aria-label={t.rules.rehearsal}>
          {told.firings.map(({ atNs, explanation, facts, steps }) => (
            <li key={`${atNs}`}>
              <p><time class="quiet figure">{momentOf(atNs)}</time> {explanation}</p>
              <Facts facts={facts} />
              <ul>{steps.map(({ sent, answer }, index) => <li key={index}>{sent}: <span class="quiet">{answer}</span></li>)}</ul>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function Firings({ rule }: { rule: Rule }) {
  const { ruleId } = rule;
  const { rows, error, busy, more } = useLivePages(
    async (pageToken) => {
      const told = await automation.listFirings({ ruleId, pageSize: FIRINGS_MAX, pageToken });
      return { rows: told.firings, next: told.nextPageToken };
    },
    [ruleId], ({ number }) => String(number), EVERY_MS,
  );
  return (
    <section class="card block" aria-labelledby="firings">
      <h2 id="firings">{t.rules.firings}</h2>
      <Failure error={error} />
      {rows?.length === 0 && <Empty title={t.rules.neverFired} hint={t.rules.neverFiredHint} />}
      {rows && rows.length > 0 && (
        <ol class="firings" id="firing-list" tabIndex={0} aria-labelledby="firings">
          {rows.map((each) => <OneFiring key={each.number} firing={each} />)}
        </ol>
      )}
      {more && <div class="foot"><Button small busy={busy} onClick={more}>{t.app.more}</Button></div>}
    </section>
  );
}

function OneFiring({ firing }: { firing: Firing }) {
  const look = firing.state === FiringState.DONE ? "good" : firing.state === FiringState.SENDING ? "info" : "warn";
  return (
    <li>
      <p>
        <span class="quiet figure">#{firing.number}</span>{" "}
        <time class="quiet figure">{momentOf(firing.dueAtNs)}</time>{" "}
        <span class={classes("badge", look)}>{t.rules.firingStates[firing.state]}</span>{" "}
        {firing.explanation}
      </p>
      <Facts facts={firing.facts} />
      <ul>
        {firing.steps.map((step) => (
          <li key={step.id}>
            {step.sent}:{" "}
            <span class={step.state === StepState.REFUSED ? "down" : "quiet"}>{step.answer || t.rules.noAnswer}</span>
            {step.orderId && <span class="quiet"> · {t.rules.order} {step.orderId}</span>}
          </li>
        ))}
      </ul>
    </li>
  );
}

function Facts({ facts }: { facts: readonly Fact[] }) {
  if (!facts.length) return null;
  return (
    <p class="quiet small figure facts-line">
      {facts.map(({ name, value }) => <span key={name}>{name} {value}</span>)}
    </p>
  );
}
