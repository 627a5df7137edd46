// Let a plugin run: this very content of it, and no more than is said here.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { plain } from "../../decimal";
import { desk } from "../../desk";
import { momentMs, momentText } from "../../format";
import { AdminService, ApprovePluginRequestSchema, type Plugin, PluginKind } from "../../gen/xache/v1/admin_pb";
import { t } from "../../messages";
import { useStore } from "../../store";
import { Check, Field, say, useAction } from "../../ui";
import { Lines } from "../../parts";
import { Asking, type Sum, Sums, TypedWord, areSums, countOf, wrongsOf } from "./asking";
import { admin, coded } from "./services";

const TYPED_CHARACTERS = 8;
const SETTINGS_MAX = 20_000;
/** It is tried over a history first. */
const TRIAL_MS = 120_000;
const FIELDS = ["digest", "symbols", "symbol", "max_order_notional", "max_open_orders", "max_intents_per_minute", "expires_at_ns", "settings_json", "settings"];

export function Approve({ plugin, onClose, onDone }: { plugin: Plugin; onClose: () => void; onDone: () => void }) {
  const { name, kind, digest } = plugin;
  /** What does not trade has no bounds of orders, but knows instruments and may expire. */
  const trades = kind === PluginKind.STRATEGY;
  const before = plugin.approval?.capabilities;
  const quotes = [...new Set(useStore(desk, ({ instruments }) => instruments).map(({ quote }) => quote))];
  const [symbols, setSymbols] = useState(before?.symbols.join(", ") ?? "");
  const [sums, setSums] = useState<readonly Sum[]>(
    () => Object.entries(before?.maxOrderNotional ?? {}).map(([asset, amount]) => ({ asset, amount })),
  );
  const [orders, setOrders] = useState(before?.maxOpenOrders === undefined ? "" : String(before.maxOpenOrders));
  const [intents, setIntents] = useState(before?.maxIntentsPerMinute === undefined ? "" : String(before.maxIntentsPerMinute));
  const [reduceOnly, setReduceOnly] = useState(before?.reduceOnly ?? false);
  const [expires, setExpires] = useState(before?.expiresAtNs ? momentText(before.expiresAtNs) : "");
  const [settings, setSettings] = useState("");
  const [unchecked, setUnchecked] = useState(false);
  const [typed, setTyped] = useState("");
  const approve = useAction(async () => {
    const [maxOpenOrders, maxIntentsPerMinute] = [countOf(orders), countOf(intents)];
    const bounds = {
      maxOrderNotional: Object.fromEntries(sums.map((each) => [each.asset, plain(each.amount)])),
      ...(maxOpenOrders === undefined ? {} : { maxOpenOrders }),
      ...(maxIntentsPerMinute === undefined ? {} : { maxIntentsPerMinute }),
      reduceOnly,
    };
    const request = create(ApprovePluginRequestSchema, {
      name, kind, digest, unchecked, settingsJson: settings.trim(),
      capabilities: {
        symbols: symbols.split(/[\s,]+/).filter(Boolean),
        ...(trades ? bounds : {}),
        expiresAtNs: expires.trim() ? BigInt(momentMs(expires)) * 1_000_000n : 0n,
      },
    });
    await coded(
      AdminService, "ApprovePlugin", ApprovePluginRequestSchema, request,
      (sent, options) => admin.approvePlugin(sent, { ...options, timeoutMs: TRIAL_MS }),
    );
    say(t.admin.pluginApproved(name));
    onDone();
  });
  const wrong = wrongsOf(approve.error, FIELDS);
  const start = digest.slice(0, TYPED_CHARACTERS);
  const count = (text: string) => (text.trim() && countOf(text) === undefined ? t.admin.wrong.count : undefined);
  const moment = expires.trim() && Number.isNaN(momentMs(expires)) ? t.admin.wrong.moment : undefined;
  const ready = typed === start && areSums(sums) && !count(orders) && !count(intents) && !moment;
  return (
    <Asking
      wide title={t.admin.approveOne(name)} submit={t.staff.approve} ready={ready} busy={approve.busy} error={wrong.rest}
      onSubmit={() => approve.run()} onClose={onClose}
    >
      <p>{t.admin.approveText}</p>
      <p class="digest"><span class="quiet">{t.admin.digest}</span> <code>{digest}</code></p>
      {wrong.at("digest") && <p class="note down">{wrong.at("digest")}</p>}
      <Field
        label={t.admin.capability.symbols} hint={t.admin.symbolsHint} value={symbols} onInput={setSymbols}
        error={wrong.at("symbols") ?? wrong.at("symbol")}
      />
      {trades && (
        <>
          <Sums
            label={t.admin.capability.notional} hint={t.admin.bound} sums={sums} assets={quotes} onChange={setSums}
            error={wrong.at("max_order_notional")}
          />
          <div class="pair">
            <Field label={t.admin.capability.orders} hint={t.admin.mayBeEmpty} value={orders} onInput={setOrders} error={count(orders) ?? wrong.at("max_open_orders")} number />
            <Field label={t.admin.capability.intents} hint={t.admin.mayBeEmpty} value={intents} onInput={setIntents} error={count(intents) ?? wrong.at("max_intents_per_minute")} number />
          </div>
        </>
      )}
      <Field
        label={t.admin.capability.expires} hint={t.admin.expiresHint} value={expires} onInput={setExpires}
        error={moment ?? wrong.at("expires_at_ns")} placeholder={t.rules.endsForm} maxLength={16}
      />
      {trades && <Check label={t.admin.capability.reduceOnly} value={reduceOnly} onChange={setReduceOnly} />}
      <details>
        <summary>{t.admin.trial}</summary>
        <div class="stack">
          <Lines optional label={t.admin.trialSettings} value={settings} onInput={setSettings} rows={3} maxLength={SETTINGS_MAX} />
          {(wrong.at("settings_json") ?? wrong.at("settings")) && <p class="note down">{wrong.at("settings_json") ?? wrong.at("settings")}</p>}
          <Check label={t.admin.unchecked} value={unchecked} onChange={setUnchecked} />
        </div>
      </details>
      <TypedWord word={start} value={typed} onInput={setTyped} hint={t.admin.digestHint} />
    </Asking>
  );
}
