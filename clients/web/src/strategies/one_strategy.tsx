// One strategy: how far it has come, what it does now, how it has done and why it placed what.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { amount, isZero, momentOf, short, signed, timeOf } from "../format";
import {
  type Strategy, type StrategyNote, type StrategyPerformance, StrategyStage, StrategyWish,
} from "../gen/xache/v1/strategy_pb";
import { t } from "../messages";
import { go } from "../router";
import { Button, Dialog, Empty, Failure, Notice, classes, say, useAction, useAnswer, useEvery } from "../ui";
import { Daily } from "./daily";
import { GoLive } from "./gate";
import { strategies } from "./services";
import { Parity } from "./parity";
import { Settings } from "./settings_list";
import { ChangeStrategy } from "./strategy_change";
import { PurseOrders } from "./strategy_orders";
import { Runs, Stage } from "./strategy_list";

const EVERY_MS = 2_000;
const PERFORMANCE_MS = 10_000;

export function OneStrategy({ name }: { name: string }) {
  const { answer, error, again } = useAnswer(() => strategies.getStrategy({ name }), [name]);
  useEvery(EVERY_MS, again);
  const strategy = answer?.strategy;
  if (!strategy) return <Failure error={error} />;
  return (
    <>
      <Head strategy={strategy} again={again} />
      <div class="columns">
        <Facts strategy={strategy} />
        <Notes notes={answer.notes} />
      </div>
      <Performance strategy={strategy} />
      <Parity name={name} />
      {strategy.stage !== StrategyStage.DRAFT && <PurseOrders subaccount={strategy.subaccount} />}
    </>
  );
}

type Act = "start" | "pause" | "resume" | "stop";

const CALLS = {
  start: strategies.startStrategy,
  pause: strategies.pauseStrategy,
  resume: strategies.resumeStrategy,
  stop: strategies.stopStrategy,
} as const;

/** What can be done with a strategy as it stands; the house has the last word. */
function actsOf({ stage, wish }: Strategy): readonly Act[] {
  if (stage === StrategyStage.REVOKED) return [];
  if (wish === StrategyWish.RUNNING) return ["pause", "stop"];
  if (wish === StrategyWish.PAUSED) return ["resume", "stop"];
  return stage === StrategyStage.LIVE ? ["stop"] : ["start"];
}

function Head({ strategy, again }: { strategy: Strategy; again: () => void }) {
  const [gate, setGate] = useState(false);
  const [revoking, setRevoking] = useState(false);
  const [changing, setChanging] = useState(false);
  const { name, stage } = strategy;
  const act = useAction(async (which: Act) => {
    await CALLS[which]({ name });
    say(t.strategies.done[which](name));
    again();
  });
  const revoke = useAction(async () => {
    await strategies.revokeStrategy({ name });
    say(t.strategies.done.revoke(name));
    go("/strategies");
  });
  const acts = actsOf(strategy);
  const paper = stage === StrategyStage.PAPER;
  return (
    <section class="card block" aria-labelledby="strategy">
      <header class="one">
        <h2 id="strategy">{name} <Runs strategy={strategy} /></h2>
        <div class="acts">
          {acts.map((each) => (
            <Button
              key={each}
              small
              look={each === "start" || each === "resume" ? "primary" : "plain"}
              busy={act.busy}
              onClick={() => act.run(each)}
            >
              {each === "start" ? t.strategies.startOnPaper : t.strategies.acts[each]}
            </Button>
          ))}
          {paper && <Button small look={strategy.publishable ? "primary" : "plain"} onClick={() => setGate(true)}>{t.strategies.goLive}</Button>}
          {strategy.wish !== StrategyWish.RUNNING && stage !== StrategyStage.REVOKED && (
            <Button small onClick={() => setChanging(true)}>{t.strategies.change}</Button>
          )}
          {stage !== StrategyStage.REVOKED && (
            <Button small look="quiet" onClick={() => setRevoking(true)}>{t.strategies.revoke}</Button>
          )}
        </div>
      </header>
      <Steps strategy={strategy} />
      {strategy.failure && <Notice look="bad">{t.strategies.ended(strategy.failure)}</Notice>}
      {strategy.advice && <Notice look="warn">{strategy.advice}</Notice>}
      {paper && (
        <Notice look={strategy.lacking ? "warn" : "good"}>
          {strategy.lacking ? t.strategies.lacking(strategy.lacking) : t.strategies.shown}
        </Notice>
      )}
      {strategy.acknowledged && stage === StrategyStage.LIVE && (
        <p class="quiet small">{t.strategies.acknowledged(strategy.acknowledged)}</p>
      )}
      <Failure error={act.error} />
      {gate && <GoLive strategy={strategy} onClose={() => setGate(false)} onLive={() => { setGate(false); again(); }} />}
      {changing && (
        <ChangeStrategy strategy={strategy} onClose={() => setChanging(false)} onChanged={() => { setChanging(false); again(); }} />
      )}
      {revoking && (
        <Dialog title={t.strategies.revokeTitle(name)} onClose={() => setRevoking(false)}>
          <p class="quiet">{t.strategies.revokeText}</p>
          <Failure error={revoke.error} />
          <div class="acts"><Button look="danger" busy={revoke.busy} onClick={() => revoke.run()}>{t.strategies.revoke}</Button></div>
        </Dialog>
      )}
    </section>
  );
}

const WAY = [StrategyStage.DRAFT, StrategyStage.PAPER, StrategyStage.LIVE] as const;

