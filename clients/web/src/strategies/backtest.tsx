// One backtest: live while it runs, then its report.

import { useEffect, useState } from "preact/hooks";
import { isOutage } from "../api";
import { saveFile } from "../files";
import { amount, momentOf, percent, short, trendPpm } from "../format";
import {
  type Backtest as Told, type BacktestResult, BacktestPhase, BacktestState, BacktestVerdict,
  ReportFormat,
} from "../gen/xache/v1/backtest_pb";
import { t } from "../messages";
import { go } from "../router";
import { Button, Failure, Notice, classes, useAction } from "../ui";
import { State, ratio } from "./backtest_list";
import { BacktestReport } from "./backtest_report";
import { Settings } from "./settings_list";
import { bring } from "./plugin";
import { backtests, strategies } from "./services";

const PAUSE_MS = 1_000;

const OVER: readonly BacktestState[] = [
  BacktestState.FINISHED, BacktestState.FAILED, BacktestState.CANCELED, BacktestState.INTERRUPTED,
];

export function Backtest({ id }: { id: string }) {
  const { told, error } = useWatched(id);
  const cancel = useAction(async () => {
    await backtests.cancelBacktest({ backtestId: id });
  });
  if (!told) return <Failure error={error} />;
  const over = OVER.includes(told.state);
  return (
    <>
      <section class="card block" aria-labelledby="backtest">
        <header class="one">
          <h2 id="backtest">{told.plugin} <State backtest={told} /></h2>
          <div class="acts">
            {!over && <Button small busy={cancel.busy} onClick={() => cancel.run()}>{t.backtests.cancel}</Button>}
            {told.state === BacktestState.FINISHED && <Onward told={told} />}
          </div>
        </header>
        <p class="quiet">{told.symbols.join(", ")} · {told.terms?.histories.join(", ")} · {momentOf(told.createdAtNs)}</p>
        {!over && <Progress told={told} />}
        <Failure error={over ? undefined : error} />
        {told.cause && <Notice look="bad">{told.cause}</Notice>}
        <Failure error={cancel.error} />
        {told.result && <Result result={told.result} />}
        {told.result?.settingsJson && (
          <details>
            <summary>{t.strategies.settings}</summary>
            <Settings json={told.result.settingsJson} />
          </details>
        )}
      </section>
      {told.state === BacktestState.FINISHED && <BacktestReport id={id} />}
    </>
  );
}

/** A backtest as the house tells it, until it is over; a stream that is lost is opened again. */
function useWatched(id: string): { told: Told | undefined; error: unknown } {
  const [told, setTold] = useState<Told | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    void (async () => {
      while (!signal.aborted) {
        try {
          const stream = backtests.watchBacktest({ backtestId: id }, { signal, timeoutMs: 0 });
          for await (const { backtest } of stream) {
            if (!backtest) continue;
            setTold(backtest);
            setError(undefined);
            if (OVER.includes(backtest.state)) return;
          }
        } catch (failure) {
          if (signal.aborted) return;
          setError(failure);
          if (!isOutage(failure)) return;
        }
        await new Promise((done) => setTimeout(done, PAUSE_MS));
      }
    })();
    return () => leaving.abort();
  }, [id]);
  return { told, error };
}

function Progress({ told }: { told: Told }) {
  const waiting = told.phase === BacktestPhase.WAITING;
  const percentDone = Math.floor(told.donePpm / 10_000);
  const name = waiting ? t.backtests.queue(told.ahead + 1) : t.backtests.phases[told.phase] ?? "";
  return (
    <div class="progress">
      <div
        role="progressbar"
        aria-label={name}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percentDone}
        id="progress"
      >
        <i style={{ "--done": `${told.donePpm / 10_000}%` }} />
      </div>
      <p class="quiet figure" role="status">{name} · {percentDone} %</p>
    </div>
  );
}

function Result({ result }: { result: BacktestResult }) {
  const { quote } = result;
  const convincing = result.verdict === BacktestVerdict.CONVINCING;
  const losing = result.verdict === BacktestVerdict.LOSING;
  return (
    <>
      <Notice look={convincing ? "good" : losing ? "bad" : "warn"}>
        <strong id="verdict">{t.backtests.verdicts[result.verdict]}</strong>{" "}
        {result.lacks ? t.backtests.lacks(result.lacks) : t.backtests.verdictTexts[result.verdict]}
      </Notice>
      <dl class="measures" id="result">
        <div>
          <dt>{t.strategies.return}</dt>
          <dd class={classes("figure", trendPpm(result.returnPpm))}>{percent(result.returnPpm)}</dd>
        </div>
        <div>
          <dt>{t.backtests.holding}</dt>
          <dd class={classes("figure", trendPpm(result.holdingPpm))}>{percent(result.holdingPpm)}</dd>
        </div>
        <div><dt>{t.strategies.drawdown}</dt><dd class="figure">{percent(result.drawdownPpm, false)}</dd></div>
        <div><dt>{t.strategies.deflated}</dt><dd class="figure">{ratio(result.deflatedPpm)}</dd></div>
        <div><dt>{t.backtests.trials}</dt><dd class="figure">{amount(String(result.trials))}</dd></div>
        <div><dt>{t.strategies.days}</dt><dd class="figure">{amount(String(result.days))}</dd></div>
        <div><dt>{t.strategies.fills}</dt><dd class="figure">{amount(String(result.fills))}</dd></div>
        <div><dt>{t.backtests.closed}</dt><dd class="figure">{amount(String(result.closedTrades))}</dd></div>
        <div><dt>{t.strategies.fees}</dt><dd class="figure">{short(result.fees, 2)} {quote}</dd></div>
        <div><dt>{t.backtests.end}</dt><dd class="figure">{short(result.endEquity, 2)} {quote}</dd></div>
        {result.refusals > 0 && <div><dt>{t.backtests.refusals}</dt><dd class="figure">{amount(String(result.refusals))}</dd></div>}
        {result.capacityPpm !== undefined && (
          <div><dt>{t.backtests.capacityHalf}</dt><dd class="figure">{t.backtests.times(ratio(Number(result.capacityPpm)))}</dd></div>
        )}
      </dl>
    </>
  );
}

/** From a result to a strategy with its settings, or to a file. */
function Onward({ told }: { told: Told }) {
  const use = useAction(async () => {
    const { plugins } = await strategies.listStrategyPlugins({});
    const plugin = plugins.find(({ name }) => name === told.plugin);
    if (plugin) bring(plugin, told.result?.settingsJson ?? "{}", "strategy");
    go(`/strategies/catalogue/${encodeURIComponent(told.plugin)}`);
  });
  const save = useAction(async (format: ReportFormat) => {
    const { content, mediaType } = await backtests.getBacktestReport({ backtestId: told.backtestId, format });
    const suffix = format === ReportFormat.HTML ? "html" : "json";
    saveFile(`${told.backtestId}.${suffix}`, new Blob([new Uint8Array(content)], { type: mediaType }));
  });
  return (
    <>
      <Button small look="primary" busy={use.busy} onClick={() => use.run()}>{t.backtests.use}</Button>
      {told.hasPage && <Button small busy={save.busy} onClick={() => save.run(ReportFormat.HTML)}>{t.backtests.savePage}</Button>}
      <Button small busy={save.busy} onClick={() => save.run(ReportFormat.JSON)}>{t.backtests.saveJson}</Button>
      <Failure error={use.error ?? save.error} />
    </>
  );
}
