// What guards an account: the second factor, the password, sessions, keys, and what happened.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { account, auth } from "../api";
import { momentOf } from "../format";
import {
  UnfreezeMyAccountRequestSchema,
} from "../gen/xache/v1/account_pb";
import { EnrolSecondFactorRequestSchema, type EnrolSecondFactorResponse } from "../gen/xache/v1/auth_pb";
import { Impediment } from "../gen/xache/v1/options_pb";
import { t } from "../messages";
import { NotProven, prove } from "../proof";
import { ended, reloadAccount, session } from "../session";
import { useStore } from "../store";
import { Button, CopyButton, Dialog, Empty, Failure, Field, UserName, say, useAction, useAnswer, usePages } from "../ui";
import { ApiKeys } from "./api_keys";
import { AllowList } from "./guards";
import { QrCode } from "./qr_code";

/** An error that is worth showing: not that somebody changed their mind. */
export function real(error: unknown): unknown {
  return error instanceof NotProven ? undefined : error;
}

export function Security() {
  const [changes, setChanges] = useState(0);
  return (
    <main id="content" class="screen">
      <header class="title"><h1>{t.security.title}</h1></header>
      <div class="columns">
        <SecondFactor onChange={() => setChanges((count) => count + 1)} />
        <Password />
      </div>
      <AllowList news={changes} />
      <Sessions />
      <ApiKeys />
      <Activities />
      <Freeze />
    </main>
  );
}

// --- The second factor -----------------------------------------------------------------------

function SecondFactor({ onChange }: { onChange: () => void }) {
  const { answer, error, again } = useAnswer(() => auth.getSecondFactor({}), []);
  const [enrolled, setEnrolled] = useState<EnrolSecondFactorResponse | undefined>(undefined);
  const [codes, setCodes] = useState<readonly string[] | undefined>(undefined);
  const [asking, setAsking] = useState<"off" | "renew" | undefined>(undefined);
  const enrol = useAction(async () => {
    const request = create(EnrolSecondFactorRequestSchema);
    const options = await prove("/xache.v1.AuthService/EnrolSecondFactor", EnrolSecondFactorRequestSchema, request);
    setEnrolled(await auth.enrolSecondFactor(request, options));
  });
  const shown = (made: readonly string[] | undefined) => {
    setEnrolled(undefined);
    setAsking(undefined);
    setCodes(made);
    again();
    onChange();
  };
  return (
    <section class="card block" aria-labelledby="factor">
      <h2 id="factor">
        {t.security.factor}{" "}
        {answer && <span class={`badge ${answer.active ? "good" : "warn"}`}>{answer.active ? t.security.factorOn : t.security.factorOff}</span>}
      </h2>
      <p class="quiet">{answer?.active ? t.security.factorLeft(answer.recoveryCodesLeft) : t.security.factorText}</p>
      <Failure error={real(error ?? enrol.error)} />
      <div class="acts start">
        {answer?.active === false && <Button look="primary" busy={enrol.busy} onClick={() => enrol.run()}>{t.security.turnOn}</Button>}
        {answer?.active && <Button onClick={() => setAsking("renew")}>{t.security.renew}</Button>}
        {answer?.active && <Button onClick={() => setAsking("off")}>{t.security.turnOff}</Button>}
      </div>
      {enrolled && <Enrol made={enrolled} onDone={shown} onClose={() => setEnrolled(undefined)} />}
      {asking && <AskCode what={asking} onDone={shown} onClose={() => setAsking(undefined)} />}
      {codes && <RecoveryCodes codes={codes} onClose={() => setCodes(undefined)} />}
    </section>
  );
}

interface StepProps {
  onDone: (codes: readonly string[] | undefined) => void;
  onClose: () => void;
}

