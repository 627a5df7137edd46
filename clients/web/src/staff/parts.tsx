// What the screens of staff and administrators are made of, beside the parts of every screen.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { t } from "../messages";
import { Button, Empty, Failure } from "../ui";

/** A screen with its parts as links above. */
export function Parted({ title, root, part, parts, children }: {
  title: string;
  root: string;
  part: string;
  parts: readonly (readonly [path: string, name: string])[];
  children: ComponentChildren;
}) {
  return (
    <main id="content" class="screen staff">
      <header class="title">
        <h1>{title}</h1>
        <nav class="segments pills" aria-label={t.staff.parts}>
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
export function Listing({ id, title, columns, empty, hint, acts, error, more, busy, children, count, acting = true }: {
  id: string;
  title: string;
  columns: readonly string[];
  /** How many rows there are; undefined while they are not known. */
  count: number | undefined;
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
export function Lines({ label, value, onInput, rows, maxLength }: {
  label: string;
  value: string;
  onInput: (value: string) => void;
  rows: number;
  maxLength: number;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="box">
        <textarea
          id={id} rows={rows} maxLength={maxLength} value={value} required
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      </div>
    </div>
  );
}

/** Hand a file over to the browser's own folder. */
export function save(name: string, blob: Blob): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
