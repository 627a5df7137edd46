// How much a scope may do, and the limits of one purse: forms that set all of it anew.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { plain } from "../../decimal";
import { desk, takingOrders } from "../../desk";
import { AdminService, SetRiskLimitsRequestSchema } from "../../gen/xache/v1/admin_pb";
import { type PurseLimits, type RiskBounds, RiskService, SetRiskBoundsRequestSchema } from "../../gen/xache/v1/risk_pb";
import { t } from "../../messages";
import { useStore } from "../../store";
import { Field, say, useAction, useRequestId } from "../../ui";
import { Asking, type Sum, Sums, areSums, countOf, wrongsOf } from "./asking";
import { EMPTY_SCOPE, type Scope, ScopeFields, isScope, scopeErrors, scopeOf, scopeText } from "./scope";
import { admin, coded, risk } from "./services";

export const AMOUNTS = ["maxOrderNotional", "maxPosition", "maxNotionalPerMinute", "maxDailyLoss", "maxDrawdown"] as const;
type Amounts = Record<(typeof AMOUNTS)[number], readonly Sum[]>;

function useQuotes(): readonly string[] {
  return [...new Set(useStore(desk, ({ instruments }) => instruments).map(({ quote }) => quote))];
}

function sent(sums: readonly Sum[]): Sum[] {
  return sums.map(({ asset, amount }) => ({ asset, amount: plain(amount) }));
}

export function Bounds({ before, onClose, onDone }: {
  /** The bounds to change; undefined for those of another scope. */
  before: RiskBounds | undefined;
  onClose: () => void;
  onDone: () => void;
}) {
  const quotes = useQuotes();
  const symbols = takingOrders({ instruments: useStore(desk, ({ instruments }) => instruments) }).map(({ symbol }) => symbol);
  const [chosen, setChosen] = useState<Scope>(EMPTY_SCOPE);
  const [orders, setOrders] = useState(before?.maxOpenOrders === undefined ? "" : String(before.maxOpenOrders));
  const [amounts, setAmounts] = useState<Amounts>(() => Object.fromEntries(
    AMOUNTS.map((name) => [name, before?.[name].map(({ asset, amount }) => ({ asset, amount })) ?? []]),
  ) as unknown as Amounts);
  const scope = before?.scope ?? scopeOf(chosen, symbols);
  const requestId = useRequestId("bounds", [scope, orders, amounts]);
  const set = useAction(async () => {
    const maxOpenOrders = countOf(orders);
    const request = create(SetRiskBoundsRequestSchema, {
      requestId,
      bounds: {
        scope,
        ...(maxOpenOrders === undefined ? {} : { maxOpenOrders }),
        ...Object.fromEntries(AMOUNTS.map((name) => [name, sent(amounts[name])])),
      },
    });
    await coded(RiskService, "SetRiskBounds", SetRiskBoundsRequestSchema, request, risk.setRiskBounds);
    say(t.admin.boundsSet(scopeText(scope)));
    onDone();
  });
  const mistake = orders.trim() && countOf(orders) === undefined ? t.admin.wrong.count : undefined;
  const wrong = wrongsOf(set.error, [...(before ? [] : scopeErrors(chosen)), "max_open_orders"]);
  const ready = !mistake && AMOUNTS.every((name) => areSums(amounts[name])) && (before !== undefined || isScope(chosen));
  return (
    <Asking
      wide title={before ? t.admin.boundsOf(scopeText(before.scope)) : t.admin.newBounds} submit={t.admin.setBounds}
      ready={ready} busy={set.busy} error={wrong.rest} onSubmit={() => set.run()} onClose={onClose}
    >
      <p class="quiet">{t.admin.boundsText}</p>
      {!before && <ScopeFields scope={chosen} symbols={symbols} onChange={setChosen} error={wrong.at("scope")} />}
      <Field
        label={t.admin.boundNames.maxOpenOrders} hint={t.admin.mayBeEmpty} value={orders} onInput={setOrders}
        error={mistake ?? wrong.at("max_open_orders")} number
      />
      <div class="pair">
        {AMOUNTS.map((name) => (
          <Sums
            key={name}
            label={t.admin.boundNames[name]}
            hint={t.admin.bound}
            sums={amounts[name]}
            assets={quotes}
            onChange={(changed) => setAmounts({ ...amounts, [name]: changed })}
          />
        ))}
      </div>
    </Asking>
  );
}

/** What one purse may do at most, in place of what every purse may. */
export function Limits({ before, onClose, onDone }: {
  /** The limits to change; undefined for those of another purse. */
  before: PurseLimits | undefined;
  onClose: () => void;
  onDone: () => void;
}) {
  const quotes = useQuotes();
  const [account, setAccount] = useState(before?.accountId ?? "");
  const [purse, setPurse] = useState(before?.subaccount ?? "main");
  const [orders, setOrders] = useState(before ? String(before.maxOpenOrders) : "");
  const [sums, setSums] = useState<readonly Sum[]>(
    () => before?.maxOrderNotional.map(({ asset, amount }) => ({ asset, amount })) ?? [],
  );
  const requestId = useRequestId("limits", [account, purse, orders, sums]);
  const set = useAction(async () => {
    const request = create(SetRiskLimitsRequestSchema, {
      accountId: account.trim(), subaccount: purse.trim(), maxOpenOrders: countOf(orders) ?? 0, requestId,
      maxOrderNotional: Object.fromEntries(sent(sums).map((each) => [each.asset, each.amount])),
    });
    await coded(AdminService, "SetRiskLimits", SetRiskLimitsRequestSchema, request, admin.setRiskLimits);
    say(t.admin.limitsSet(`${account.trim()}/${purse.trim()}`));
    onDone();
  });
  const wrong = wrongsOf(
    set.error, [...(before ? [] : ["account_id", "subaccount", "purse"]), "max_open_orders", "max_order_notional"],
  );
  const mistake = orders && countOf(orders) === undefined ? t.admin.wrong.count : undefined;
  const ready = account.trim() !== "" && countOf(orders) !== undefined && areSums(sums);
  return (
    <Asking
      title={before ? t.admin.limitsOf(`${account}/${purse}`) : t.admin.limits} submit={t.admin.setLimits} ready={ready} busy={set.busy} error={wrong.rest}
      onSubmit={() => set.run()} onClose={onClose}
    >
      <p class="quiet">{t.admin.limitsText}</p>
      {!before && (
        <div class="pair">
          <Field label={t.staff.account} value={account} onInput={setAccount} error={wrong.at("account_id") ?? wrong.at("purse")} maxLength={60} autoFocus required />
          <Field label={t.app.purse} hint={t.admin.purseHint} value={purse} onInput={setPurse} error={wrong.at("subaccount")} maxLength={32} required />
        </div>
      )}
      <Field label={t.admin.boundNames.maxOpenOrders} value={orders} onInput={setOrders} error={mistake ?? wrong.at("max_open_orders")} number required />
      <Sums
        label={t.admin.boundNames.maxOrderNotional} hint={t.admin.bound} sums={sums} assets={quotes} onChange={setSums}
        error={wrong.at("max_order_notional")}
      />
      <p class="quiet">{t.admin.limitsHint}</p>
    </Asking>
  );
}
