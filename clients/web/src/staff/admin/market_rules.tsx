// One market's rules: list another, change what may change, take it off the list.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { market } from "../../api";
import {
  AdminService, ChangeInstrumentRequestSchema, DelistInstrumentRequestSchema, ListInstrumentRequestSchema,
  SetMarkRequestSchema,
} from "../../gen/xache/v1/admin_pb";
import { plain } from "../../decimal";
import type { Instrument } from "../../gen/xache/v1/types_pb";
import { t } from "../../messages";
import { go } from "../../router";
import { Button, Check, Failure, Field, Select, say, useAction, useAnswer, useRequestId } from "../../ui";
import { Facts } from "../../parts";
import { Asking, CauseField, TypedWord, wrongsOf, type Wrongs } from "./asking";
import { type Draft, CHANGING_FIELDS, EMPTY, FIXED, GROUPS, NEW_FIELDS, type Rule, draftOf, mistakesOf, termsOf, ticked } from "./market_terms";
import { admin, coded } from "./services";

const LIST = "/admin/markets";

/** A market by its name, or a new one. */
export function OneMarket({ symbol }: { symbol: string }) {
  const { answer, error, again } = useAnswer(() => market.listInstruments({}), [symbol]);
  if (!answer) return <Failure error={error} />;
  const assets = answer.assets.map(({ name }) => name);
  if (symbol === "new") return <NewMarket assets={assets} />;
  const told = answer.instruments.find((each) => each.symbol === symbol);
  if (!told) return <p class="quiet">{t.admin.noMarket}</p>;
  return <Listed key={symbol} told={told} onChange={again} />;
}

function NewMarket({ assets }: { assets: readonly string[] }) {
  const [draft, setDraft] = useState<Draft>({ ...EMPTY, base: assets[0] ?? "", quote: assets.at(-1) ?? "" });
  const [mistakes, setMistakes] = useState<Record<string, string>>({});
  const requestId = useRequestId("list", [draft]);
  const list = useAction(async () => {
    const instrument = termsOf(draft);
    const request = create(ListInstrumentRequestSchema, { instrument, requestId });
    await coded(AdminService, "ListInstrument", ListInstrumentRequestSchema, request, admin.listInstrument);
    say(t.admin.listed(instrument.symbol));
    go(`${LIST}/${instrument.symbol}`);
  });
  const wrong = wrongsOf(list.error, NEW_FIELDS, mistakes);
  const change = (changed: Draft) => {
    setDraft(changed);
    setMistakes({});
    list.clear();
  };
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        const found = mistakesOf(draft);
        setMistakes(found);
        if (!Object.keys(found).length) list.run();
      }}
    >
      <section class="card block" aria-labelledby="market">
        <h2 id="market">{t.admin.newMarket}</h2>
        <p class="quiet">{t.admin.newMarketText}</p>
        <div class="grid">
          {FIXED.map((rule) => rule.kind === "name" ? (
            <Select
              key={rule.name}
              label={t.admin.rules[rule.name]}
              value={draft[rule.name] ?? ""}
              choices={assets.map((each) => [each, each] as const)}
              onChange={(chosen) => change({ ...draft, [rule.name]: chosen })}
            />
          ) : <RuleField key={rule.name} rule={rule} draft={draft} wrong={wrong} onChange={change} />)}
        </div>
        {["symbol", "asset", "base", "quote"].map((field) => wrong.at(field) && <p key={field} class="note down">{wrong.at(field)}</p>)}
        <p class="quiet">{t.admin.fixedHint}</p>
      </section>
      <Changing draft={draft} wrong={wrong} onChange={change} />
      <Failure error={wrong.rest} />
      <div class="acts start"><Button type="submit" look="primary" busy={list.busy}>{t.admin.listIt}</Button></div>
    </form>
  );
}

