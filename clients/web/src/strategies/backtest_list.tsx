// What has been tried in the house.

import { momentOf, percent, trendPpm } from "../format";
import { type Backtest, BacktestState } from "../gen/xache/v1/backtest_pb";
import { t } from "../messages";
import { Button, Empty, Failure, classes, useAnswer, useEvery, usePages } from "../ui";
import { backtests } from "./services";

const EVERY_MS = 4_000;

export function Backtests() {
  // The newest page is told again and again: what runs comes along in it.
  const newest = useAnswer(() => backtests.listBacktests({ pageSize: 1 }), []);
  useEvery(EVERY_MS, newest.again);
  const top = newest.answer?.backtests[0];
  const { rows, error, busy, more } = usePages(
    async (pageToken) => {
      const told = await backtests.listBacktests({ pageSize: 50, pageToken });
      return { rows: told.backtests, next: told.nextPageToken };
    },
    [top?.backtestId, top?.state],
  );
  return (
    <section class="card" aria-labelledby="backtests">
      <header class="head">
        <h2 id="backtests">{t.backtests.title}</h2>
        <a class="button small" href="/strategies/catalogue">{t.backtests.begin}</a>
      </header>
      <Failure error={rows ? undefined : error} />
      {rows?.length === 0 && <Empty title={t.backtests.none} hint={t.backtests.noneHint} />}
      {rows && rows.length > 0 && <Table rows={rows} />}
      {more && <div class="foot"><Button small busy={busy} onClick={more}>{t.app.more}</Button></div>}
    </section>
  );
}

function Table({ rows }: { rows: readonly Backtest[] }) {
  return (
    <div class="scroll" tabIndex={0}>
      <table class="table cards" id="backtest-list">
        <thead>
          <tr>
            <th scope="col">{t.strategies.plugin}</th>
            <th scope="col">{t.strategies.markets}</th>
            <th scope="col">{t.backtests.state}</th>
            <th scope="col" class="right">{t.strategies.return}</th>
            <th scope="col" class="right">{t.strategies.drawdown}</th>
            <th scope="col" class="right">{t.strategies.deflated}</th>
            <th scope="col">{t.backtests.asked}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((each) => (
            <tr key={each.backtestId}>
              <td class="head" data-label={t.strategies.plugin}>
                <a href={`/strategies/backtests/${encodeURIComponent(each.backtestId)}`}>{each.plugin}</a>
              </td>
              <td data-label={t.strategies.markets}>{each.symbols.join(", ")}</td>
              <td data-label={t.backtests.state}><State backtest={each} /></td>
              <td class={classes("right figure", trendPpm(each.result?.returnPpm))} data-label={t.strategies.return}>{percent(each.result?.returnPpm)}</td>
              <td class="right figure" data-label={t.strategies.drawdown}>{percent(each.result?.drawdownPpm, false)}</td>
              <td class="right figure" data-label={t.strategies.deflated}>{ratio(each.result?.deflatedPpm)}</td>
              <td class="figure" data-label={t.backtests.asked}>{momentOf(each.createdAtNs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function State({ backtest }: { backtest: Backtest }) {
  const look = {
    [BacktestState.FINISHED]: "good", [BacktestState.FAILED]: "bad", [BacktestState.RUNNING]: "info",
  }[backtest.state as number];
  return <span class={classes("badge", look)}>{t.backtests.states[backtest.state]}</span>;
}

/** Millionths as a number with three places. */
export function ratio(ppm: number | undefined): string {
  return ppm === undefined ? t.app.nothing : (ppm / 1_000_000).toFixed(3);
}
