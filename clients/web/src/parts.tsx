// What screens with several parts, long tables and facts are made of, beside the parts of every screen.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { t } from "./messages";
import { Button, Empty, Failure, classes } from "./ui";

/** A screen with its parts as links above. */
export function Parted({ title, root, part, parts, look, children }: {
  title: string;
  look?: string;
  root: string;
  part: string;
  parts: readonly (readonly [path: string, name: string])[];
  children: ComponentChildren;
}) {
  return (
    <main id="content" class={classes("screen", look)}>
      <header class="title">
        <h1>{title}</h1>
        <nav class="segments pills" aria-label={t.app.parts}>
          {parts.map(([path, name]) => (
            <a key={path} href={path ? `${root}/${path}` : root} aria-current={path === part ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
      </header>
      {children}
    </main>
  );
}

/** A card with a table: headings, then rows. */
export function Listing({ id, title, columns, lead, empty, hint, acts, error, more, busy, children, count, acting = true }: {
  id: string;
  title: string;
  columns: readonly string[];
  /** How many rows there are; undefined while they are not known. */
  count: number | undefined;
  lead?: string;
  empty: string;
  hint?: string;
  acts?: ComponentChildren;
  error?: unknown;
  more?: (() => void) | undefined;
  busy?: boolean;
  /** The last column has no heading of its own: it has buttons. */
  acting?: boolean;
  children: ComponentChildren;
}) {
  return (
    <section class="card" aria-labelledby={id}>
      <header class="head">
        <h2 id={id}>{title}</h2>
        {acts}
      </header>
      {lead && <p class="lead quiet">{lead}</p>}
      <Failure error={error} />
      {count === 0 && <Empty title={empty} {...(hint ? { hint } : {})} />}
      {count !== undefined && count > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="table cards" id={`${id}-list`}>
            <thead>
              <tr>
                {columns.map((name, index) => (
                  <th key={name} scope="col">{acting && index === columns.length - 1 ? <span class="unseen">{name}</span> : name}</th>
                ))}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
      {more && <p class="foot"><Button small busy={busy ?? false} onClick={more}>{t.app.more}</Button></p>}
    </section>
  );
}

/** Names and values below one another. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="told">
      {facts.map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd>{value === "" ? t.app.nothing : value}</dd></div>
      ))}
    </dl>
  );
}

/** A field for several lines. */
export function Lines({ label, value, onInput, rows, maxLength, optional }: {
  label: string;
  value: string;
  onInput: (value: string) => void;
  rows: number;
  maxLength: number;
  optional?: boolean;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="box">
        <textarea
          id={id} rows={rows} maxLength={maxLength} value={value} required={!optional}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      </div>
    </div>
  );
}
