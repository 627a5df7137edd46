// How a worth has moved, and what it has earned: told by the house for a time that is chosen here.

import { createClient } from "@connectrpc/connect";
import { useState } from "preact/hooks";
import { transport } from "../api";
import { desk } from "../desk";
import { momentOf, percent, signed, trendPpm } from "../format";
import { AnalyticsService, type GetPerformanceResponse } from "../gen/xache/v1/analytics_pb";
import { t } from "../messages";
import { useStore } from "../store";
import { Curve } from "../strategies/curve";
import "../styles/strategies.css";
import { Change, Empty, Failure, Segments, classes, useAnswer, useEvery } from "../ui";

const analytics = createClient(AnalyticsService, transport);
const DAY_MS = 86_400_000;
const EVERY_MS = 30_000;
const DAYS: readonly (readonly [number, string])[] = [[1, t.performance.day], [7, t.performance.week], [30, t.performance.month], [365, t.performance.year]];

type View = "worth" | "return";

export function Performance({ purse, whole, view: first }: { purse: string; whole: boolean; view: View }) {
  const [days, setDays] = useState(30);
  const [view, setView] = useState<View>(first);
  const seq = useStore(desk, (state) => state.balancesSeq);
  const { answer, error, again } = useAnswer(
    () =>
      analytics.getPerformance({
        subaccount: purse, wholeAccount: whole, fromNs: BigInt(Date.now() - days * DAY_MS) * 1_000_000n, maxPoints: 120,
      }),
    [purse, whole, days],
    [seq],
  );
  useEvery(EVERY_MS, again);
  return (
    <section class="card" aria-labelledby="performance">
      <header class="head">
        <h2 id="performance">{t.performance.title}</h2>
        <div class="acts">
          <Segments label={t.performance.shown} value={view} choices={[["worth", t.performance.worth], ["return", t.performance.return]]} onChange={setView} />
          <Segments look="tabs" label={t.performance.time} value={days} choices={DAYS} onChange={setDays} />
        </div>
      </header>
      <div class="block">
        <Failure error={answer ? undefined : error} />
        {answer && (answer.points.length > 1 ? <Course told={answer} view={view} /> : <Empty title={t.performance.none} hint={t.performance.noneHint} />)}
      </div>
    </section>
  );
}

function Course({ told, view }: { told: GetPerformanceResponse; view: View }) {
  const { points, baseAsset } = told;
  const values = points.map((each) => (view === "worth" ? Number(each.value) : Number(each.returnPpm) / 10_000));
  return (
    <>
      <dl class="facts line" id="course">
        <div><dt>{t.performance.gain}</dt><dd><Change value={told.gain}>{signed(told.gain)} {baseAsset}</Change></dd></div>
        <div><dt>{t.performance.return}</dt><dd class={classes("figure", trendPpm(told.returnPpm))}>{percent(told.returnPpm)}</dd></div>
        <div><dt>{t.performance.drawdown}</dt><dd class="figure">{percent(told.maxDrawdownPpm, false)}</dd></div>
        <div><dt>{t.performance.flows}</dt><dd class="figure">{signed(told.flows)} {baseAsset}</dd></div>
      </dl>
      <Curve
        label={view === "worth" ? t.performance.worth : t.performance.return}
        names={points.map((each) => momentOf(each.atNs))}
        values={values}
        unit={view === "worth" ? baseAsset : "%"}
      />
    </>
  );
}
