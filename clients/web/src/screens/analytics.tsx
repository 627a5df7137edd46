// What trading has brought: returns, profit by market, strategies side by side, fees and turnover.

import { createClient } from "@connectrpc/connect";
import { useState } from "preact/hooks";
import { trading, transport, wallet } from "../api";
import { desk, instrumentOf } from "../desk";
import { amount, isZero, short, signed } from "../format";
import { StrategyService, StrategyStage, type Strategy, type StrategyPerformance } from "../gen/xache/v1/strategy_pb";
import { t } from "../messages";
import { session } from "../session";
import { useStore } from "../store";
import { share } from "../strategies/one_strategy";
import { Change, Empty, Failure, Segments, useAnswer } from "../ui";
import { Performance } from "./performance";

const strategies = createClient(StrategyService, transport);
const COMPARED_MAX = 10; // each is asked for by itself

export function Analytics() {
  const purse = useStore(session, (state) => state.purse);
  const [whole, setWhole] = useState(false);
  return (
    <main id="content" class="screen">
      <header class="title">
        <h1>{t.analytics.title}</h1>
        <Segments
          label={t.portfolio.scope}
          value={whole ? "whole" : "purse"}
          choices={[["purse", t.portfolio.purse], ["whole", t.portfolio.whole]]}
          onChange={(chosen) => setWhole(chosen === "whole")}
        />
      </header>
      <Performance purse={purse} whole={whole} view="return" />
      <Markets purse={purse} />
      <Strategies />
      <Turnover purse={purse} />
    </main>
  );
}

