// Where calls may come from, and changes of what guards an account that wait until they are made.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { account } from "../api";
import { compliance } from "../compliance";
import { momentOf } from "../format";
import { DelayedKind, type GetGuardsResponse, SetAllowListRequestSchema } from "../gen/xache/v1/account_pb";
import { t } from "../messages";
import { prove } from "../proof";
import { reloadAccount } from "../session";
import { Button, Dialog, Failure, Field, Notice, say, useAction, useAnswer } from "../ui";
import { real } from "./security";

/** Where calls may come from, and what waits; `news` is another value when that may have changed. */
export function AllowList({ news }: { news: number }) {
  const { answer, error, again } = useAnswer(() => account.getGuards({}), [], [news]);
  const [changing, setChanging] = useState(false);
  return (
    <section class="card block" aria-labelledby="guards">
      <h2 id="guards">{t.guards.title}</h2>
      <p class="quiet">{t.guards.text}</p>
      <Failure error={error} />
      {answer && (
        <ul class="networks" id="networks">
          {answer.networks.map((each) => <li key={each}><code>{each}</code></li>)}
          {!answer.networks.length && <li class="quiet">{t.guards.anywhere}</li>}
        </ul>
      )}
      <Waiting guards={answer} erasure onChange={again} />
      <div class="acts start">
        <Button disabled={!answer} onClick={() => setChanging(true)}>{t.guards.change}</Button>
      </div>
      {changing && answer && (
        <Change
          networks={answer.networks}
          onDone={() => {
            setChanging(false);
            again();
          }}
        />
      )}
    </section>
  );
}

/** Changes that wait, each with a way back; only of these kinds, if any are named. */
export function Waiting({ guards, kinds, erasure, onChange }: {
  guards: GetGuardsResponse | undefined;
  kinds?: readonly DelayedKind[];
  /** Also that the account is to be erased. */
  erasure?: boolean;
  onChange: () => void;
}) {
  const takeBack = useAction(async (kind: DelayedKind | "erasure") => {
    if (kind === "erasure") await compliance.cancelErasure({});
    else await account.cancelDelayedChange({ kind });
    say(t.guards.takenBack);
    await reloadAccount();
    onChange();
  });
  const shown = guards?.delayed.filter(({ kind }) => !kinds || kinds.includes(kind)) ?? [];
  const erasedAtNs = erasure ? guards?.erasureDueAtNs : 0n;
  return (
    <>
      <Failure error={takeBack.error} />
      {shown.map((change) => (
        <Notice key={change.kind} look="warn">
          <p>
            {t.guards.waits(t.guards.kinds[change.kind] ?? "", momentOf(change.dueAtNs))}
            {change.kind === DelayedKind.ALLOW_LIST && <>: <b>{change.networks.join(", ") || t.guards.anywhere}</b></>}
            {change.email && <>: <b>{change.email}</b></>}
          </p>
          <Button small busy={takeBack.busy} onClick={() => takeBack.run(change.kind)}>{t.guards.takeBack}</Button>
        </Notice>
      ))}
      {erasedAtNs ? (
        <Notice look="warn">
          <p>{t.guards.waits(t.guards.erasure, momentOf(erasedAtNs))}</p>
          <Button small busy={takeBack.busy} onClick={() => takeBack.run("erasure")}>{t.guards.takeBack}</Button>
        </Notice>
      ) : null}
    </>
  );
}

function Change({ networks, onDone }: { networks: readonly string[]; onDone: () => void }) {
  const [text, setText] = useState(networks.join(", "));
  const set = useAction(async () => {
    const wanted = text.split(/[\s,]+/).filter(Boolean);
    const request = create(SetAllowListRequestSchema, { networks: wanted });
    const options = await prove("/xache.v1.AccountService/SetAllowList", SetAllowListRequestSchema, request);
    const { dueAtNs } = await account.setAllowList(request, options);
    say(dueAtNs ? t.guards.later(momentOf(dueAtNs)) : t.guards.set);
    onDone();
  });
  return (
    <Dialog title={t.guards.title} onClose={onDone}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          set.run();
        }}
      >
        <p class="quiet">{t.guards.hint}</p>
        <Field label={t.guards.networks} hint={t.security.networksHint} value={text} onInput={setText} autoFocus />
        <Failure error={real(set.error)} />
        <div class="acts">
          <Button onClick={onDone}>{t.app.cancel}</Button>
          <Button type="submit" look="primary" busy={set.busy}>{t.guards.confirm}</Button>
        </div>
      </form>
    </Dialog>
  );
}
