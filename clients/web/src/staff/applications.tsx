// Who applies for a level: what they say, their papers, and the decision of two.

import { create } from "@bufbuild/protobuf";
import { useEffect, useRef, useState } from "preact/hooks";
import { saveFile, wholeOf } from "../files";
import { momentOf } from "../format";
import { type Application, type Document as Paper, MediaType } from "../gen/xache/v1/compliance_pb";
import {
  ReviewApplicationRequestSchema, ViewApplicationRequestSchema, type ViewApplicationResponse,
  ViewDocumentRequestSchema,
} from "../gen/xache/v1/staff_pb";
import { t } from "../messages";
import { real } from "../screens/security";
import { Button, Dialog, Failure, say, useAction, useAnswer } from "../ui";
import { Facts, Lines, Listing } from "../parts";
import { proven, staff } from "./services";

const TYPES: Record<number, string> = {
  [MediaType.PDF]: "application/pdf", [MediaType.JPEG]: "image/jpeg", [MediaType.PNG]: "image/png",
};
const SUFFIXES: Record<number, string> = {
  [MediaType.PDF]: "pdf", [MediaType.JPEG]: "jpg", [MediaType.PNG]: "png",
};
const REASON_MAX = 500;

export function Applications() {
  const { answer, error, again } = useAnswer(() => staff.listApplications({}), []);
  const [seen, setSeen] = useState<ViewApplicationResponse | undefined>(undefined);
  const look = useAction(async (applicationId: string) => {
    const request = create(ViewApplicationRequestSchema, { applicationId });
    setSeen(await proven("ViewApplication", ViewApplicationRequestSchema, request, staff.viewApplication));
  });
  return (
    <>
      <Listing
        id="applications"
        title={t.staff.applications}
        columns={[t.staff.account, t.staff.level, t.staff.state, t.staff.since, t.staff.look]}
        count={answer?.applications.length}
        empty={t.staff.noApplications}
        hint={t.staff.noApplicationsHint}
        error={real(error ?? look.error)}
      >
        {answer?.applications.map((each) => (
          <tr key={each.applicationId}>
            <td class="head" data-label={t.staff.account}><code>{each.accountId}</code></td>
            <td class="figure" data-label={t.staff.level}>{each.level}</td>
            <td data-label={t.staff.state}>{t.staff.applicationStates[each.state]}</td>
            <td class="figure" data-label={t.staff.since}>{momentOf(each.createdAtNs)}</td>
            <td class="right act">
              <Button small aria-label={t.staff.lookAt(each.accountId)} onClick={() => look.run(each.applicationId)}>
                {t.staff.look}
              </Button>
            </td>
          </tr>
        ))}
      </Listing>
      {seen?.application && (
        <Review
          application={seen.application}
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

function Review({ application, view, onClose, onDone }: {
  application: Application;
  view: ViewApplicationResponse;
  onClose: () => void;
  onDone: () => void;
}) {
  const [reason, setReason] = useState("");
  const decide = useAction(async (approved: boolean) => {
    const { applicationId } = application;
    const request = create(ReviewApplicationRequestSchema, { applicationId, approved, reason: reason.trim() });
    await proven("ReviewApplication", ReviewApplicationRequestSchema, request, staff.reviewApplication);
    say(approved ? t.staff.approved : t.staff.rejected);
    onDone();
  });
  const { details } = view;
  return (
    <Dialog wide title={t.staff.applicationOf(application.accountId)} onClose={onClose}>
      <div class="stack">
        <Facts
          facts={[
            [t.staff.name, details?.name ?? ""],
            [t.staff.born, details?.birthDate ?? ""],
            [t.staff.country, details?.country ?? ""],
            [t.staff.home, details?.address ?? ""],
            [t.staff.level, String(application.level)],
            [t.staff.state, t.staff.applicationStates[application.state] ?? ""],
          ]}
        />
        <h3>{t.staff.papers}</h3>
        {view.documents.length === 0 && <p class="quiet">{t.staff.noPapers}</p>}
        {view.documents.map((paper) => <PaperRow key={paper.documentId} paper={paper} />)}
        {view.reviews.map((each) => (
          <p key={each.reviewer} class="quiet">
            {(each.approved ? t.staff.approvedBy : t.staff.rejectedBy)(each.reviewer, momentOf(each.atNs))} {each.reason}
          </p>
        ))}
        <Lines label={t.staff.reviewReason} value={reason} onInput={setReason} rows={2} maxLength={REASON_MAX} />
        <Failure error={real(decide.error)} />
        <div class="acts">
          <Button look="danger" disabled={!reason.trim()} busy={decide.busy} onClick={() => reason.trim() && decide.run(false)}>
            {t.staff.reject}
          </Button>
          <Button look="primary" disabled={!reason.trim()} busy={decide.busy} onClick={() => reason.trim() && decide.run(true)}>
            {t.staff.approve}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

/** One paper: a picture is drawn here, anything else is kept as a file. */
function PaperRow({ paper }: { paper: Paper }) {
  const [blob, setBlob] = useState<Blob | undefined>(undefined);
  const open = useAction(async () => {
    const request = create(ViewDocumentRequestSchema, { documentId: paper.documentId });
    const stream = await proven("ViewDocument", ViewDocumentRequestSchema, request, staff.viewDocument, { timeoutMs: 0 });
    const whole = await wholeOf(stream, TYPES[paper.mediaType] ?? "application/octet-stream");
    if (paper.mediaType === MediaType.PDF) saveFile(`${paper.documentId}.${SUFFIXES[paper.mediaType]}`, whole);
    else setBlob(whole);
  });
  return (
    <div class="paper">
      <span>
        {t.staff.paperKinds[paper.kind]}{" "}
        <span class="quiet figure">{t.staff.kilobytes(Math.ceil(Number(paper.sizeBytes) / 1024))} · {momentOf(paper.createdAtNs)}</span>
      </span>
      <Button small busy={open.busy} onClick={() => open.run()}>
        {paper.mediaType === MediaType.PDF ? t.staff.save : t.staff.show}
      </Button>
      <Failure error={real(open.error)} />
      {blob && <Picture blob={blob} label={t.staff.paperKinds[paper.kind] ?? ""} />}
    </div>
  );
}

/** A picture as points on a canvas: nothing that came with it is shown or run. */
function Picture({ blob, label }: { blob: Blob; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    createImageBitmap(blob).then(
      (bitmap) => {
        const to = canvas.current;
        if (!to) return;
        to.width = bitmap.width;
        to.height = bitmap.height;
        to.getContext("2d")?.drawImage(bitmap, 0, 0);
        bitmap.close();
      },
      () => setBroken(true),
    );
  }, [blob]);
  return broken ? <p class="quiet">{t.staff.noPicture}</p> : <canvas ref={canvas} role="img" aria-label={label} />;
}
