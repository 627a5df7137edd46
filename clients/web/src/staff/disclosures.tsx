// What everybody has to accept before they trade: publish another version, or ask for it no more.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { compliance } from "../compliance";
import type { Disclosure } from "../gen/xache/v1/compliance_pb";
import { PublishDisclosureRequestSchema, RetireDisclosureRequestSchema } from "../gen/xache/v1/staff_pb";
import { t } from "../messages";
import { real } from "../screens/security";
import { Button, Dialog, Failure, Field, say, useAction, useAnswer, useRequestId } from "../ui";
import { Lines, Listing } from "../parts";
import { proven, staff } from "./services";

const TEXT_MAX = 16_384;
const TITLE_MAX = 120;

export function Disclosures() {
  const { answer, error, again } = useAnswer(() => compliance.listDisclosures({}), []);
  const [editing, setEditing] = useState<Pick<Disclosure, "name" | "title" | "text"> | undefined>(undefined);
  const [retiring, setRetiring] = useState("");
  const done = () => {
    setEditing(undefined);
    setRetiring("");
    again();
  };
  return (
    <>
      <Listing
        id="disclosures"
        title={t.staff.disclosures}
        columns={[t.staff.disclosure, t.staff.version, t.staff.acts]}
        count={answer?.disclosures.length}
        empty={t.staff.noDisclosures}
        hint={t.staff.noDisclosuresHint}
        error={error}
        acts={<Button small onClick={() => setEditing({ name: "", title: "", text: "" })}>{t.staff.write}</Button>}
      >
        {answer?.disclosures.map((each) => (
          <tr key={each.name}>
            <td class="head" data-label={t.staff.disclosure}>{each.title} <span class="quiet">{each.name}</span></td>
            <td class="figure" data-label={t.staff.version}>{each.version}</td>
            <td class="right act">
              <Button small aria-label={t.staff.renewOne(each.title)} onClick={() => setEditing(each)}>{t.staff.renew}</Button>{" "}
              <Button small aria-label={t.staff.retireOne(each.title)} onClick={() => setRetiring(each.name)}>{t.staff.retire}</Button>
            </td>
          </tr>
        ))}
      </Listing>
      {editing && <Publish before={editing} onClose={() => setEditing(undefined)} onDone={done} />}
      {retiring && <Retire name={retiring} onClose={() => setRetiring("")} onDone={done} />}
    </>
  );
}

function Publish({ before, onClose, onDone }: {
  before: Pick<Disclosure, "name" | "title" | "text">;
  onClose: () => void;
  onDone: () => void;
}) {
  const [name, setName] = useState(before.name);
  const [title, setTitle] = useState(before.title);
  const [text, setText] = useState(before.text);
  const requestId = useRequestId("disclosure", [name, title, text]);
  const publish = useAction(async () => {
    const request = create(PublishDisclosureRequestSchema, {
      name: name.trim(), title: title.trim(), text: text.trim(), requestId,
    });
    await proven("PublishDisclosure", PublishDisclosureRequestSchema, request, staff.publishDisclosure);
    say(t.staff.published);
    onDone();
  });
  return (
    <Dialog wide title={before.name ? t.staff.renew : t.staff.write} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          publish.run();
        }}
      >
        <p class="quiet">{t.staff.publishText}</p>
        <Field label={t.staff.shortName} hint={t.staff.shortNameHint} value={name} onInput={setName} maxLength={32} required />
        <Field label={t.staff.titleOf} value={title} onInput={setTitle} maxLength={TITLE_MAX} required />
        <Lines label={t.staff.text} value={text} onInput={setText} rows={10} maxLength={TEXT_MAX} />
        <Failure error={real(publish.error)} />
        <div class="acts"><Button type="submit" look="primary" busy={publish.busy}>{t.staff.publish}</Button></div>
      </form>
    </Dialog>
  );
}

function Retire({ name, onClose, onDone }: { name: string; onClose: () => void; onDone: () => void }) {
  const [cause, setCause] = useState("");
  const requestId = useRequestId("retire", [cause]);
  const retire = useAction(async () => {
    const request = create(RetireDisclosureRequestSchema, { name, cause: cause.trim(), requestId });
    await proven("RetireDisclosure", RetireDisclosureRequestSchema, request, staff.retireDisclosure);
    say(t.staff.retired);
    onDone();
  });
  return (
    <Dialog title={t.staff.retireOne(name)} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          retire.run();
        }}
      >
        <Field label={t.staff.cause} hint={t.staff.causeHint} value={cause} onInput={setCause} maxLength={200} autoFocus required />
        <Failure error={real(retire.error)} />
        <div class="acts"><Button type="submit" look="danger" busy={retire.busy}>{t.staff.retire}</Button></div>
      </form>
    </Dialog>
  );
}
