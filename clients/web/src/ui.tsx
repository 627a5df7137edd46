// The parts that every screen is made of.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { Code } from "@connectrpc/connect";
import { type Refusal, Said, isOutage, newId, refusalOf } from "./api";
import { amount, trend } from "./format";
import { t } from "./messages";
import { Store, useStore } from "./store";

export function classes(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}

type ButtonProps = Omit<JSX.IntrinsicElements["button"], "class"> & {
  look?: "primary" | "plain" | "quiet" | "buy" | "sell" | "danger";
  small?: boolean;
  wide?: boolean;
  busy?: boolean;
  /** Not to be pressed now, yet it keeps the keyboard's place: its form looks itself whether it is ready. */
  waiting?: boolean;
};

export function Button({ look = "plain", small, wide, busy, waiting, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy}
      aria-disabled={busy || waiting || rest.disabled}
      class={classes("button", look, small && "small", wide && "wide", waiting && "waiting")}
    >
      {children}
    </button>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  error?: string | undefined;
  hint?: string | undefined;
  unit?: ComponentChildren;
  type?: "text" | "password" | "email";
  autoComplete?: string;
  inputMode?: "text" | "decimal" | "email" | "numeric";
  placeholder?: string;
  name?: string;
  autoFocus?: boolean;
  maxLength?: number;
  number?: boolean;
  required?: boolean;
  hideLabel?: boolean;
}

/** A labelled field, with what is wrong with its content below it. */
export function Field(props: FieldProps) {
  const id = useId();
  const { label, value, onInput, error, hint, unit, type = "text", number } = props;
  const note = error ?? hint;
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.autoFocus) input.current?.focus();
  }, []);
  return (
    <div class={classes("field", error && "wrong")}>
      <label for={id} class={props.hideLabel ? "unseen" : undefined}>{label}</label>
      <div class="box">
        <input
          ref={input}
          id={id}
          type={type as "text"}
          value={value}
          name={props.name}
          autoComplete={props.autoComplete ?? "off"}
          autoCapitalize="none"
          spellcheck={false}
          inputMode={number ? "decimal" : props.inputMode}
          placeholder={props.placeholder}
          maxLength={props.maxLength}
          required={props.required}
          class={number ? "figure" : undefined}
          aria-invalid={error ? true : undefined}
          aria-describedby={note ? `${id}-note` : undefined}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
        {unit !== undefined && <span class="unit">{unit}</span>}
      </div>
      {note && <p class="note" id={`${id}-note`}>{note}</p>}
    </div>
  );
}

/** Tells password managers whose password a form is about. */
export function UserName({ email }: { email: string }) {
  return (
    <input
      class="unseen"
      type="text"
      autoComplete="username"
      value={email}
      readOnly
      tabIndex={-1}
      aria-hidden="true"
    />
  );
}

interface ChoiceProps<V extends string | number> {
  label: string;
  value: V;
  choices: readonly (readonly [V, string])[];
  onChange: (value: V) => void;
  hideLabel?: boolean;
}

export function Select<V extends string | number>(props: ChoiceProps<V>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={props.hideLabel ? "unseen" : undefined}>{props.label}</label>
      <div class="box select">
        <select
          id={id}
          value={String(props.value)}
          onChange={(event) => {
            const chosen = event.currentTarget.value;
            const found = props.choices.find(([value]) => String(value) === chosen);
            if (found) props.onChange(found[0]);
          }}
        >
          {props.choices.map(([value, name]) => (
            <option key={value} value={String(value)}>{name}</option>
          ))}
        </select>
      </div>
    </div>
  );
}