function Markets({ purse }: { purse: string }) {
  const fills = useStore(desk, (state) => state.fills);
  const { answer, error } = useAnswer(() => trading.listPositions({ subaccount: purse }), [purse], [fills]);
  return (
    <section class="card" aria-labelledby="markets">
      <header class="head"><h2 id="markets">{t.analytics.markets} <span class="badge">{purse}</span></h2></header>
      <Failure error={answer ? undefined : error} />
      {answer && !answer.positions.length && <Empty title={t.analytics.noMarkets} />}
      {answer && answer.positions.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="table cards" id="profit-by-market">
            <thead>
              <tr>
                <th scope="col">{t.orders.market}</th>
                <th scope="col" class="right">{t.orders.quantity}</th>
                <th scope="col" class="right">{t.orders.worth}</th>
                <th scope="col" class="right">{t.orders.unrealised}</th>
                <th scope="col" class="right">{t.orders.realised}</th>
              </tr>
            </thead>
            <tbody>
              {answer.positions.map((position) => {
                const quote = instrumentOf(desk.state, position.symbol)?.quote ?? "";
                return (
                  <tr key={position.symbol}>
                    <td class="head" data-label={t.orders.market}>{position.symbol.replace("-", "/")}</td>
                    <td class="right figure" data-label={t.orders.quantity}>{isZero(position.quantity) ? t.app.nothing : amount(position.quantity)}</td>
                    <td class="right figure" data-label={t.orders.worth}>{position.value === "" ? t.app.nothing : `${short(position.value, 2)} ${quote}`}</td>
                    <td class="right" data-label={t.orders.unrealised}><Change value={position.unrealised}>{signed(position.unrealised)}</Change></td>
                    <td class="right" data-label={t.orders.realised}><Change value={position.realised}>{signed(position.realised)} {quote}</Change></td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Strategies() {
  const { answer, error } = useAnswer(async () => {
    const { strategies: all } = await strategies.listStrategies({});
    const ran = all.filter(({ stage }) => stage !== StrategyStage.DRAFT);
    return Promise.all(
      ran.slice(0, COMPARED_MAX).map(async (strategy) => ({ strategy, stages: (await strategies.getStrategyPerformance({ name: strategy.name })).stages })),
    );
  }, []);
  const rows = answer?.flatMap(({ strategy, stages }) =>
    stages.filter(({ stage }) => stage !== StrategyStage.DRAFT).map((told) => ({ strategy, told })),
  );
  return (
    <section class="card" aria-labelledby="strategy-results">
      <header class="head"><h2 id="strategy-results">{t.analytics.strategies}</h2></header>
      <Failure error={answer ? undefined : error} />
      {rows?.length === 0 && <Empty title={t.analytics.noStrategies} hint={t.analytics.noStrategiesHint} />}
      {rows && rows.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="table cards" id="strategy-table">
            <thead>
              <tr>
                <th scope="col">{t.analytics.strategy}</th>
                <th scope="col">{t.strategies.stage}</th>
                <th scope="col" class="right">{t.strategies.profit}</th>
                <th scope="col" class="right">{t.strategies.return}</th>
                <th scope="col" class="right">{t.strategies.drawdown}</th>
                <th scope="col" class="right">{t.strategies.hits}</th>
                <th scope="col" class="right">{t.strategies.turnover}</th>
                <th scope="col" class="right">{t.strategies.fees}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ strategy, told }) => <StrategyRow key={`${strategy.name} ${told.stage}`} strategy={strategy} told={told} />)}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function StrategyRow({ strategy, told }: { strategy: Strategy; told: StrategyPerformance }) {
  return (
    <tr>
      <td class="head" data-label={t.analytics.strategy}><a href={`/strategies/mine/${encodeURIComponent(strategy.name)}`}>{strategy.name}</a></td>
      <td data-label={t.strategies.stage}>{t.strategies.stages[told.stage]}</td>
      <td class="right" data-label={t.strategies.profit}><Change value={told.profit}>{signed(told.profit)} {strategy.budgetAsset}</Change></td>
      <td class="right" data-label={t.strategies.return}><Change value={told.returnRatio}>{share(told.returnRatio, true)}</Change></td>
      <td class="right figure" data-label={t.strategies.drawdown}>{share(told.drawdownRatio)}</td>
      <td class="right figure" data-label={t.strategies.hits}>{share(told.hitRatio)}</td>
      <td class="right figure" data-label={t.strategies.turnover}>{short(told.turnover, 2)}</td>
      <td class="right figure" data-label={t.strategies.fees}>{short(told.fees, 4)}</td>
    </tr>
  );
}

function Turnover({ purse }: { purse: string }) {
  const fills = useStore(desk, (state) => state.fills);
  const { answer, error } = useAnswer(() => wallet.getFeeStatement({ subaccount: purse }), [purse], [fills]);
  const row = (name: string, day: NonNullable<typeof answer>["days"][number]) => (
    <tr key={`${name} ${day.asset}`}>
      <td class="head figure" data-label={t.analytics.day}>{name}</td>
      <td data-label={t.portfolio.asset}>{day.asset}</td>
      <td class="right figure" data-label={t.portfolio.feeMaker}>{short(day.makerNotional, 2)}</td>
      <td class="right figure" data-label={t.portfolio.feeTaker}>{short(day.takerNotional, 2)}</td>
      <td class="right figure" data-label={t.portfolio.feeTotal}>{short(day.fee, 4)}</td>
    </tr>
  );
  return (
    <section class="card" aria-labelledby="turnover">
      <header class="head"><h2 id="turnover">{t.analytics.turnover} <span class="badge">{purse}</span></h2></header>
      <Failure error={answer ? undefined : error} />
      {answer?.days.length === 0 && <Empty title={t.portfolio.noFees} />}
      {answer && answer.days.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="table cards" id="turnover-table">
            <thead>
              <tr>
                <th scope="col">{t.analytics.day}</th>
                <th scope="col">{t.portfolio.asset}</th>
                <th scope="col" class="right">{t.portfolio.feeMaker}</th>
                <th scope="col" class="right">{t.portfolio.feeTaker}</th>
                <th scope="col" class="right">{t.portfolio.feeTotal}</th>
              </tr>
            </thead>
            <tbody>
              {[...answer.days].reverse().map((day) => row(day.date, day))}
              {answer.totals.map((day) => row(t.analytics.all, day))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
