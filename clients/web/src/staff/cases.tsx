// What has to be looked into: who may be on a list, and money that moved in a way that a rule knows.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { momentOf } from "../format";
import {
  CaseOutcome, CaseState, DecideCaseRequestSchema, ViewCaseRequestSchema, type ViewCaseResponse,
} from "../gen/xache/v1/staff_pb";
import { t } from "../messages";
import { real } from "../screens/security";
import { session } from "../session";
import { Button, Dialog, Failure, say, useAction, useAnswer } from "../ui";
import { Facts, Lines, Listing } from "../parts";
import { proven, staff } from "./services";

const REASON_MAX = 500;

export function Cases() {
  const { answer, error, again } = useAnswer(() => staff.listCases({}), []);
  const [seen, setSeen] = useState<ViewCaseResponse | undefined>(undefined);
  const look = useAction(async (caseId: string) => {
    const request = create(ViewCaseRequestSchema, { caseId });
    setSeen(await proven("ViewCase", ViewCaseRequestSchema, request, staff.viewCase));
  });
  const take = useAction(async (caseId: string) => {
    await staff.assignCase({ caseId });
    say(t.staff.taken);
    again();
  });
  return (
    <>
      <Listing
        id="cases"
        title={t.staff.cases}
        columns={[t.staff.account, t.staff.about, t.staff.state, t.staff.assignee, t.staff.since, t.staff.look]}
        count={answer?.cases.length}
        empty={t.staff.noCases}
        hint={t.staff.noCasesHint}
        error={real(error ?? look.error ?? take.error)}
      >
        {answer?.cases.map((each) => (
          <tr key={each.caseId}>
            <td class="head" data-label={t.staff.account}><code>{each.accountId}</code></td>
            <td data-label={t.staff.about}>
              {t.staff.caseKinds[each.kind]} {each.serious && <span class="badge bad">{t.staff.serious}</span>}
            </td>
            <td data-label={t.staff.state}>{t.staff.caseStates[each.state]}</td>
            <td data-label={t.staff.assignee}>
              {each.assignee === session.state.accountId ? t.staff.you : each.assignee || t.app.nothing}
            </td>
            <td class="figure" data-label={t.staff.since}>{momentOf(each.openedAtNs)}</td>
            <td class="right act">
              {each.state === CaseState.OPEN && (
                <Button small aria-label={t.staff.takeOne(each.caseId)} onClick={() => take.run(each.caseId)}>{t.staff.take}</Button>
              )}{" "}
              <Button small aria-label={t.staff.lookAt(each.caseId)} onClick={() => look.run(each.caseId)}>{t.staff.look}</Button>
            </td>
          </tr>
        ))}
      </Listing>
      {seen?.case && (
        <OneCase
          view={seen}
          onClose={() => setSeen(undefined)}
          onDone={() => {
            setSeen(undefined);
            again();
          }}
        />
      )}
    </>
  );
}

function OneCase({ view, onClose, onDone }: { view: ViewCaseResponse; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState("");
  const told = view.case;
  const decide = useAction(async (outcome: CaseOutcome) => {
    const request = create(DecideCaseRequestSchema, { caseId: told?.caseId ?? "", outcome, reason: reason.trim() });
    const answer = await proven("DecideCase", DecideCaseRequestSchema, request, staff.decideCase);
    say(answer.case?.state === CaseState.PROPOSED ? t.staff.proposed : t.staff.closed);
    onDone();
  });
  if (!told) return null;
  const ready = reason.trim() !== "";
  return (
    <Dialog wide title={t.staff.caseOf(told.accountId)} onClose={onClose}>
      <div class="stack">
        <Facts
          facts={[
            [t.staff.about, t.staff.caseKinds[told.kind] ?? ""],
            [t.staff.state, t.staff.caseStates[told.state] ?? ""],
            [t.staff.since, momentOf(told.openedAtNs)],
            [t.staff.outcome, told.outcome ? t.staff.outcomes[told.outcome] ?? "" : ""],
            [t.staff.proposedBy, told.proposedBy],
          ]}
        />
        <h3>{t.staff.facts}</h3>
        <pre class="evidence" tabIndex={0}>{view.facts}</pre>
        {view.reason && <p class="quiet">{view.reason}</p>}
        {told.serious && <p class="quiet">{t.staff.seriousHint}</p>}
        <Lines label={t.staff.reason} value={reason} onInput={setReason} rows={2} maxLength={REASON_MAX} />
        <Failure error={real(decide.error)} />
        <div class="acts">
          <Button disabled={!ready} busy={decide.busy} onClick={() => ready && decide.run(CaseOutcome.FALSE_ALARM)}>{t.staff.falseAlarm}</Button>
          <Button look="danger" disabled={!ready} busy={decide.busy} onClick={() => ready && decide.run(CaseOutcome.CONFIRMED)}>{t.staff.confirm}</Button>
        </div>
      </div>
    </Dialog>
  );
}
