// Helping people: find an account, see how it stands, suspend it or let it go, its trades as a file.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { saveFile, wholeOf } from "../files";
import { dayOf, momentOf } from "../format";
import { Role } from "../gen/xache/v1/options_pb";
import { type FindAccountResponse, FreezeAccountRequestSchema } from "../gen/xache/v1/staff_pb";
import { t } from "../messages";
import { real } from "../screens/security";
import { session } from "../session";
import { useStore } from "../store";
import { Button, Dialog, Failure, Field, say, useAction } from "../ui";
import { Facts } from "../parts";
import { proven, staff } from "./services";

const CAUSE_MAX = 200;
const DAY_NS = 86_400_000_000_000n;

export function People() {
  const [wanted, setWanted] = useState("");
  const [found, setFound] = useState<FindAccountResponse | undefined>(undefined);
  const find = useAction(async (given: string) => {
    const account = given.trim();
    setFound(undefined);
    setFound(await staff.findAccount(account.includes("@") ? { email: account } : { accountId: account }));
  });
  return (
    <>
      <section class="card block" aria-labelledby="find">
        <h2 id="find">{t.staff.find}</h2>
        <p class="quiet">{t.staff.findText}</p>
        <form
          class="asks"
          onSubmit={(event) => {
            event.preventDefault();
            if (wanted.trim()) find.run(wanted);
          }}
        >
          <Field label={t.staff.findWhom} value={wanted} onInput={setWanted} maxLength={254} required />
          <Button type="submit" look="primary" busy={find.busy}>{t.staff.findNow}</Button>
        </form>
        <Failure error={find.error} />
      </section>
      {found && <Account key={found.accountId} told={found} onChange={() => find.run(found.accountId)} />}
    </>
  );
}

function Account({ told, onChange }: { told: FindAccountResponse; onChange: () => void }) {
  const roles = useStore(session, (state) => state.roles);
  const [asking, setAsking] = useState<boolean | undefined>(undefined);
  const frozen = told.frozenPurses > 0;
  return (
    <section class="card block" aria-labelledby="account">
      <h2 id="account">
        {told.email || told.accountId} {frozen && <span class="badge bad">{t.staff.suspended}</span>}
      </h2>
      <Facts
        facts={[
          [t.staff.account, <code>{told.accountId}</code>],
          [t.staff.roles, told.roles.map((role) => t.staff.roleNames[role]).join(", ")],
          [t.staff.openedAt, momentOf(told.createdAtNs)],
          [t.staff.sessions, String(told.sessions)],
          [t.staff.openCases, String(told.openCases)],
          [t.staff.purses, t.staff.pursesOf(told.purses, told.frozenPurses)],
          [t.staff.erased, told.erasureDueAtNs ? dayOf(told.erasureDueAtNs) : ""],
        ]}
      />
      <div class="acts start">
        {told.frozenPurses < told.purses && <Button look="danger" onClick={() => setAsking(true)}>{t.staff.suspend}</Button>}
        {frozen && <Button onClick={() => setAsking(false)}>{t.staff.letGo}</Button>}
      </div>
      {roles.includes(Role.COMPLIANCE) && <Trades accountId={told.accountId} />}
      {asking !== undefined && (
        <Suspend
          accountId={told.accountId}
          frozen={asking}
          onClose={() => setAsking(undefined)}
          onDone={() => {
            setAsking(undefined);
            onChange();
          }}
        />
      )}
    </section>
  );
}

function Suspend({ accountId, frozen, onClose, onDone }: {
  accountId: string;
  frozen: boolean;
  onClose: () => void;
  onDone: () => void;
}) {
  const [cause, setCause] = useState("");
  const act = useAction(async () => {
    const request = create(FreezeAccountRequestSchema, { accountId, frozen, cause: cause.trim() });
    await proven("FreezeAccount", FreezeAccountRequestSchema, request, staff.freezeAccount);
    say(frozen ? t.staff.isSuspended : t.staff.isLetGo);
    onDone();
  });
  return (
    <Dialog title={frozen ? t.staff.suspend : t.staff.letGo} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          act.run();
        }}
      >
        <p>{frozen ? t.staff.suspendText : t.staff.letGoText}</p>
        <Field label={t.staff.cause} hint={t.staff.causeHint} value={cause} onInput={setCause} maxLength={CAUSE_MAX} autoFocus required />
        <Failure error={real(act.error)} />
        <div class="acts">
          <Button type="submit" look={frozen ? "danger" : "primary"} busy={act.busy}>{frozen ? t.staff.suspend : t.staff.letGo}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function Trades({ accountId }: { accountId: string }) {
  const fetchThem = useAction(async (days: bigint) => {
    const fromNs = BigInt(Date.now()) * 1_000_000n - days * DAY_NS;
    const whole = await wholeOf(staff.reportTrades({ accountId, fromNs }, { timeoutMs: 0 }), "text/csv");
    saveFile(`trades-${accountId}.csv`, whole);
  });
  return (
    <div class="paper">
      <span>{t.staff.trades}</span>
      <span class="acts">
        {t.staff.periods.map(([days, name]) => (
          <Button key={days} small busy={fetchThem.busy} onClick={() => fetchThem.run(BigInt(days))}>{name}</Button>
        ))}
      </span>
      <Failure error={fetchThem.error} />
    </div>
  );
}
