// What has to be accepted before one trades: read, and accepted version by version.

import { compliance } from "../compliance";
import type { Disclosure } from "../gen/xache/v1/compliance_pb";
import { askTerms, isPending } from "./pending";
import { t } from "../messages";
import { Button, Empty, Failure, Notice, classes, say, useAction, useAnswer, useRequestId } from "../ui";

export function Terms() {
  const { answer, error, again } = useAnswer(askTerms, []);
  const all = answer?.disclosures ?? [];
  return (
    <>
      <Failure error={error} />
      {answer && all.length === 0 && <section class="card"><Empty title={t.account.noTerms} /></section>}
      {all.some(isPending) && <Notice look="warn">{t.account.acceptFirst}</Notice>}
      {[...all.filter(isPending), ...all.filter((each) => !isPending(each))].map((each) => (
        <Term key={`${each.name} ${each.version}`} told={each} onChange={again} />
      ))}
    </>
  );
}

function Term({ told, onChange }: { told: Disclosure; onChange: () => void }) {
  const { name, version, title } = told;
  const requestId = useRequestId("accept", [name, version]);
  const accept = useAction(async () => {
    await compliance.acceptDisclosure({ name, version, requestId });
    say(t.account.acceptedNow(title));
    onChange();
  });
  const pending = isPending(told);
  const state = !pending ? t.account.accepted : told.acceptedVersion ? t.account.renewed : t.account.toAccept;
  return (
    <article class="card block terms" aria-label={title}>
      <h2>
        {title} <span class={classes("badge", pending ? "warn" : "good")}>{state}</span>
      </h2>
      <p class="quiet">{t.account.version(version)}</p>
      <div class="prose" tabIndex={0}>{told.text}</div>
      <Failure error={accept.error} />
      {pending && (
        <div class="acts start"><Button look="primary" busy={accept.busy} onClick={() => accept.run()}>{t.account.accept}</Button></div>
      )}
    </article>
  );
}