/** A few choices side by side, of which one holds. */
export function Segments<V extends string | number>(
  props: ChoiceProps<V> & { look?: "tabs" | "pills" | "sides"; class?: string },
) {
  return (
    <div class={classes("segments", props.look ?? "pills", props.class)} role="group" aria-label={props.label}>
      {props.choices.map(([value, name]) => (
        <button
          key={value}
          type="button"
          data-value={value}
          aria-pressed={value === props.value}
          onClick={() => props.onChange(value)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

export function Check(props: { label: string; value: boolean; onChange: (value: boolean) => void }) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={props.value}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span>{props.label}</span>
    </label>
  );
}

/** A figure that shows by colour and sign which way it goes. */
export function Change({ value, children }: { value: string; children?: ComponentChildren }) {
  return <span class={classes("figure", trend(value))}>{children ?? amount(value)}</span>;
}

export function Empty({ title, hint }: { title: string; hint?: string }) {
  return (
    <div class="empty">
      <p>{title}</p>
      {hint && <p class="quiet">{hint}</p>}
    </div>
  );
}

/** Something the reader should know; with `alert` it is read out at once. */
export function Notice(props: {
  look?: "info" | "warn" | "bad" | "good";
  alert?: boolean;
  children: ComponentChildren;
}) {
  return (
    <div class={classes("notice", props.look ?? "info")} role={props.alert ? "alert" : undefined}>
      {props.children}
    </div>
  );
}

/** What a refusal says to people. */
export function sentenceOf(refusal: Refusal): string {
  const known = t.errors.reasons[refusal.reason];
  if (known) return known;
  if (refusal.reason === "" && [Code.Unavailable, Code.Unknown].includes(refusal.code)) {
    return t.errors.outage;
  }
  const text = refusal.message || t.errors.generic;
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  const { allowed } = refusal.facts;
  return allowed && !sentence.includes(allowed)
    ? `${sentence}. ${t.errors.allowed(allowed)}`
    : sentence;
}

/** What an error says to people. */
export function sentenceOfError(error: unknown): string {
  if (error instanceof Said) return error.message;
  return isOutage(error) && !refusalOf(error).reason ? t.errors.outage : sentenceOf(refusalOf(error));
}

/** An id for a wish: sent again it is the same wish, and another one has another id. */
export function useRequestId(prefix: string, wish: readonly unknown[]): string {
  return useMemo(() => newId(prefix), wish);
}

export function Failure({ error }: { error: unknown }) {
  if (error === undefined) return null;
  return <Notice look="bad" alert>{sentenceOfError(error)}</Notice>;
}

/** An action that takes a while: whether it runs, and why it failed. */
export function useAction<A extends unknown[]>(
  action: (...given: A) => Promise<void>,
): { run: (...given: A) => void; busy: boolean; error: unknown; clear: () => void } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const running = useRef(false);
  const run = (...given: A) => {
    if (running.current) return;
    running.current = true;
    setBusy(true);
    setError(undefined);
    action(...given)
      .catch((failure: unknown) => setError(failure))
      .finally(() => {
        running.current = false;
        setBusy(false);
      });
  };
  return { run, busy, error, clear: () => setError(undefined) };
}

/**
 * What the house tells of what the keys name, asked once more whenever one of `news` changes.
 *
 * An answer stays while the next is on its way, but never under other keys. Asked again meanwhile,
 * the house is asked once more after that: a slow answer is not thrown away for a later one.
 */
export function useAnswer<T>(
  ask: () => Promise<T>,
  keys: readonly unknown[],
  news: readonly unknown[] = [],
): { answer: T | undefined; error: unknown; again: () => void } {
  const [told, setTold] = useState<{ answer?: T; error?: unknown }>({});
  const asked = useRef({ round: 0, busy: false, missed: false });
  const newest = useRef(ask);
  newest.current = ask;
  const load = () => {
    const state = asked.current;
    const { round } = state;
    state.busy = true;
    state.missed = false;
    const tell = (change: { answer?: T; error?: unknown }) => {
      if (round !== state.round) return;
      state.busy = false;
      setTold((before) => ({ ...before, ...change }));
      if (state.missed) load();
    };
    newest.current().then((answer) => tell({ answer, error: undefined }), (error: unknown) => tell({ error }));
  };
  const again = () => {
    if (asked.current.busy) asked.current.missed = true;
    else load();
  };
  useEffect(() => {
    setTold({});
    load();
    return () => {
      asked.current.round += 1;
      asked.current.busy = false;
    };
  }, keys);
  const opened = useRef(false);
  useEffect(() => {
    if (opened.current) again();
    opened.current = true;
  }, news);
  return { answer: told.answer, error: told.error, again };
}

/** Ask again and again while somebody looks. */
export function useEvery(ms: number, again: () => void): void {
  const newest = useRef(again);
  newest.current = again;
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && newest.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

/**
 * A list that the house tells page by page, begun again whenever a key changes.
 *
 * What an older key asked for is not shown, however late it comes.
 */
export function usePages<R>(
  ask: (pageToken: string) => Promise<{ rows: readonly R[]; next: string }>,
  keys: readonly unknown[],
): { rows: readonly R[] | undefined; error: unknown; busy: boolean; more: (() => void) | undefined } {
  const [shown, setShown] = useState<{ rows: readonly R[]; next: string } | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const [busy, setBusy] = useState(false);
  const asked = useRef(0);
  const load = (pageToken: string, before: readonly R[]) => {
    const mine = (asked.current += 1);
    const wanted = () => asked.current === mine;
    setBusy(true);
    ask(pageToken)
      .then(
        ({ rows, next }) => {
          if (!wanted()) return;
          setShown({ rows: [...before, ...rows], next });
          setError(undefined);
        },
        (failure: unknown) => wanted() && setError(failure),
      )
      .finally(() => wanted() && setBusy(false));
  };
  useEffect(() => {
    load("", []);
    return () => {
      asked.current += 1;
    };
  }, keys);
  const more = shown?.next ? () => load(shown.next, shown.rows) : undefined;
  return { rows: shown?.rows, error, busy, more };
}

/** Rows as they are told now, then those known from before that are not among them. */
export function merged<R>(newest: readonly R[], before: readonly R[], idOf: (row: R) => string): readonly R[] {
  const told = new Set(newest.map(idOf));
  return [...newest, ...before.filter((row) => !told.has(idOf(row)))];
}

/** So many pages of a living list are asked for again: what is further back stays as it was told. */
const LIVE_PAGES_MAX = 10;

/**
 * A list, newest first, of which all that is shown is asked for again and again; older rows come page
 * by page from where the last one ended, and stay.
 */
export function useLivePages<R>(
  ask: (pageToken: string) => Promise<{ rows: readonly R[]; next: string }>,
  keys: readonly unknown[],
  idOf: (row: R) => string,
  everyMs: number,
): { rows: readonly R[] | undefined; error: unknown; busy: boolean; more: (() => void) | undefined } {
  const opened = useRef(1);
  const first = useAnswer(async () => {
    const rows: R[] = [];
    let next = "";
    for (let page = 0; page < Math.min(opened.current, LIVE_PAGES_MAX) && (next || !page); page += 1) {
      const told = await ask(next);
      rows.push(...told.rows);
      next = told.next;
    }
    return { rows, next };
  }, keys);
  useEvery(everyMs, first.again);
  const [shown, setShown] = useState<{ rows: readonly R[]; next?: string } | undefined>(undefined);
  const round = useRef(0);
  useEffect(() => () => {
    round.current += 1;
    opened.current = 1;
    setShown(undefined);
  }, keys);
  useEffect(() => {
    const newest = first.answer;
    if (newest) setShown((before) => ({ ...before, rows: merged(newest.rows, before?.rows ?? [], idOf) }));
  }, [first.answer]);
  const next = shown?.next ?? first.answer?.next ?? "";
  const older = useAction(async () => {
    const mine = round.current;
    const page = await ask(next);
    if (mine !== round.current) return;
    opened.current += 1;
    setShown((before) => ({ rows: merged(before?.rows ?? [], page.rows, idOf), next: page.next }));
  });
  const error = older.error ?? (shown ? undefined : first.error);
  return { rows: shown?.rows, error, busy: older.busy, more: next ? older.run : undefined };
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}

/** A window above the page; the browser keeps the keyboard in it and gives focus back. */
export function Dialog({ title, onClose, children, wide }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const pressedOutside = useRef(false);
  const id = useId();
  useEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      class={classes("dialog", wide && "wide")}
      onClose={onClose}
      onPointerDown={(event) => {
        pressedOutside.current = event.target === element.current;
      }}
      onClick={(event) => {
        // What is marked inside and let go outside is a click on what has both in it.
        if (pressedOutside.current && event.target === element.current) element.current?.close();
      }}
    >
      <div class="inside">
        <header>
          <h2 id={id}>{title}</h2>
          <button
            type="button"
            class="icon-button"
            aria-label={t.app.close}
            onClick={() => element.current?.close()}
          >
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

// --- Toasts ----------------------------------------------------------------------------------

interface Toast {
  id: number;
  look: "good" | "bad" | "info";
  text: string;
}

const TOAST_MS = 6_000;
const toasts = new Store<{ shown: readonly Toast[] }>({ shown: [] });
let toastId = 0;

/** Tell something in passing. */
export function say(text: string, look: Toast["look"] = "good"): void {
  const toast = { id: (toastId += 1), look, text };
  toasts.setNow({ shown: [...toasts.state.shown.slice(-3), toast] });
  setTimeout(() => drop(toast.id), TOAST_MS);
}

function drop(id: number): void {
  toasts.setNow({ shown: toasts.state.shown.filter((toast) => toast.id !== id) });
}

export function Toasts() {
  const shown = useStore(toasts, (state) => state.shown);
  return (
    <div class="toasts" role="status">
      {shown.map(({ id, look, text }) => (
        <div key={id} class={classes("toast", look)}>
          <Icon name={look === "bad" ? "warn" : look === "good" ? "check" : "info"} />
          <span>{text}</span>
        </div>
      ))}
    </div>
  );
}

// --- Icons -----------------------------------------------------------------------------------

const ICONS = {
  close: "M5 5l10 10M15 5L5 15",
  check: "M4 10.5l4 4 8-9",
  warn: "M10 3l8 14H2zM10 8v4M10 14.5v.1",
  info: "M10 9v5M10 6v.1M10 2a8 8 0 100 16 8 8 0 000-16z",
  trade: "M5 3v3M5 12v5M3 6h4v6H3zM14 2v4M14 13v4M12 6h4v7h-4z",
  portfolio: "M10 2v8l5.6 5.6M10 2a8 8 0 108 8",
  strategies: "M3 14l4-5 3 3 4-6 3 3M3 17h14",
  wallets: "M3 6h14v11H3zM3 6l2-3h10l2 3M13 11h4v2h-4z",
  staff: "M7 9a3 3 0 100-6 3 3 0 000 6zM1.500 17c.5-3.400 2.600-5 5.500-5s5 1.600 5.500 5M13 4l1.500 1.500L18 2M13 9h5M14 13h4",
  admin: "M4 3v14M10 3v14M16 3v14M2 7h4M8 13h4M14 6h4",
  security: "M10 2l7 3v5c0 4-3 7-7 8-4-1-7-4-7-8V5zM7 10l2 2 4-4",
  person: "M10 9a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM3 18c.6-4 3.500-6 7-6s6.400 2 7 6",
  down: "M5 8l5 5 5-5",
  copy: "M7 7h10v10H7zM3 13V3h10",
  plus: "M10 4v12M4 10h12",
  indicator: "M3 15l4-6 4 3 6-8M3 18h14",
  swap: "M4 7h12l-3-3M16 13H4l3 3",
} as const;

export type IconName = keyof typeof ICONS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={ICONS[name]} />
    </svg>
  );
}

/** Put text where it can be pasted from. */
export function CopyButton({ text }: { text: string }) {
  const [done, setDone] = useState(false);
  return (
    <Button
      small
      look="quiet"
      onClick={() => {
        void navigator.clipboard?.writeText(text).then(() => setDone(true));
      }}
    >
      <Icon name={done ? "check" : "copy"} /> {done ? t.app.copied : t.app.copy}
    </Button>
  );
}
