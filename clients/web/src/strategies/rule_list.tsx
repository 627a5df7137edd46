// One's rules: when this, then that.

import { momentOf } from "../format";
import { type Rule, RuleState } from "../gen/xache/v1/automation_pb";
import { t } from "../messages";
import { Button, Empty, Failure, classes, useLivePages } from "../ui";
import { thenText, whenText } from "./rule_terms";
import { automation } from "./services";

const EVERY_MS = 4_000;
const PAGE = 100;

export function Rules() {
  const { rows: rules, error, busy, more } = useLivePages(
    async (pageToken) => {
      const told = await automation.listRules({ pageSize: PAGE, pageToken });
      return { rows: told.rules, next: told.nextPageToken };
    },
    [], ({ ruleId }) => ruleId, EVERY_MS,
  );
  const living = (rules ?? []).filter(({ state }) => state !== RuleState.ENDED);
  const ended = (rules ?? []).filter(({ state }) => state === RuleState.ENDED);
  return (
    <>
      <Failure error={error} />
      {rules && (
        <section class="card" aria-labelledby="rules">
          <header class="head">
            <h2 id="rules">{t.rules.title}</h2>
            <a class="button small" href="/strategies/rules/new">{t.rules.new}</a>
          </header>
          {living.length > 0 && <Table rows={living} />}
          {!living.length && !more && <Empty title={t.rules.none} hint={t.rules.noneHint} />}
          {more && <div class="foot"><Button small busy={busy} onClick={more}>{t.app.more}</Button></div>}
        </section>
      )}
      {ended.length > 0 && (
        <section class="card" aria-labelledby="ended-rules">
          <header class="head"><h2 id="ended-rules">{t.rules.endedOnes}</h2></header>
          <Table rows={ended} />
        </section>
      )}
    </>
  );
}

function Table({ rows }: { rows: readonly Rule[] }) {
  return (
    <div class="scroll" tabIndex={0}>
      <table class="table cards" id="rule-list">
        <thead>
          <tr>
            <th scope="col">{t.strategies.name}</th>
            <th scope="col">{t.backtests.state}</th>
            <th scope="col">{t.rules.when}</th>
            <th scope="col">{t.rules.then}</th>
            <th scope="col" class="right">{t.rules.fired}</th>
            <th scope="col">{t.rules.due}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((rule) => (
            <tr key={rule.ruleId}>
              <td class="head" data-label={t.strategies.name}>
                <a href={`/strategies/rules/${encodeURIComponent(rule.ruleId)}`}>{rule.name}</a>
                <span class="sub">{rule.subaccount}</span>
              </td>
              <td data-label={t.backtests.state}><StateBadge state={rule.state} /></td>
              <td class="wraps wide" data-label={t.rules.when}>{whenText(rule.terms)}</td>
              <td class="wraps wide" data-label={t.rules.then}>{thenText(rule.terms)}</td>
              <td class="right figure" data-label={t.rules.fired}>{rule.fired}</td>
              <td class="figure" data-label={t.rules.due}>{momentOf(rule.nextDueNs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function StateBadge({ state }: { state: RuleState }) {
  const look = state === RuleState.ARMED ? "good" : state === RuleState.PAUSED ? "warn" : "";
  return <span class={classes("badge", look)}>{t.rules.states[state]}</span>;
}
