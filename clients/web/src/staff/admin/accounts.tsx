// All accounts without their people: what each is to the house, and what stands against it.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { momentOf } from "../../format";
import {
  type AccountSummary, AdminService, SetImpedimentRequestSchema, SetRoleRequestSchema,
} from "../../gen/xache/v1/admin_pb";
import { Impediment, Role } from "../../gen/xache/v1/options_pb";
import { t } from "../../messages";
import { real } from "../../screens/security";
import { Button, Check, Dialog, Failure, Select, say, useAction, usePages } from "../../ui";
import { Listing } from "../../parts";
import { admin, coded } from "./services";

const PAGE = 50;
const ROLES = [Role.SUPPORT, Role.COMPLIANCE, Role.OPERATOR, Role.ADMIN] as const;
const IMPEDIMENTS = [Impediment.UNVERIFIED, Impediment.FROZEN, Impediment.SUSPENDED] as const;

export function Accounts() {
  const [role, setRole] = useState<Role>(Role.UNSPECIFIED);
  const [impediment, setImpediment] = useState<Impediment>(Impediment.UNSPECIFIED);
  const [changes, setChanges] = useState(0);
  const [shown, setShown] = useState<AccountSummary | undefined>(undefined);
  const { rows, error, busy, more } = usePages(async (pageToken) => {
    const page = await admin.listAccounts({ role, impediment, pageSize: PAGE, pageToken });
    return { rows: page.accounts, next: page.nextPageToken };
  }, [role, impediment, changes]);
  return (
    <>
      <div class="asks filters">
        <Select<Role>
          label={t.admin.withRole}
          value={role}
          choices={[[Role.UNSPECIFIED, t.admin.any], ...ROLES.map((each) => [each, t.staff.roleNames[each] ?? ""] as const)]}
          onChange={setRole}
        />
        <Select<Impediment>
          label={t.admin.withImpediment}
          value={impediment}
          choices={[[Impediment.UNSPECIFIED, t.admin.any], ...IMPEDIMENTS.map((each) => [each, t.admin.impediments[each] ?? ""] as const)]}
          onChange={setImpediment}
        />
      </div>
      <Listing
        id="accounts"
        title={t.admin.accounts}
        columns={[t.staff.account, t.staff.roles, t.admin.against, t.staff.openedAt, t.staff.sessions, t.admin.change]}
        count={rows?.length}
        empty={t.admin.noAccounts}
        error={error}
        more={more}
        busy={busy}
      >
        {rows?.map((each) => (
          <tr key={each.accountId}>
            <td class="head" data-label={t.staff.account}><code>{each.accountId}</code></td>
            <td data-label={t.staff.roles}>{each.roles.map((one) => t.staff.roleNames[one]).join(", ")}</td>
            <td data-label={t.admin.against}>
              {each.impediments.length === 0 ? t.app.nothing : each.impediments.map((one) => (
                <span key={one} class="badge warn">{t.admin.impediments[one]}</span>
              ))}
            </td>
            <td class="figure" data-label={t.staff.openedAt}>{momentOf(each.createdAtNs)}</td>
            <td class="figure" data-label={t.staff.sessions}>{each.sessions}</td>
            <td class="right act">
              <Button small aria-label={t.admin.changeOne(each.accountId)} onClick={() => setShown(each)}>{t.admin.change}</Button>
            </td>
          </tr>
        ))}
      </Listing>
      {shown && (
        <Change
          account={shown}
          onClose={() => {
            setShown(undefined);
            setChanges((count) => count + 1);
          }}
        />
      )}
    </>
  );
}

function Change({ account, onClose }: { account: AccountSummary; onClose: () => void }) {
  const { accountId } = account;
  const [roles, setRoles] = useState<readonly Role[]>(account.roles);
  const [suspended, setSuspended] = useState(account.impediments.includes(Impediment.SUSPENDED));
  const give = useAction(async (role: Role, granted: boolean) => {
    const request = create(SetRoleRequestSchema, { accountId, role, granted });
    const answer = await coded(AdminService, "SetRole", SetRoleRequestSchema, request, admin.setRole);
    setRoles(answer.roles);
  });
  const suspend = useAction(async (stands: boolean) => {
    const request = create(SetImpedimentRequestSchema, { accountId, impediment: Impediment.SUSPENDED, stands });
    await coded(AdminService, "SetImpediment", SetImpedimentRequestSchema, request, admin.setImpediment);
    setSuspended(stands);
    say(stands ? t.staff.isSuspended : t.staff.isLetGo);
  });
  const end = useAction(async () => {
    await admin.endSessions({ accountId });
    say(t.admin.sessionsEnded);
  });
  return (
    <Dialog title={t.admin.changeOne(accountId)} onClose={onClose}>
      <div class="stack">
        <h3>{t.staff.roles}</h3>
        <div class="checks">
          {ROLES.map((role) => (
            <Check
              key={role}
              label={t.staff.roleNames[role] ?? ""}
              value={roles.includes(role)}
              onChange={(granted) => give.run(role, granted)}
            />
          ))}
        </div>
        <p class="quiet">{t.admin.rolesHint}</p>
        <Failure error={real(give.error ?? suspend.error ?? end.error)} />
        <div class="acts">
          <Button busy={end.busy} onClick={() => end.run()}>{t.admin.endSessions}</Button>
          <Button look={suspended ? "plain" : "danger"} busy={suspend.busy} onClick={() => suspend.run(!suspended)}>
            {suspended ? t.staff.letGo : t.staff.suspend}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
