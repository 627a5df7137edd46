// How the house judged a strategy by night: whether it did what it does when told the same again.

import { amount, momentOf } from "../format";
import type { ParityCertificate } from "../gen/xache/v1/strategy_pb";
import { t } from "../messages";
import { classes, useAnswer } from "../ui";
import { strategies } from "./services";
import { Stage } from "./strategy_list";

export function Parity({ name }: { name: string }) {
  const { answer } = useAnswer(() => strategies.getStrategyParity({ name }), [name]);
  if (!answer?.certificates.length) return null;
  return (
    <section class="card" aria-labelledby="parity">
      <header class="head"><h2 id="parity">{t.parity.title}</h2></header>
      <div class="scroll tall" tabIndex={0}>
        <table class="table cards" id="certificates">
          <thead>
            <tr>
              <th scope="col">{t.parity.judged}</th>
              <th scope="col">{t.strategies.stage}</th>
              <th scope="col">{t.parity.says}</th>
              <th scope="col" class="right">{t.parity.decisions}</th>
              <th scope="col" class="right">{t.parity.orders}</th>
              <th scope="col" class="right">{t.parity.cost}</th>
              <th scope="col">{t.parity.causes}</th>
            </tr>
          </thead>
          <tbody>{answer.certificates.map((each) => <Row key={each.digest} told={each} />)}</tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ told }: { told: ParityCertificate }) {
  const causes = told.causes.map(({ cause, orders }) => t.parity.cause(t.parity.causeNames[cause] ?? "", Number(orders)));
  const notes = [...causes, ...told.notes];
  return (
    <tr>
      <td class="head figure" data-label={t.parity.judged}>{momentOf(told.madeAtNs)}</td>
      <td data-label={t.strategies.stage}><Stage stage={told.stage} /></td>
      <td data-label={t.parity.says}>
        <span class={classes("badge", told.holds ? "good" : "bad")}>{told.holds ? t.parity.holds : t.parity.broken}</span>
      </td>
      <td class="right figure" data-label={t.parity.decisions}>{t.parity.of(amount(String(told.decisionsEqual)), amount(String(told.decisions)))}</td>
      <td class="right figure" data-label={t.parity.orders}>{t.parity.of(amount(String(told.ordersEqual)), amount(String(told.orders)))}</td>
      <td class="right figure" data-label={t.parity.cost}>{told.costBp.toFixed(2).replace("-", "−")} {t.parity.basisPoints}</td>
      <td class="wraps wide" data-label={t.parity.causes}>{notes.join(" · ") || t.app.nothing}</td>
    </tr>
  );
}
