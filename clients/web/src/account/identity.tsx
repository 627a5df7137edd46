// Who one is to the house: the level and what it allows, applications, and the papers for them.

import { useRef, useState } from "preact/hooks";
import { compliance } from "../compliance";
import { amount, momentOf } from "../format";
import {
  type Application, ApplicationState, type DayLimit, type Document as Paper, DocumentKind,
  type GetLimitsResponse, type LevelTerms,
} from "../gen/xache/v1/compliance_pb";
import { t } from "../messages";
import { Listing } from "../parts";
import { Said } from "../api";
import { Button, Empty, Failure, Field, Notice, Select, classes, say, useAction, useAnswer } from "../ui";
import { uploadPaper } from "./upload";

const TEXT_MAX = 200;
const LOOKS: Partial<Record<ApplicationState, string>> = {
  [ApplicationState.APPROVED]: "good", [ApplicationState.REJECTED]: "bad",
};

export function Identity() {
  const limits = useAnswer(() => compliance.getLimits({}), []);
  const kyc = useAnswer(() => compliance.getKyc({}), []);
  const { answer } = limits;
  return (
    <>
      {answer ? <Levels told={answer} /> : <Failure error={limits.error} />}
      <Failure error={kyc.error} />
      {kyc.answer && kyc.answer.applications.length > 0 && <Applications told={kyc.answer.applications} />}
      {answer && kyc.answer && (
        <div class="columns">
          <Papers told={kyc.answer.documents} onChange={kyc.again} />
          <Apply
            levels={answer.levels.filter(({ open, level }) => open && level > answer.level)}
            papers={kyc.answer.documents}
            onChange={kyc.again}
          />
        </div>
      )}
    </>
  );
}

// --- Levels ----------------------------------------------------------------------------------

function Levels({ told }: { told: GetLimitsResponse }) {
  return (
    <Listing
      id="levels"
      title={t.account.yourLevel(told.level)}
      lead={told.limited ? t.account.limited : t.account.unlimited}
      columns={[t.account.level, t.account.takes, t.account.deposit, t.account.trade, t.account.withdraw]}
      count={told.levels.length}
      empty=""
      acting={false}
    >
      {told.levels.map((each) => <Level key={each.level} told={told} terms={each} />)}
    </Listing>
  );
}

function Level({ told, terms }: { told: GetLimitsResponse; terms: LevelTerms }) {
  const own = terms.level === told.level;
  const rows = own && told.limited ? told.limits : terms.limits;
  const takes = [terms.open && t.account.details, ...terms.papers.map((kind) => t.staff.paperKinds[kind])].filter(Boolean);
  const cell = (label: string, most: (limit: DayLimit) => string, used: (limit: DayLimit) => string) => (
    <td class="figure" data-label={label}>
      {told.limited ? <Amounts rows={rows} most={most} used={own ? used : () => ""} /> : t.account.anything}
    </td>
  );
  return (
    <tr class={classes(own && "own")}>
      <td class="head" data-label={t.account.level}>
        {t.account.forLevel(terms.level)} {own && <span class="badge good">{t.account.yours}</span>}
      </td>
      <td data-label={t.account.takes}>{takes.join(", ") || t.account.nothingNeeded}</td>
      {cell(t.account.deposit, ({ deposit }) => deposit, ({ deposited }) => deposited)}
      {cell(t.account.trade, ({ trade }) => trade, ({ traded }) => traded)}
      {cell(t.account.withdraw, ({ withdraw }) => withdraw, () => "")}
    </tr>
  );
}

/** One line for each asset; what is not named may not be moved. */
function Amounts({ rows, most, used }: {
  rows: readonly DayLimit[];
  most: (limit: DayLimit) => string;
  used: (limit: DayLimit) => string;
}) {
  return (
    <ul class="amounts">
      {rows.length === 0 && <li>{t.account.nothingNeeded}</li>}
      {rows.map((each) => (
        <li key={each.asset}>
          {amount(most(each))} {each.asset}
          {used(each) && <span class="quiet"> · {t.account.used(amount(used(each)))}</span>}
        </li>
      ))}
    </ul>
  );
}

// --- Applications ----------------------------------------------------------------------------

