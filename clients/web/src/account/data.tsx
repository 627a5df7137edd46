// What the house knows of one: taken along as a file, or erased with the account.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { Said, account } from "../api";
import { compliance } from "../compliance";
import { saveFile } from "../files";
import { momentOf } from "../format";
import { ExportDataRequestSchema, RequestErasureRequestSchema } from "../gen/xache/v1/compliance_pb";
import { t } from "../messages";
import { prove } from "../proof";
import { Waiting } from "../screens/guards";
import { real } from "../screens/security";
import { Button, Check, Dialog, Failure, say, useAction, useAnswer } from "../ui";
import { type ZipFile, zipOf } from "./zip";

const SERVICE = "/xache.v1.ComplianceService";

export function Data() {
  return (
    <>
      <Export />
      <Erasure />
    </>
  );
}

function Export() {
  const run = useAction(async () => {
    const request = create(ExportDataRequestSchema);
    const options = await prove(`${SERVICE}/ExportData`, ExportDataRequestSchema, request);
    const files: (ZipFile & { pieces: Uint8Array[] })[] = [];
    for await (const { name, content, shutdown } of compliance.exportData(request, { ...options, timeoutMs: 0 })) {
      if (shutdown) throw new Said(t.app.cut);
      const last = files.at(-1);
      if (last?.name === name) last.pieces.push(content);
      else files.push({ name, pieces: [content] });
    }
    saveFile(t.account.exportFile, zipOf(files));
    say(t.account.exported);
  });
  return (
    <section class="card block" aria-labelledby="export">
      <h2 id="export">{t.account.exportTitle}</h2>
      <p class="quiet">{t.account.exportText}</p>
      <Failure error={real(run.error)} />
      <div class="acts start"><Button busy={run.busy} onClick={() => run.run()}>{t.account.exportNow}</Button></div>
    </section>
  );
}

function Erasure() {
  const { answer, error, again } = useAnswer(() => account.getGuards({}), []);
  const [asking, setAsking] = useState(false);
  return (
    <section class="card block" aria-labelledby="erasure">
      <h2 id="erasure">{t.account.eraseTitle}</h2>
      <p class="quiet">{t.account.eraseText}</p>
      <Failure error={error} />
      <Waiting guards={answer} kinds={[]} erasure onChange={again} />
      {answer?.erasureDueAtNs === 0n && (
        <div class="acts start"><Button look="danger" onClick={() => setAsking(true)}>{t.account.erase}</Button></div>
      )}
      {asking && (
        <Ask
          onClose={() => setAsking(false)}
          onDone={() => {
            setAsking(false);
            again();
          }}
        />
      )}
    </section>
  );
}

function Ask({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [forfeit, setForfeit] = useState(false);
  const ask = useAction(async () => {
    const request = create(RequestErasureRequestSchema, { forfeit });
    const options = await prove(`${SERVICE}/RequestErasure`, RequestErasureRequestSchema, request);
    const { dueAtNs } = await compliance.requestErasure(request, options);
    say(t.account.erased(momentOf(dueAtNs)), "info");
    onDone();
  });
  return (
    <Dialog title={t.account.eraseSure} onClose={onClose}>
      <div class="stack">
        <p>{t.account.eraseText}</p>
        <p class="quiet">{t.account.eraseEmpty}</p>
        <Check label={t.account.forfeit} value={forfeit} onChange={setForfeit} />
        <Failure error={real(ask.error)} />
        <div class="acts">
          <Button onClick={onClose}>{t.account.eraseKeep}</Button>
          <Button look="danger" busy={ask.busy} onClick={() => ask.run()}>{t.account.erase}</Button>
        </div>
      </div>
    </Dialog>
  );
}
