// One's strategies and how they do.

import { amount } from "../format";
import { type OperatedStrategy, type Strategy, StrategyStage, StrategyWish } from "../gen/xache/v1/strategy_pb";
import { t } from "../messages";
import { Empty, Failure, classes, useAnswer, useEvery } from "../ui";
import { strategies } from "./services";

const EVERY_MS = 3_000;

export function StrategyList() {
  const { answer, error, again } = useAnswer(() => strategies.listStrategies({}), []);
  useEvery(EVERY_MS, again);
  const mine = answer?.strategies ?? [];
  const operated = answer?.operated ?? [];
  const living = mine.filter(({ stage }) => stage !== StrategyStage.REVOKED);
  const revoked = mine.filter(({ stage }) => stage === StrategyStage.REVOKED);
  return (
    <>
      <Failure error={answer ? undefined : error} />
      {answer && (
        <section class="card" aria-labelledby="mine">
          <header class="head">
            <h2 id="mine">{t.strategies.mine}</h2>
            <a class="button small" href="/strategies/catalogue">{t.strategies.make}</a>
          </header>
          {living.length
            ? <Table rows={living} />
            : <Empty title={t.strategies.noneMine} hint={t.strategies.noneMineHint} />}
        </section>
      )}
      {operated.length > 0 && (
        <section class="card" aria-labelledby="operated">
          <header class="head"><h2 id="operated">{t.strategies.operated}</h2></header>
          <Operated rows={operated} />
        </section>
      )}
      {revoked.length > 0 && (
        <section class="card" aria-labelledby="revoked">
          <header class="head"><h2 id="revoked">{t.strategies.revoked}</h2></header>
          <Table rows={revoked} />
        </section>
      )}
    </>
  );
}

function Table({ rows }: { rows: readonly Strategy[] }) {
  return (
    <div class="scroll" tabIndex={0}>
      <table class="table cards" id="strategy-list">
        <thead>
          <tr>
            <th scope="col">{t.strategies.name}</th>
            <th scope="col">{t.strategies.stage}</th>
            <th scope="col">{t.strategies.runs}</th>
            <th scope="col">{t.strategies.markets}</th>
            <th scope="col" class="right">{t.strategies.budget}</th>
            <th scope="col" class="right">{t.strategies.openOrders}</th>
            <th scope="col">{t.strategies.saidLast}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((each) => (
            <tr key={`${each.name}${each.createdAtNs}`}>
              <td class="head" data-label={t.strategies.name}>
                <a href={`/strategies/mine/${encodeURIComponent(each.name)}`}>{each.name}</a>
                <span class="sub">{each.plugin}</span>
              </td>
              <td data-label={t.strategies.stage}><Stage stage={each.stage} /></td>
              <td data-label={t.strategies.runs}><Runs strategy={each} /></td>
              <td data-label={t.strategies.markets}>{each.symbols.join(", ")}</td>
              <td class="right figure" data-label={t.strategies.budget}>{amount(each.budget, 2)} {each.budgetAsset}</td>
              <td class="right figure" data-label={t.strategies.openOrders}>{each.openOrders}</td>
              <td class="wide said" data-label={t.strategies.saidLast}>
                <span class={each.failure ? "down" : "quiet"}>{each.failure || each.lastNote || t.app.nothing}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What the operator runs in one's sub-accounts: to look at, and to ask why. */
function Operated({ rows }: { rows: readonly OperatedStrategy[] }) {
  return (
    <div class="scroll" tabIndex={0}>
      <table class="table cards" id="operated-list">
        <thead>
          <tr>
            <th scope="col">{t.strategies.name}</th>
            <th scope="col">{t.strategies.runs}</th>
            <th scope="col">{t.strategies.markets}</th>
            <th scope="col">{t.strategies.purse}</th>
            <th scope="col" class="right">{t.strategies.openOrders}</th>
            <th scope="col">{t.strategies.saidLast}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((each) => (
            <tr key={each.name}>
              <td class="head" data-label={t.strategies.name}>
                <a href={`/strategies/purse/${encodeURIComponent(each.subaccount)}`}>{each.name}</a>
                <span class="sub">{each.plugin}</span>
              </td>
              <td data-label={t.strategies.runs}>
                <span class={classes("runs", each.ready ? "up" : "warn")}>
                  <i aria-hidden="true" />{each.ready ? t.strategies.running : t.strategies.notRunning}
                </span>
              </td>
              <td data-label={t.strategies.markets}>{each.symbols.join(", ") || t.strategies.allMarkets}</td>
              <td data-label={t.strategies.purse}>{each.subaccount}</td>
              <td class="right figure" data-label={t.strategies.openOrders}>{each.openOrders}</td>
              <td class="wide said" data-label={t.strategies.saidLast}>
                <span class="quiet">{each.lastNote || each.advice || t.app.nothing}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Stage({ stage }: { stage: StrategyStage }) {
  const look = stage === StrategyStage.LIVE ? "good" : stage === StrategyStage.PAPER ? "info" : "";
  return <span class={classes("badge", look)}>{t.strategies.stages[stage]}</span>;
}

/** What a strategy does now, in a word. */
export function Runs({ strategy }: { strategy: Strategy }) {
  const { wish, ready, failure, advice } = strategy;
  const running = wish === StrategyWish.RUNNING;
  const name = !running
    ? t.strategies.wishes[wish]
    : failure ? t.strategies.failing : ready ? t.strategies.running : t.strategies.starting;
  const look = !running ? "quiet" : failure ? "down" : ready ? "up" : "warn";
  return (
    <span class={classes("runs", look)}>
      <i aria-hidden="true" />{name}{running && advice && ` · ${t.strategies.advises}`}
    </span>
  );
}