function Enrol({ made, onDone, onClose }: StepProps & { made: EnrolSecondFactorResponse }) {
  const [code, setCode] = useState("");
  const confirm = useAction(async () => {
    const { recoveryCodes } = await auth.confirmSecondFactor({ code: code.trim() });
    onDone(recoveryCodes);
  });
  return (
    <Dialog title={t.security.enrolTitle} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          confirm.run();
        }}
      >
        <p class="quiet">{t.security.enrolText}</p>
        <QrCode svg={made.qrSvg} label={t.security.qr} />
        <p class="secret">
          <span class="quiet">{t.security.key}</span> <code id="factor-key">{made.secret}</code> <CopyButton text={made.secret} />
        </p>
        <Field label={t.signIn.code} name="code" value={code} onInput={setCode} autoComplete="one-time-code" inputMode="numeric" autoFocus required />
        <Failure error={confirm.error} />
        <div class="acts"><Button type="submit" look="primary" busy={confirm.busy}>{t.security.turnOn}</Button></div>
      </form>
    </Dialog>
  );
}

function AskCode({ what, onDone, onClose }: StepProps & { what: "off" | "renew" }) {
  const [code, setCode] = useState("");
  const ask = useAction(async () => {
    if (what === "off") {
      say(t.security.offLater(momentOf((await auth.disableSecondFactor({ code: code.trim() })).dueAtNs)));
      onDone(undefined);
    } else onDone((await auth.renewRecoveryCodes({ code: code.trim() })).recoveryCodes);
  });
  return (
    <Dialog title={what === "off" ? t.security.offTitle : t.security.renewTitle} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          ask.run();
        }}
      >
        <p class="quiet">{what === "off" ? t.security.offText : t.security.renewText}</p>
        <Field label={t.signIn.code} name="code" value={code} onInput={setCode} autoComplete="one-time-code" autoFocus required />
        <Failure error={ask.error} />
        <div class="acts">
          <Button type="submit" look={what === "off" ? "danger" : "primary"} busy={ask.busy}>
            {what === "off" ? t.security.turnOff : t.security.renew}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function RecoveryCodes({ codes, onClose }: { codes: readonly string[]; onClose: () => void }) {
  return (
    <Dialog title={t.security.codesTitle} onClose={onClose}>
      <p class="quiet">{t.security.codesText}</p>
      <ul class="codes" id="recovery-codes">
        {codes.map((code) => <li key={code}><code>{code}</code></li>)}
      </ul>
      <div class="acts">
        <CopyButton text={codes.join("\n")} />
        <Button look="primary" onClick={onClose}>{t.security.codesKept}</Button>
      </div>
    </Dialog>
  );
}

// --- The password ----------------------------------------------------------------------------

function Password() {
  const [oldPassword, setOld] = useState("");
  const [newPassword, setNew] = useState("");
  const change = useAction(async () => {
    await auth.changePassword({ oldPassword, newPassword });
    setOld("");
    setNew("");
    say(t.security.changed);
  });
  return (
    <section class="card block" aria-labelledby="password">
      <h2 id="password">{t.security.password}</h2>
      <p class="quiet">{t.security.passwordText}</p>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          change.run();
        }}
      >
        <UserName email={session.state.email} />
        <div class="pair">
          <Field label={t.security.oldPassword} type="password" autoComplete="current-password" value={oldPassword} onInput={setOld} required />
          <Field label={t.security.newPassword} type="password" autoComplete="new-password" value={newPassword} onInput={setNew} required />
        </div>
        <Failure error={change.error} />
        <div class="acts start"><Button type="submit" busy={change.busy}>{t.security.change}</Button></div>
      </form>
    </section>
  );
}

// --- Sessions --------------------------------------------------------------------------------

