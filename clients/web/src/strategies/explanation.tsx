// Why an order was placed: by whom, on what, and what each feature of a model added.

import { tickPlaces } from "../desk";
import { amount, momentOf, short } from "../format";
import {
  type ExplainOrderResponse, type ModelReason, type OrderReason, ReasonState, type StrategyRun,
} from "../gen/xache/v1/strategy_pb";
import type { Order } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { Dialog, Failure, Notice, classes, useAnswer } from "../ui";
import { SideName } from "./strategy_orders";
import { strategies } from "./services";
import { Settings } from "./settings_list";

const DIGITS = 6;
const DIGEST_SHOWN = 16;
const ADDED_DIGITS = 4;
const NAMED_LEAST = 0.5e-4;

export function Explanation({ subaccount, order, onClose }: { subaccount: string; order: Order; onClose: () => void }) {
  const { answer, error } = useAnswer(
    () => strategies.explainOrder({ subaccount, orderId: order.orderId }), [subaccount, order.orderId],
  );
  return (
    <Dialog wide title={t.explain.title} onClose={onClose}>
      <Failure error={answer ? undefined : error} />
      {answer && <Told told={answer} />}
    </Dialog>
  );
}

function Told({ told }: { told: ExplainOrderResponse }) {
  const { order, reason, run, rule } = told;
  return (
    <div class="stack explanation" id="explanation">
      <p class="summary">{told.summary.charAt(0).toUpperCase() + told.summary.slice(1)}</p>
      {order && (
        <p class="quiet">
          <SideName side={order.side} /> {amount(order.executedQuantity)} {order.symbol.replace("-", "/")}
          {order.averagePrice && ` · ${short(order.averagePrice, tickPlaces(order.symbol))}`} · {t.orders.statuses[order.status]} · {momentOf(order.acceptedAtNs)}
        </p>
      )}
      {t.explain.states[told.reasonState] && <Notice look="info">{t.explain.states[told.reasonState]}</Notice>}
      {reason?.model && <Weights model={reason.model} />}
      {reason && <Figures reason={reason} kept={told.reasonState === ReasonState.KEPT} />}
      {rule?.firing && (
        <dl class="list">
          <div><dt>{t.explain.rule}</dt><dd>{t.explain.firing(rule.name, rule.firing.number)}</dd></div>
          {rule.firing.facts.map(({ name, value }) => <div key={name}><dt>{name}</dt><dd class="figure">{value}</dd></div>)}
        </dl>
      )}
      {run && <Run run={run} />}
    </div>
  );
}

function Figures({ reason, kept }: { reason: OrderReason; kept: boolean }) {
  return (
    <dl class="list">
      {kept && reason.rule && <div><dt>{t.explain.wanted}</dt><dd>{reason.rule}</dd></div>}
      {reason.figures.map(({ name, value }) => (
        <div key={name}><dt>{name}</dt><dd class="figure">{figure(value)}</dd></div>
      ))}
      <div>
        <dt>{t.explain.decided}</dt>
        <dd class="figure">{momentOf(reason.decidedAtNs)} · {t.explain.into(amount(String(reason.input)))}</dd>
      </div>
      {reason.signals.map((heard) => (
        <div key={`${heard.signal} ${heard.name}`}>
          <dt>{t.explain.signal(heard.signal, heard.name)}</dt>
          <dd class="figure">{figure(heard.value)} · {t.explain.asOf(momentOf(heard.asOfNs), momentOf(heard.expiresAtNs))}</dd>
        </div>
      ))}
      {reason.seen.map((seen) => (
        <div key={`${seen.symbol}${seen.venue}${seen.kind}${seen.intervalS}`}>
          <dt>{t.explain.seen(t.explain.kinds[seen.kind] ?? "", seen.intervalS)}</dt>
          <dd class="figure">{seen.symbol} · {seen.venue} · {momentOf(seen.atNs)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What each feature added to the score, as bars to both sides of nothing. */
function Weights({ model }: { model: ModelReason }) {
  const named = model.weights.reduce((sum, { added }) => sum + added, 0);
  const rest = model.score - model.base - named;
  const rows = model.weights.map(({ feature, value, added }) => ({
    feature, added, value: value === undefined ? t.explain.missing : figure(value),
  }));
  if (Math.abs(rest) >= NAMED_LEAST) rows.push({ feature: t.explain.others, added: rest, value: "" });
  const widest = Math.max(...rows.map(({ added }) => Math.abs(added)), Number.EPSILON);
  return (
    <figure class="weights">
      <figcaption>
        {t.explain.model} <code>{model.digest.slice(0, DIGEST_SHOWN)}</code> · {t.explain.score(figure(model.score), figure(model.base))}
      </figcaption>
      <table class="bars" id="weights">
        <thead class="unseen">
          <tr><th scope="col">{t.explain.feature}</th><th scope="col">{t.explain.value}</th><th scope="col">{t.explain.added}</th></tr>
        </thead>
        <tbody>
          {rows.map(({ feature, value, added }) => (
            <tr key={feature}>
              <th scope="row">{feature}</th>
              <td class="figure quiet">{value}</td>
              <td class="weigh">
                <i class={classes(added < 0 ? "less" : "more")} style={{ "--size": `${(Math.abs(added) / widest) * 50}%` }} aria-hidden="true" />
              </td>
              <td class={classes("figure", added < 0 ? "down" : "up")}>{plus(added)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

function Run({ run }: { run: StrategyRun }) {
  const madeBy = [run.distribution, run.version].filter(Boolean).join(" ");
  return (
    <>
      <dl class="list">
        <div><dt>{t.explain.strategy}</dt><dd>{run.strategy}</dd></div>
        <div><dt>{t.strategies.plugin}</dt><dd>{run.plugin}{madeBy && ` · ${madeBy}`}</dd></div>
        {run.pluginDigest && <div><dt>{t.strategies.digest}</dt><dd><code>{run.pluginDigest.slice(0, DIGEST_SHOWN)}</code></dd></div>}
        <div><dt>{t.explain.run}</dt><dd class="figure"><code>{run.runId}</code> · {t.explain.since(momentOf(run.startedAtNs))}</dd></div>
      </dl>
      <section class="then" id="settings-then">
        <h3>{t.explain.settings} <code class="quiet">{run.settingsDigest.slice(0, DIGEST_SHOWN)}</code></h3>
        {run.settingsJson ? <Settings json={run.settingsJson} /> : <p class="quiet">{t.explain.settingsUnknown}</p>}
      </section>
    </>
  );
}

function plus(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(ADDED_DIGITS)}`;
}

/** A number with as many digits as one looks at. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(DIGITS))).replace("-", "−");
}