function Listed({ told, onChange }: { told: Instrument; onChange: () => void }) {
  const before = draftOf(told);
  const [draft, setDraft] = useState<Draft>(before);
  const [mistakes, setMistakes] = useState<Record<string, string>>({});
  const [delisting, setDelisting] = useState(false);
  const requestId = useRequestId("change", [draft]);
  const save = useAction(async () => {
    const request = create(ChangeInstrumentRequestSchema, { instrument: termsOf(draft), requestId });
    await coded(AdminService, "ChangeInstrument", ChangeInstrumentRequestSchema, request, admin.changeInstrument);
    say(t.admin.rulesChanged(told.symbol));
    onChange();
  });
  const wrong = wrongsOf(save.error, CHANGING_FIELDS, mistakes);
  const same = Object.keys(before).every((name) => before[name] === draft[name]);
  return (
    <>
      <section class="card block" aria-labelledby="market">
        <h2 id="market">{told.symbol} <span class="badge">{t.market.states[told.state]}</span></h2>
        <Facts facts={FIXED.map(({ name }) => [t.admin.rules[name], before[name] ?? ""])} />
        <Mark symbol={told.symbol} unit={told.quote} />
        <div class="acts start"><Button look="danger" onClick={() => setDelisting(true)}>{t.admin.delist}</Button></div>
      </section>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          const found = mistakesOf(draft);
          setMistakes(found);
          if (!same && !Object.keys(found).length) save.run();
        }}
      >
        <p class="quiet">{t.admin.keptTerms}</p>
        <Changing
          draft={draft}
          wrong={wrong}
          onChange={(changed) => {
            setDraft(changed);
            setMistakes({});
            save.clear();
          }}
        />
        <Failure error={wrong.rest} />
        <div class="acts start">
          <Button type="submit" look="primary" busy={save.busy} disabled={same}>{t.admin.saveRules}</Button>
        </div>
      </form>
      {delisting && <Delist symbol={told.symbol} onClose={() => setDelisting(false)} />}
    </>
  );
}

interface FieldsProps {
  draft: Draft;
  wrong: Wrongs;
  onChange: (draft: Draft) => void;
}

function Changing(props: FieldsProps) {
  return (
    <div class="columns">
      {GROUPS.map(([name, rules]) => (
        <section key={name} class="card block" aria-labelledby={`rules-${name}`}>
          <h2 id={`rules-${name}`}>{t.admin.ruleGroups[name]}</h2>
          <div class="grid">{rules.map((rule) => <RuleField key={rule.name} rule={rule} {...props} />)}</div>
        </section>
      ))}
    </div>
  );
}

function RuleField({ rule: { name, kind, of, optional }, draft, wrong, onChange }: FieldsProps & { rule: Rule }) {
  const label = t.admin.rules[name];
  if (kind === "yes") {
    return <Check label={label} value={draft[name] === "yes"} onChange={(on) => onChange(ticked(draft, name, on))} />;
  }
  const units = { percent: "%", hundredths: "%", seconds: t.admin.seconds } as Record<string, string>;
  return (
    <Field
      label={label}
      value={draft[name] ?? ""}
      onInput={(typed) => onChange({ ...draft, [name]: typed })}
      error={wrong.at(name)}
      hint={t.admin.ruleHints[name] ?? (optional ? t.admin.mayBeEmpty : undefined)}
      unit={of ? draft[of] : units[kind]}
      number
    />
  );
}

/** The reference price: what bands are measured from, and what a new market waits for. */
function Mark({ symbol, unit }: { symbol: string; unit: string }) {
  const [price, setPrice] = useState("");
  const requestId = useRequestId("mark", [price]);
  const set = useAction(async () => {
    const request = create(SetMarkRequestSchema, { symbol, price: plain(price), requestId });
    await coded(AdminService, "SetMark", SetMarkRequestSchema, request, admin.setMark);
    say(t.admin.markSet(symbol, price.trim()));
    setPrice("");
  });
  const wrong = wrongsOf(set.error, ["price"]);
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (price.trim()) set.run();
      }}
    >
      <p class="quiet">{t.admin.markHint}</p>
      <div class="asks filters">
        <Field label={t.admin.mark} value={price} onInput={setPrice} error={wrong.at("price")} unit={unit} number />
        <Button type="submit" busy={set.busy} disabled={!price.trim()}>{t.admin.setMark}</Button>
      </div>
      <Failure error={wrong.rest} />
    </form>
  );
}

function Delist({ symbol, onClose }: { symbol: string; onClose: () => void }) {
  const [cause, setCause] = useState("");
  const [typed, setTyped] = useState("");
  const requestId = useRequestId("delist", [symbol, cause]);
  const delist = useAction(async () => {
    const request = create(DelistInstrumentRequestSchema, { symbol, cause: cause.trim(), requestId });
    await coded(AdminService, "DelistInstrument", DelistInstrumentRequestSchema, request, admin.delistInstrument);
    say(t.admin.delisted(symbol));
    go(LIST);
  });
  const wrong = wrongsOf(delist.error, ["cause"]);
  return (
    <Asking
      title={t.admin.delistOne(symbol)} submit={t.admin.delist} danger ready={typed === symbol}
      busy={delist.busy} error={wrong.rest} onSubmit={() => delist.run()} onClose={onClose}
    >
      <p>{t.admin.delistText}</p>
      <CauseField value={cause} onInput={setCause} error={wrong.at("cause")} autoFocus />
      <TypedWord word={symbol} value={typed} onInput={setTyped} />
    </Asking>
  );
}
