// Whom a restraint or a bound is for: the house, a market, an account, or one purse of it.

import { t } from "../../messages";
import { Field, Select } from "../../ui";

export const HOUSE = "house";

export type ScopeKind = "house" | "market" | "account" | "purse";

export interface Scope {
  kind: ScopeKind;
  symbol: string;
  account: string;
  purse: string;
}

export const EMPTY_SCOPE: Scope = { kind: "house", symbol: "", account: "", purse: "main" };

const KINDS = ["house", "market", "account", "purse"] as const;

/** A scope as the house writes it. */
export function scopeOf({ kind, symbol, account, purse }: Scope, symbols: readonly string[]): string {
  switch (kind) {
    case "house":
      return HOUSE;
    case "market":
      return `market:${symbol || (symbols[0] ?? "")}`;
    case "account":
      return `account:${account.trim()}`;
    case "purse":
      return `purse:${account.trim()}/${purse.trim()}`;
  }
}

/** Whether a scope is named completely. */
export function isScope({ kind, account, purse }: Scope): boolean {
  if (kind === "account") return account.trim() !== "";
  return kind !== "purse" || (account.trim() !== "" && purse.trim() !== "");
}

/** What can be said to be wrong at the fields of a scope: a house and a market are chosen, not typed. */
export function scopeErrors({ kind }: Scope): readonly string[] {
  return kind === "account" || kind === "purse" ? ["scope"] : [];
}

/** A scope of the house's, as people read it. */
export function scopeText(scope: string): string {
  if (scope === HOUSE) return t.admin.wholeHouse;
  const [kind = "", ...rest] = scope.split(":");
  const name = t.admin.scopeKinds[kind as ScopeKind] as string | undefined;
  return name ? `${name} ${rest.join(":")}` : scope;
}

export function ScopeFields({ scope, symbols, onChange, error }: {
  scope: Scope;
  symbols: readonly string[];
  onChange: (scope: Scope) => void;
  error?: string | undefined;
}) {
  const { kind } = scope;
  const put = (change: Partial<Scope>) => onChange({ ...scope, ...change });
  return (
    <div class="pair">
      <Select<ScopeKind>
        label={t.admin.scope}
        value={kind}
        choices={KINDS.map((each) => [each, t.admin.scopeKinds[each]] as const)}
        onChange={(chosen) => put({ kind: chosen })}
      />
      {kind === "market" && (
        <Select
          label={t.admin.market}
          value={scope.symbol || (symbols[0] ?? "")}
          choices={symbols.map((each) => [each, each] as const)}
          onChange={(symbol) => put({ symbol })}
        />
      )}
      {(kind === "account" || kind === "purse") && (
        <Field label={t.staff.account} value={scope.account} onInput={(account) => put({ account })} error={error} maxLength={60} required />
      )}
      {kind === "purse" && (
        <Field label={t.app.purse} hint={t.admin.purseHint} value={scope.purse} onInput={(purse) => put({ purse })} maxLength={32} required />
      )}
    </div>
  );
}