/** The way from a draft to money. */
function Steps({ strategy }: { strategy: Strategy }) {
  const { stage } = strategy;
  if (stage === StrategyStage.REVOKED) return <p><Stage stage={stage} /></p>;
  return (
    <ol class="steps" aria-label={t.strategies.way}>
      {WAY.map((each) => (
        <li key={each} class={classes(each < stage && "past")} aria-current={each === stage ? "step" : undefined}>
          <strong>{t.strategies.stages[each]}</strong>
          <span>{t.strategies.stageTexts[each]}</span>
        </li>
      ))}
    </ol>
  );
}

function Facts({ strategy }: { strategy: Strategy }) {
  const { budgetAsset: asset } = strategy;
  const rows: readonly (readonly [string, string])[] = [
    [t.strategies.plugin, strategy.plugin],
    [t.strategies.markets, strategy.symbols.join(", ")],
    [t.strategies.budget, `${amount(strategy.budget, 2)} ${asset}`],
    [t.strategies.lossLimit, `${amount(strategy.lossLimit, 2)} ${asset}`],
    [t.strategies.purse, strategy.subaccount],
    [t.strategies.openOrders, String(strategy.openOrders)],
    [t.strategies.paperDays, String(strategy.paperDays)],
    [t.strategies.deflated, strategy.predicts ? strategy.deflatedSharpe || t.app.nothing : t.strategies.predictsNothing],
    [t.strategies.madeAt, momentOf(strategy.createdAtNs)],
  ];
  return (
    <section class="card block" aria-labelledby="about">
      <h2 id="about">{t.strategies.about}</h2>
      <dl class="list">
        {rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd class="figure">{value}</dd></div>)}
      </dl>
      <details>
        <summary>{t.strategies.settings}</summary>
        <Settings json={strategy.settingsJson} />
      </details>
    </section>
  );
}

function Notes({ notes }: { notes: readonly StrategyNote[] }) {
  return (
    <section class="card block" aria-labelledby="notes">
      <h2 id="notes">{t.strategies.notes}</h2>
      {notes.length ? (
        <ul class="notes" tabIndex={0} aria-labelledby="notes">
          {notes.map(({ atNs, text }) => (
            <li key={`${atNs}${text}`}><time class="quiet figure">{timeOf(atNs)}</time> <span>{text}</span></li>
          ))}
        </ul>
      ) : (
        <Empty title={t.strategies.noNotes} hint={t.strategies.noNotesHint} />
      )}
    </section>
  );
}

function Performance({ strategy }: { strategy: Strategy }) {
  const { name } = strategy;
  const { answer, error, again } = useAnswer(() => strategies.getStrategyPerformance({ name }), [name], [strategy.stage]);
  useEvery(PERFORMANCE_MS, again);
  if (error !== undefined && !answer) return <Failure error={error} />;
  const stages = answer?.stages.filter(({ stage }) => stage !== StrategyStage.DRAFT) ?? [];
  if (!stages.length) return null;
  return (
    <section class="card" aria-labelledby="performance">
      <header class="head"><h2 id="performance">{t.strategies.performance}</h2></header>
      {stages.map((each) => (
        <div key={each.stage} class="stage">
          <Measures told={each} asset={strategy.budgetAsset} />
          <Daily told={each} asset={strategy.budgetAsset} />
        </div>
      ))}
    </section>
  );
}

function Measures({ told, asset }: { told: StrategyPerformance; asset: string }) {
  const compared = told.slippageRatio && !isZero(told.compared);
  return (
    <dl class="measures" aria-label={t.strategies.stages[told.stage]}>
      <div class="which"><dt>{t.strategies.stage}</dt><dd><Stage stage={told.stage} /></dd></div>
      <div><dt>{t.strategies.profit}</dt><dd><Gain shown={signed(told.profit)}> {asset}</Gain></dd></div>
      <div><dt>{t.strategies.return}</dt><dd><Gain shown={share(told.returnRatio, true)} /></dd></div>
      <div><dt>{t.strategies.drawdown}</dt><dd class="figure">{share(told.drawdownRatio)}</dd></div>
      <div><dt>{t.strategies.hits}</dt><dd class="figure">{share(told.hitRatio)}</dd></div>
      <div><dt>{t.strategies.fills}</dt><dd class="figure">{amount(String(told.fills))}</dd></div>
      <div><dt>{t.strategies.turnover}</dt><dd class="figure">{short(told.turnover, 2)}</dd></div>
      <div><dt>{t.strategies.fees}</dt><dd class="figure">{short(told.fees, 4)}</dd></div>
      <div><dt>{t.strategies.slippage}</dt><dd class="figure">{compared ? share(told.slippageRatio, true) : t.app.nothing}</dd></div>
      <div><dt>{t.strategies.days}</dt><dd class="figure">{told.days}</dd></div>
    </dl>
  );
}

/** A figure in the colour of what is shown of it: none where that is nothing. */
function Gain({ shown, children }: { shown: string; children?: ComponentChildren }) {
  const look = isZero(shown) ? "" : shown.startsWith("+") ? "up" : "down";
  return <span class={classes("figure", look)}>{isZero(shown) ? shown.replace(/^[+−]/, "") : shown}{children}</span>;
}

/** A ratio as percent with two places; it is only looked at. */
export function share(ratio: string, sign = false): string {
  if (ratio === "") return t.app.nothing;
  const percent = (Number(ratio) * 100).toFixed(2);
  return `${sign ? signed(percent) : short(percent, 2)} %`;
}
