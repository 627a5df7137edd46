// The report of a backtest: what it was worth day by day, months, folds and capacity.

import { percent, trendPpm } from "../format";
import { ReportFormat } from "../gen/xache/v1/backtest_pb";
import { t } from "../messages";
import { Failure, classes, useAnswer } from "../ui";
import { Curve } from "./curve";
import { figure } from "./explanation";
import { backtests } from "./services";

/** What is shown of a report; there is more in it. */
interface Report {
  quote: string;
  units_per_quote: number;
  days: readonly string[];
  daily_equity_units: readonly number[];
  months: readonly { year: number; month: number; fraction: number }[];
  walk_forward: null | readonly {
    test: { start_at_ns: number; end_at_ns: number };
    settings: Record<string, unknown> | null;
    time_weighted_return: number;
  }[];
  capacity: null | {
    points: readonly { size: number; kept: number | null; performance: { time_weighted_return: number } }[];
  };
}

export function BacktestReport({ id }: { id: string }) {
  const { answer, error } = useAnswer(async () => {
    const { content } = await backtests.getBacktestReport({ backtestId: id, format: ReportFormat.JSON });
    return JSON.parse(new TextDecoder().decode(content)) as Report;
  }, [id]);
  if (!answer) return <Failure error={error} />;
  const equity = answer.daily_equity_units.map((units) => units / answer.units_per_quote);
  return (
    <>
      <section class="card block" aria-labelledby="equity">
        <h2 id="equity">{t.backtests.equity}</h2>
        <Curve label={t.backtests.equity} names={answer.days} values={equity} unit={answer.quote} />
      </section>
      {answer.months.length > 0 && <Months months={answer.months} />}
      {answer.walk_forward && <Folds folds={answer.walk_forward} />}
      {answer.capacity && <Capacity points={answer.capacity.points} />}
    </>
  );
}

function Months({ months }: { months: Report["months"] }) {
  const years = [...new Set(months.map(({ year }) => year))];
  return (
    <section class="card" aria-labelledby="months">
      <header class="head"><h2 id="months">{t.backtests.months}</h2></header>
      <div class="scroll" tabIndex={0}>
        <table class="table months">
          <thead>
            <tr>
              <th scope="col">{t.backtests.year}</th>
              {t.backtests.monthNames.map((name) => <th key={name} scope="col" class="right">{name}</th>)}
            </tr>
          </thead>
          <tbody>
            {years.map((year) => (
              <tr key={year}>
                <th scope="row" class="figure">{year}</th>
                {t.backtests.monthNames.map((name, index) => {
                  const found = months.find((each) => each.year === year && each.month === index + 1);
                  const ppm = found && ppmOf(found.fraction);
                  return <td key={name} class={classes("right figure", trendPpm(ppm))}>{ppm === undefined ? "" : percent(ppm)}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Folds({ folds }: { folds: NonNullable<Report["walk_forward"]> }) {
  return (
    <section class="card" aria-labelledby="folds">
      <header class="head"><h2 id="folds">{t.backtests.folds}</h2></header>
      <div class="scroll" tabIndex={0}>
        <table class="table cards">
          <thead>
            <tr>
              <th scope="col">{t.backtests.tested}</th>
              <th scope="col">{t.backtests.chosen}</th>
              <th scope="col" class="right">{t.strategies.return}</th>
            </tr>
          </thead>
          <tbody>
            {folds.map(({ test, settings, time_weighted_return: gained }) => (
              <tr key={test.start_at_ns}>
                <td class="head figure" data-label={t.backtests.tested}>{dayText(test.start_at_ns)} – {dayText(test.end_at_ns)}</td>
                <td data-label={t.backtests.chosen}><code>{settings ? told(settings) : t.app.nothing}</code></td>
                <td class={classes("right figure", trendPpm(ppmOf(gained)))} data-label={t.strategies.return}>{percent(ppmOf(gained))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Capacity({ points }: { points: NonNullable<Report["capacity"]>["points"] }) {
  return (
    <section class="card" aria-labelledby="capacity">
      <header class="head"><h2 id="capacity">{t.backtests.capacityTitle}</h2></header>
      <div class="scroll" tabIndex={0}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{t.backtests.size}</th>
              <th scope="col" class="right">{t.strategies.return}</th>
              <th scope="col" class="right">{t.backtests.kept}</th>
            </tr>
          </thead>
          <tbody>
            {points.map(({ size, kept, performance }) => (
              <tr key={size}>
                <td class="figure">{t.backtests.times(figure(size))}</td>
                <td class="right figure">{percent(ppmOf(performance.time_weighted_return))}</td>
                <td class="right figure">{kept === null ? t.app.nothing : percent(ppmOf(kept), false)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function told(settings: Record<string, unknown>): string {
  return Object.entries(settings).map(([name, value]) => `${name} ${String(value)}`).join(", ");
}

function ppmOf(fraction: number): number {
  return Math.round(fraction * 1_000_000);
}

function dayText(ns: number): string {
  return new Date(ns / 1_000_000).toISOString().slice(0, 10);
}