function Applications({ told }: { told: readonly Application[] }) {
  return (
    <section class="card block" aria-labelledby="applications">
      <h2 id="applications">{t.account.applications}</h2>
      <ul class="stack" id="application-list">
        {told.map((each) => (
          <li key={each.applicationId} class="stack">
            <p class="paper">
              <span>
                {t.account.forLevel(each.level)}{" "}
                <span class={classes("badge", LOOKS[each.state] ?? "warn")}>{t.account.states[each.state]}</span>
              </span>
              <span class="quiet figure">{momentOf(each.decidedAtNs || each.createdAtNs)}</span>
            </p>
            {each.reason && <Notice look="bad">{t.account.rejectedWhy(each.reason)} {t.account.again}</Notice>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Apply({ levels, papers, onChange }: {
  levels: readonly LevelTerms[];
  papers: readonly Paper[];
  onChange: () => void;
}) {
  const [chosen, setLevel] = useState(0);
  const [name, setName] = useState("");
  const [birthDate, setBirthDate] = useState("");
  const [country, setCountry] = useState("");
  const [address, setAddress] = useState("");
  const apply = useAction(async (level: number) => {
    const details = {
      name: name.trim(), birthDate: birthDate.trim(), country: country.trim().toUpperCase(), address: address.trim(),
    };
    await compliance.applyForLevel({ level, details });
    say(t.account.applied);
    onChange();
  });
  const wanted = levels.find(({ level }) => level === chosen) ?? levels[0];
  const missing = wanted?.papers.filter((kind) => !papers.some((paper) => paper.kind === kind)) ?? [];
  return (
    <section class="card block" aria-labelledby="apply">
      <h2 id="apply">{t.account.apply}</h2>
      {!wanted && <p class="quiet">{t.account.highest}</p>}
      {wanted && (
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            apply.run(wanted.level);
          }}
        >
          <p class="quiet">{t.account.applyText}</p>
          <Select
            label={t.account.level}
            value={wanted.level}
            choices={levels.map(({ level }) => [level, t.account.forLevel(level)] as const)}
            onChange={setLevel}
          />
          {missing.length > 0 && (
            <Notice look="warn">{t.account.missing(missing.map((kind) => t.staff.paperKinds[kind]).join(", "))}</Notice>
          )}
          <Field label={t.account.fullName} autoComplete="name" value={name} onInput={setName} maxLength={TEXT_MAX} required />
          <div class="pair">
            <Field label={t.account.birthDate} hint={t.account.birthDateHint} autoComplete="bday" value={birthDate} onInput={setBirthDate} maxLength={10} required />
            <Field label={t.account.country} hint={t.account.countryHint} autoComplete="country" value={country} onInput={setCountry} maxLength={2} required />
          </div>
          <Field label={t.account.home} autoComplete="street-address" value={address} onInput={setAddress} maxLength={TEXT_MAX} required />
          <Failure error={apply.error} />
          <div class="acts start">
            <Button type="submit" look="primary" busy={apply.busy}>{t.account.send}</Button>
          </div>
        </form>
      )}
    </section>
  );
}

// --- Papers ----------------------------------------------------------------------------------

const KINDS = [DocumentKind.IDENTITY, DocumentKind.ADDRESS, DocumentKind.FUNDS] as const;

function Papers({ told, onChange }: { told: readonly Paper[]; onChange: () => void }) {
  const [kind, setKind] = useState<DocumentKind>(DocumentKind.IDENTITY);
  const file = useRef<HTMLInputElement>(null);
  const upload = useAction(async () => {
    const [chosen] = file.current?.files ?? [];
    if (!chosen) throw new Said(t.account.noFile);
    await uploadPaper(kind, chosen);
    if (file.current) file.current.value = "";
    say(t.account.uploaded);
    onChange();
  });
  return (
    <section class="card block" aria-labelledby="papers">
      <h2 id="papers">{t.account.papers}</h2>
      <p class="quiet">{t.account.papersText}</p>
      {told.length === 0 && <Empty title={t.account.noPapers} />}
      <ul class="stack" id="paper-list">
        {told.map((each) => (
          <li key={each.documentId} class="paper">
            <span>{t.staff.paperKinds[each.kind]}</span>
            <span class="quiet figure">
              {t.account.media[each.mediaType]} · {t.account.size(amount(String(Math.ceil(Number(each.sizeBytes) / 1024))))} · {momentOf(each.createdAtNs)}
            </span>
          </li>
        ))}
      </ul>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          upload.run();
        }}
      >
        <Select
          label={t.account.proves}
          value={kind}
          choices={KINDS.map((each) => [each, t.account.paperKinds[each] ?? ""] as const)}
          onChange={setKind}
        />
        <div class="field">
          <label for="paper-file">{t.account.file}</label>
          <div class="box"><input ref={file} id="paper-file" type="file" accept=".pdf,.jpg,.jpeg,.png" /></div>
        </div>
        <Failure error={upload.error} />
        <div class="acts start"><Button type="submit" busy={upload.busy}>{t.account.upload}</Button></div>
      </form>
    </section>
  );
}
