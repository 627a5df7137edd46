// What the administrators' forms are made of: what is wrong with a field, a cause, a typed word.

import type { ComponentChildren } from "preact";
import { refusalOf } from "../../api";
import { type Decimal, parse, write } from "../../decimal";
import { t } from "../../messages";
import { real } from "../../screens/security";
import { Button, Dialog, Failure, Field, Icon, Select, sentenceOf } from "../../ui";

const CAUSE_MAX = 200;

export type Mistakes = Readonly<Record<string, string>>;

export interface Wrongs {
  /** What is wrong with a field, by the name that the house has for it. */
  at: (field: string) => string | undefined;
  /** What was refused and belongs to none of the fields. */
  rest: unknown;
}

/** Where a form tells what was refused: at the field that the house names, if the form has it. */
export function wrongsOf(error: unknown, fields: readonly string[], mistakes: Mistakes = {}): Wrongs {
  const told = real(error);
  const refused = told === undefined ? undefined : refusalOf(told);
  const field = refused && fields.includes(refused.facts.field ?? "") ? refused.facts.field : undefined;
  return {
    at: (wanted) => mistakes[wanted] ?? (refused && wanted === field ? sentenceOf(refused) : undefined),
    rest: field === undefined ? told : undefined,
  };
}

export function CauseField({ value, onInput, error, autoFocus }: {
  value: string;
  onInput: (value: string) => void;
  error?: string | undefined;
  autoFocus?: boolean;
}) {
  return (
    <Field
      label={t.staff.cause}
      hint={t.staff.causeHint}
      value={value}
      onInput={onInput}
      error={error}
      maxLength={CAUSE_MAX}
      autoFocus={autoFocus ?? false}
      required
    />
  );
}

/** A word to type before something is done that nobody does by accident. */
export function TypedWord({ word, value, onInput, hint }: {
  word: string;
  value: string;
  onInput: (value: string) => void;
  hint?: string;
}) {
  return (
    <Field
      label={t.admin.typeWord(word)}
      hint={hint}
      value={value}
      onInput={onInput}
      error={value && !word.startsWith(value) ? t.admin.notTheWord : undefined}
      required
    />
  );
}

/** A form in a window: what it does, what was refused, and the button that does it. */
export function Asking({ title, submit, danger, wide, ready = true, busy, error, onSubmit, onClose, children }: {
  title: string;
  submit: string;
  danger?: boolean;
  wide?: boolean;
  /** Whether it may be sent: where a word has to be typed, it was. */
  ready?: boolean;
  busy: boolean;
  error: unknown;
  onSubmit: () => void;
  onClose: () => void;
  children: ComponentChildren;
}) {
  return (
    <Dialog title={title} onClose={onClose} wide={wide ?? false}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) onSubmit();
        }}
      >
        {children}
        <Failure error={error} />
        <div class="acts">
          <Button type="submit" look={danger ? "danger" : "primary"} busy={busy} disabled={!ready}>{submit}</Button>
        </div>
      </form>
    </Dialog>
  );
}

/** An amount of an asset as it is typed. */
export interface Sum {
  asset: string;
  amount: string;
}

/** Amounts of several assets: a line for each. */
export function Sums({ label, hint, sums, assets, onChange, error }: {
  label: string;
  hint: string;
  sums: readonly Sum[];
  assets: readonly string[];
  onChange: (sums: readonly Sum[]) => void;
  error?: string | undefined;
}) {
  const put = (index: number, change: Partial<Sum>) =>
    onChange(sums.map((each, at) => (at === index ? { ...each, ...change } : each)));
  const free = assets.find((asset) => !sums.some((each) => each.asset === asset));
  return (
    <fieldset class="sums">
      <legend>{label}</legend>
      {sums.map(({ asset, amount }, index) => (
        <div class="sum" key={index}>
          <Select
            hideLabel
            label={t.admin.assetOf(label, index + 1)}
            value={asset}
            choices={assetsOf(sums, index, assets).map((each) => [each, each] as const)}
            onChange={(chosen) => put(index, { asset: chosen })}
          />
          <Field
            hideLabel
            label={t.admin.amountOf(label, index + 1)}
            value={amount}
            onInput={(typed) => put(index, { amount: typed })}
            error={amount && !parse(amount) ? t.admin.wrong.number : undefined}
            number
            required
          />
          <button
            type="button"
            class="icon-button"
            aria-label={t.admin.dropSum(label, index + 1)}
            onClick={() => onChange(sums.filter((_, at) => at !== index))}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      {error && <p class="note down">{error}</p>}
      {free && (
        <div class="acts start">
          <Button small onClick={() => onChange([...sums, { asset: free, amount: "" }])}>
            <Icon name="plus" /> {sums.length ? t.admin.addSum : hint}
          </Button>
        </div>
      )}
    </fieldset>
  );
}

/** What the amount of a line may be of: what no other line has. */
export function assetsOf(sums: readonly Sum[], index: number, assets: readonly string[]): string[] {
  const others = sums.filter((_, at) => at !== index).map(({ asset }) => asset);
  return [...new Set([sums[index]?.asset ?? "", ...assets])].filter((each) => !others.includes(each));
}

/** Whether every amount is one. */
export function areSums(sums: readonly Sum[]): boolean {
  return sums.every(({ amount }) => parse(amount) !== undefined);
}

/** A whole number that is not negative; undefined for anything else. */
export function countOf(text: string): number | undefined {
  const typed = text.trim();
  return /^\d{1,9}$/.test(typed) ? Number(typed) : undefined;
}

const PPM_PER_PERCENT: Decimal = { units: 10_000n, scale: 0 };

/** A share in percent, as parts per million; undefined for what is none, or finer than that. */
export function ppmOf(text: string): number | undefined {
  return stepsOf(text, PPM_PER_PERCENT.units);
}

/** Parts per million as percent, as it is typed. */
export function percentText(ppm: number): string {
  return write({ units: BigInt(ppm), scale: 4 });
}

/** So many steps of which one unit has `perUnit`; undefined where it is no whole number of them. */
export function stepsOf(text: string, perUnit: bigint): number | undefined {
  const value = parse(text);
  if (!value || value.units < 0n) return undefined;
  const product = value.units * perUnit;
  const below = 10n ** BigInt(value.scale);
  const steps = product / below;
  return product % below === 0n && steps <= 0xffff_ffffn ? Number(steps) : undefined;
}
