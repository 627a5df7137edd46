// What was done with a role of the house, failed logins, and calls that were not let in.

import { momentOf } from "../../format";
import { AuditKind } from "../../gen/xache/v1/admin_pb";
import { t } from "../../messages";
import { classes, usePages } from "../../ui";
import { Listing } from "../../parts";
import { admin } from "./services";

const WANTED = 20;
const TRIES = 10;

export function Audit() {
  const { rows, error, busy, more } = usePages(async (pageToken) => {
    // Most rows of the chain are about other things: a piece may tell little, and not be the last.
    const found = [];
    let token = pageToken;
    for (let tries = 0; tries < TRIES && found.length < WANTED; tries += 1) {
      const page = await admin.listAudit({ pageToken: token });
      found.push(...page.entries);
      token = page.nextPageToken;
      if (!token) break;
    }
    return { rows: found, next: token };
  }, []);
  return (
    <Listing
      id="audit"
      acting={false}
      title={t.admin.audit}
      columns={[t.admin.when, t.staff.account, t.admin.what, t.admin.outcome, t.admin.row]}
      count={rows?.length}
      empty={t.app.nothing}
      error={error}
      more={more}
      busy={busy}
    >
      {rows?.map((each) => (
        <tr key={String(each.seq)}>
          <td class="figure head" data-label={t.admin.when}>{momentOf(each.atNs)}</td>
          <td data-label={t.staff.account}>{each.accountId ? <code>{each.accountId}</code> : t.app.nothing}</td>
          <td data-label={t.admin.what}>
            {each.kind === AuditKind.ACTION ? <Method path={each.what} /> : t.admin.auditKinds[each.kind]}
            {each.kind === AuditKind.CALLS_DENIED && <span class="quiet"> {each.what}</span>}
            {each.count > 1 && <span class="quiet"> · {t.security.times(each.count)}</span>}
          </td>
          <td data-label={t.admin.outcome}>
            {each.kind === AuditKind.ACTION
              ? <span class={classes("badge", each.outcome === "OK" ? "good" : "warn")}>{each.outcome || t.admin.notOver}</span>
              : t.app.nothing}
          </td>
          <td class="figure" data-label={t.admin.row}>{each.journalSeq ? String(each.journalSeq) : t.app.nothing}</td>
        </tr>
      ))}
    </Listing>
  );
}

/** "AdminService/SetHalt": what was done, then whose part of the API that is. */
function Method({ path }: { path: string }) {
  const [service = "", method = ""] = path.split("/");
  return <>{method} <span class="quiet">{service}</span></>;
}
