// How the house does: its counts, its parts with their figures, and the brake of all of it.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { amount, momentOf } from "../../format";
import { type ActorHealth, AdminService, type GetUserMetricsResponse, SetHaltRequestSchema } from "../../gen/xache/v1/admin_pb";
import { t } from "../../messages";
import { real } from "../../screens/security";
import { Button, Dialog, Failure, Field, classes, say, useAction, useAnswer, useEvery, useRequestId } from "../../ui";
import { Facts, Listing } from "../../parts";
import { admin, coded } from "./services";

const AGAIN_MS = 5_000;
const RUNNING = "running";

export function Health() {
  const health = useAnswer(() => admin.getHealth({}), []);
  const counts = useAnswer(() => admin.getUserMetrics({}), []);
  const [shown, setShown] = useState<ActorHealth | undefined>(undefined);
  useEvery(AGAIN_MS, health.again);
  const { answer } = health;
  const actors = [...(answer?.actors ?? [])].sort((one, other) => rank(one) - rank(other) || (one.name < other.name ? -1 : 1));
  return (
    <>
      <div class="columns">
        <section class="card block" aria-labelledby="house">
          <h2 id="house">{t.admin.house}</h2>
          <Failure error={health.error} />
          {answer && (
            <Facts
              facts={[
                [t.admin.version, answer.version],
                [t.admin.readySince, momentOf(answer.readyAtNs)],
                [t.admin.journal, amount(String(answer.journalSeq))],
                [t.admin.views, amount(String(answer.viewsSeq))],
              ]}
            />
          )}
          <Halt />
        </section>
        <section class="card block" aria-labelledby="people">
          <h2 id="people">{t.admin.people}</h2>
          <Failure error={counts.error} />
          {counts.answer && <Counts told={counts.answer} />}
        </section>
      </div>
      <Listing
        id="actors"
        title={t.admin.parts}
        columns={[t.admin.part, t.admin.state, t.admin.restarts, t.admin.failure, t.admin.figures]}
        count={answer ? actors.length : undefined}
        empty={t.app.nothing}
      >
        {actors.map((each) => (
          <tr key={each.name}>
            <td class="head" data-label={t.admin.part}>{each.name}</td>
            <td data-label={t.admin.state}>
              <span class={classes("badge", each.state === RUNNING ? "good" : "bad")}>{t.admin.actorStates[each.state] ?? each.state}</span>
            </td>
            <td class="figure" data-label={t.admin.restarts}>{each.restarts}</td>
            <td data-label={t.admin.failure}>{each.failure || t.app.nothing}</td>
            <td class="right act">
              <Button small aria-label={t.admin.figuresOf(each.name)} onClick={() => setShown(each)}>{t.admin.figures}</Button>
            </td>
          </tr>
        ))}
      </Listing>
      {shown && (
        <Dialog title={t.admin.figuresOf(shown.name)} onClose={() => setShown(undefined)}>
          <Facts
            facts={Object.entries(shown.statistics)
              .sort(([one], [other]) => (one < other ? -1 : 1))
              .map(([name, figure]) => [name.replaceAll("_", " "), <span class="figure">{amount(String(figure))}</span>])}
          />
        </Dialog>
      )}
    </>
  );
}

/** What needs attention comes first. */
function rank(actor: ActorHealth): number {
  return actor.state === RUNNING ? (actor.restarts || actor.failure ? 1 : 2) : 0;
}

function Counts({ told }: { told: GetUserMetricsResponse }) {
  const count = (figure: bigint) => <span class="figure">{amount(String(figure))}</span>;
  return (
    <>
      <Facts
        facts={[
          [t.admin.accounts, count(told.accounts)],
          [t.admin.opened, `${told.opened1d} · ${told.opened7d} · ${told.opened30d}`],
          [t.admin.signedIn, count(told.signedIn)],
          [t.admin.sessions, count(told.sessions)],
          [t.admin.factors, count(told.secondFactors)],
          [t.admin.keys, count(told.apiKeys)],
          [t.admin.unverified, count(told.unverified)],
          [t.admin.frozen, count(told.frozen)],
          [t.admin.suspended, count(told.suspended)],
          [t.admin.applications, count(told.applications)],
          [t.admin.cases, count(told.openCases)],
          [t.admin.erasures, count(told.erasuresDue)],
        ]}
      />
      <p class="quiet">{told.roles.map(({ role, accounts }) => `${t.staff.roleNames[role]} ${accounts}`).join(" · ")}</p>
    </>
  );
}

function Halt() {
  const [asking, setAsking] = useState<boolean | undefined>(undefined);
  const [cause, setCause] = useState("");
  const requestId = useRequestId("halt", [asking, cause]);
  const open = (halted: boolean) => {
    act.clear();
    setCause("");
    setAsking(halted);
  };
  const act = useAction(async (halted: boolean) => {
    const request = create(SetHaltRequestSchema, { halted, cause: cause.trim(), requestId });
    await coded(AdminService, "SetHalt", SetHaltRequestSchema, request, admin.setHalt);
    say(halted ? t.admin.halted : t.admin.goesOn);
    setAsking(undefined);
  });
  return (
    <div class="acts start">
      <Button look="danger" onClick={() => open(true)}>{t.admin.halt}</Button>
      <Button onClick={() => open(false)}>{t.admin.lift}</Button>
      {asking !== undefined && (
        <Dialog title={asking ? t.admin.halt : t.admin.lift} onClose={() => setAsking(undefined)}>
          <form
            class="stack"
            onSubmit={(event) => {
              event.preventDefault();
              act.run(asking);
            }}
          >
            <p>{asking ? t.admin.haltText : t.admin.liftText}</p>
            <Field label={t.staff.cause} hint={t.staff.causeHint} value={cause} onInput={setCause} maxLength={200} autoFocus required />
            <Failure error={real(act.error)} />
            <div class="acts">
              <Button type="submit" look={asking ? "danger" : "primary"} busy={act.busy}>{asking ? t.admin.halt : t.admin.lift}</Button>
            </div>
          </form>
        </Dialog>
      )}
    </div>
  );
}