function Sessions() {
  const { answer, error, again } = useAnswer(() => auth.listSessions({}), []);
  const end = useAction(async (sessionId: string) => {
    if (sessionId) await auth.revokeSession({ sessionId });
    else await auth.revokeSessions({ keepCurrent: true });
    say(sessionId ? t.security.ended : t.security.othersEnded);
    again();
  });
  const others = answer?.sessions.filter(({ current }) => !current) ?? [];
  return (
    <section class="card" aria-labelledby="sessions">
      <header class="head">
        <h2 id="sessions">{t.security.sessions}</h2>
        {others.length > 0 && <Button small busy={end.busy} onClick={() => end.run("")}>{t.security.endOthers}</Button>}
      </header>
      <Failure error={error ?? end.error} />
      <div class="scroll" tabIndex={0}>
        <table class="table cards" id="session-list">
          <thead>
            <tr>
              <th scope="col">{t.security.sessions}</th>
              <th scope="col">{t.security.address}</th>
              <th scope="col">{t.security.opened}</th>
              <th scope="col">{t.security.seen}</th>
              <th scope="col"><span class="unseen">{t.security.end}</span></th>
            </tr>
          </thead>
          <tbody>
            {answer?.sessions.map((each) => (
              <tr key={each.sessionId}>
                <td class="head" data-label={t.security.sessions}>
                  {each.device || t.security.unnamed} {each.current && <span class="badge good">{t.security.sessionNow}</span>}
                </td>
                <td class="figure" data-label={t.security.address}>{each.address || t.app.nothing}</td>
                <td class="figure" data-label={t.security.opened}>{momentOf(each.createdAtNs)}</td>
                <td class="figure" data-label={t.security.seen}>{momentOf(each.refreshedAtNs)}</td>
                <td class="right act">
                  {!each.current && (
                    <Button small aria-label={t.security.endOne(each.device || t.security.unnamed)} onClick={() => end.run(each.sessionId)}>
                      {t.security.end}
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

// --- What happened ---------------------------------------------------------------------------

const PAGE = 20;

function Activities() {
  const { rows, error, busy, more } = usePages(async (pageToken) => {
    const page = await account.listActivity({ pageSize: PAGE, pageToken });
    return { rows: page.activities, next: page.nextPageToken };
  }, []);
  return (
    <section class="card" aria-labelledby="activity">
      <header class="head"><h2 id="activity">{t.security.activity}</h2></header>
      <Failure error={error} />
      {rows?.length === 0 && <Empty title={t.security.noActivity} />}
      <ul class="happened">
        {rows?.map((each, index) => (
          <li key={index}>
            <span>
              {t.security.kinds[each.kind]}
              {each.count > 1 && <span class="quiet"> · {t.security.times(each.count)}</span>}
              {each.byHouse && <span class="quiet"> · {t.security.byHouse}</span>}
            </span>
            <span class="quiet">{[each.device, each.address].filter(Boolean).join(" · ")}</span>
            <span class="quiet figure">{momentOf(each.atNs)}</span>
          </li>
        ))}
      </ul>
      {more && <p class="foot"><Button small busy={busy} onClick={more}>{t.app.more}</Button></p>}
    </section>
  );
}

// --- The emergency brake ---------------------------------------------------------------------

function Freeze() {
  const frozen = useStore(session, (state) => state.impediments.includes(Impediment.FROZEN));
  const [sure, setSure] = useState(false);
  const [thawsAt, setThawsAt] = useState(0n);
  const freeze = useAction(async () => {
    await account.freezeMyAccount({});
    ended();
  });
  const thaw = useAction(async () => {
    const request = create(UnfreezeMyAccountRequestSchema);
    const options = await prove("/xache.v1.AccountService/UnfreezeMyAccount", UnfreezeMyAccountRequestSchema, request);
    setThawsAt((await account.unfreezeMyAccount(request, options)).dueAtNs);
    await reloadAccount();
  });
  return (
    <section class="card block" aria-labelledby="freeze">
      <h2 id="freeze">{frozen ? t.security.unfreeze : t.security.freeze}</h2>
      <p class="quiet">{thawsAt ? t.security.thawing(momentOf(thawsAt)) : frozen ? t.security.unfreezeText : t.security.freezeText}</p>
      <Failure error={real(thaw.error)} />
      <div class="acts start">
        {frozen
          ? <Button busy={thaw.busy} onClick={() => thaw.run()}>{t.security.unfreeze}</Button>
          : <Button look="danger" onClick={() => setSure(true)}>{t.security.freeze}</Button>}
      </div>
      {sure && (
        <Dialog title={t.security.freezeTitle} onClose={() => setSure(false)}>
          <p>{t.security.freezeText}</p>
          <Failure error={freeze.error} />
          <div class="acts">
            <Button onClick={() => setSure(false)}>{t.app.cancel}</Button>
            <Button look="danger" busy={freeze.busy} onClick={() => freeze.run()}>{t.security.freezeNow}</Button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
