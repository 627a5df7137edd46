// What a purse, or the whole account, is worth: told by the house, never added up here.

import { useState } from "preact/hooks";
import { wallet } from "../api";
import { desk } from "../desk";
import { isZero, percent, short, signed, trendPpm } from "../format";
import { Provenance } from "../gen/xache/v1/types_pb";
import type { Allocation, GetPortfolioResponse } from "../gen/xache/v1/wallet_pb";
import { t } from "../messages";
import { session } from "../session";
import { useStore } from "../store";
import { Change, Empty, Failure, Segments, classes, useAnswer, useEvery } from "../ui";
import { Performance } from "./performance";
import { Statements } from "./statements";

const EVERY_MS = 3_000;

export function Portfolio() {
  const purse = useStore(session, (state) => state.purse);
  const [whole, setWhole] = useState(false);
  const fills = useStore(desk, (state) => state.fills);
  const { answer, error, again } = useAnswer(
    () => wallet.getPortfolio({ subaccount: purse, wholeAccount: whole }),
    [purse, whole],
    [fills],
  );
  useEvery(EVERY_MS, again);
  return (
    <main id="content" class="screen">
      <header class="title">
        <h1>{t.portfolio.title}</h1>
        <Segments
          label={t.portfolio.scope}
          value={whole ? "whole" : "purse"}
          choices={[["purse", t.portfolio.purse], ["whole", t.portfolio.whole]]}
          onChange={(chosen) => setWhole(chosen === "whole")}
        />
      </header>
      <Failure error={answer ? undefined : error} />
      {answer && <Worth told={answer} />}
      {answer && (answer.allocations.length
        ? <Holdings told={answer} />
        : <section class="card"><Empty title={t.portfolio.empty} hint={t.portfolio.emptyHint} /></section>)}
      <Performance purse={purse} whole={whole} view="worth" />
      <Fees purse={purse} />
      <Statements purse={purse} />
    </main>
  );
}

function Worth({ told }: { told: GetPortfolioResponse }) {
  const unit = told.baseAsset;
  return (
    <section class="card worth" aria-label={t.portfolio.worth}>
      <div class="total">
        <span class="quiet">{t.portfolio.worth}</span>
        <strong class="figure" id="worth">{short(told.value, 2)} <small>{unit}</small></strong>
        <span class="figure" title={t.portfolio.changeHint}>
          <Change value={told.change24h}>{signed(told.change24h)}</Change>{" "}
          <span class={trendPpm(told.return24hPpm)}>{percent(told.return24hPpm)}</span>{" "}
          <span class="quiet">{t.portfolio.change}</span>
        </span>
      </div>
      <dl class="facts">
        <div>
          <dt>{t.portfolio.unrealised}</dt>
          <dd><Change value={told.unrealised}>{signed(told.unrealised)}</Change></dd>
        </div>
        <div>
          <dt>{t.portfolio.realised}</dt>
          <dd><Change value={told.realised}>{signed(told.realised)}</Change></dd>
        </div>
        <div>
          <dt>{t.portfolio.return}</dt>
          <dd class={classes("figure", trendPpm(told.returnPpm))}>{percent(told.returnPpm)}</dd>
        </div>
        <div>
          <dt>{t.portfolio.flows}</dt>
          <dd class="figure">{signed(told.flows24h)}</dd>
        </div>
      </dl>
    </section>
  );
}

const SHADES = 6;

function Holdings({ told }: { told: GetPortfolioResponse }) {
  const priced = told.allocations.filter(({ value }) => value !== "" && !isZero(value));
  return (
    <section class="card" aria-labelledby="holdings">
      <header class="head"><h2 id="holdings">{t.portfolio.holdings}</h2></header>
      <div class="allocation" role="img" aria-label={`${t.portfolio.allocation}: ${priced.map(({ asset, sharePpm }) => `${asset} ${percent(sharePpm, false)}`).join(", ")}`}>
        {priced.map(({ asset, sharePpm }, index) => (
          <i key={asset} class={`shade-${index % SHADES}`} style={{ "--share": `${sharePpm / 10_000}%` }} />
        ))}
      </div>
      <div class="scroll" tabIndex={0}>
        <table class="table cards" id="allocations">
          <thead>
            <tr>
              <th scope="col">{t.portfolio.asset}</th>
              <th scope="col" class="right">{t.portfolio.quantity}</th>
              <th scope="col" class="right">{t.portfolio.price}</th>
              <th scope="col" class="right">{t.portfolio.value}</th>
              <th scope="col" class="right">{t.portfolio.share}</th>
            </tr>
          </thead>
          <tbody>
            {told.allocations.map((each, index) => (
              <Holding key={each.asset} held={each} unit={told.baseAsset} shade={index % SHADES} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Holding({ held, unit, shade }: { held: Allocation; unit: string; shade: number }) {
  const [price] = held.prices;
  const provenance = price?.source?.provenance ?? Provenance.UNSPECIFIED;
  return (
    <tr>
      <td class="head" data-label={t.portfolio.asset}><i class={`dot shade-${shade}`} aria-hidden="true" />{held.asset}</td>
      <td class="right figure" data-label={t.portfolio.quantity}>{short(held.quantity, held.asset === unit ? 2 : 8)}</td>
      <td class="right figure" data-label={t.portfolio.price}>
        {price ? short(price.price, 2) : held.asset === unit ? t.app.nothing : t.portfolio.unpriced}
        {price && <span class="sub">{price.source?.venue} {t.market.provenance[provenance]}</span>}
      </td>
      <td class="right figure" data-label={t.portfolio.value}>{held.value === "" ? t.app.nothing : `${short(held.value, 2)} ${unit}`}</td>
      <td class="right figure" data-label={t.portfolio.share}>{percent(held.sharePpm, false)}</td>
    </tr>
  );
}

function Fees({ purse }: { purse: string }) {
  const { answer } = useAnswer(() => wallet.getFeeStatement({ subaccount: purse }), [purse]);
  if (!answer) return null;
  return (
    <section class="card" aria-labelledby="fees">
      <header class="head"><h2 id="fees">{t.portfolio.fees}</h2></header>
      {answer.totals.length ? (
        <div class="scroll" tabIndex={0}>
          <table class="table cards">
            <thead>
              <tr>
                <th scope="col">{t.portfolio.asset}</th>
                <th scope="col" class="right">{t.portfolio.feeMaker}</th>
                <th scope="col" class="right">{t.portfolio.feeTaker}</th>
                <th scope="col" class="right">{t.portfolio.feeTotal}</th>
              </tr>
            </thead>
            <tbody>
              {answer.totals.map((day) => (
                <tr key={day.asset}>
                  <td class="head" data-label={t.portfolio.asset}>{day.asset}</td>
                  <td class="right figure" data-label={t.portfolio.feeMaker}>{short(day.makerNotional, 2)}</td>
                  <td class="right figure" data-label={t.portfolio.feeTaker}>{short(day.takerNotional, 2)}</td>
                  <td class="right figure" data-label={t.portfolio.feeTotal}>{short(day.fee, 4)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <Empty title={t.portfolio.noFees} />
      )}
    </section>
  );
}
