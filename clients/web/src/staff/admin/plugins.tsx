// Code that is not the house's own: what is installed, and what an operator lets run.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { momentOf } from "../../format";
import {
  AdminService, type GetPluginResponse, type Plugin, PluginKind, PluginState, QuarantinePluginRequestSchema,
  ReleasePluginRequestSchema, WithdrawPluginRequestSchema,
} from "../../gen/xache/v1/admin_pb";
import { t } from "../../messages";
import { Button, Failure, Notice, classes, say, useAction, useAnswer } from "../../ui";
import { Facts, Listing } from "../../parts";
import { Asking, CauseField, TypedWord, wrongsOf } from "./asking";
import { Approve } from "./plugin_approval";
import { admin, coded } from "./services";

const KINDS: Readonly<Record<string, PluginKind>> = {
  strategy: PluginKind.STRATEGY, signal: PluginKind.SIGNAL, feed: PluginKind.FEED, notifier: PluginKind.NOTIFIER,
};
const LOOKS: Readonly<Record<number, string>> = {
  [PluginState.APPROVED]: "good", [PluginState.CONFIGURED]: "good",
  [PluginState.QUARANTINED]: "bad", [PluginState.CHANGED]: "bad", [PluginState.AMBIGUOUS]: "bad",
};
const FILES_SHOWN = 100;

/** What a kind is called in the address of a plugin. */
function kindName(kind: PluginKind): string {
  return Object.keys(KINDS).find((name) => KINDS[name] === kind) ?? "";
}

function StateBadge({ plugin }: { plugin: Plugin }) {
  return <span class={classes("badge", LOOKS[plugin.state] ?? "warn")}>{t.admin.pluginStates[plugin.state]}</span>;
}

export function Plugins() {
  const { answer, error } = useAnswer(() => admin.listPlugins({}), []);
  return (
    <Listing
      id="plugins"
      title={t.admin.plugins}
      columns={[t.admin.plugin, t.admin.kind, t.admin.state, t.admin.installed, t.staff.look]}
      count={answer?.plugins.length}
      empty={t.admin.noPlugins}
      hint={t.admin.noPluginsHint}
      error={error}
    >
      {answer?.plugins.map((each) => (
        <tr key={`${each.kind} ${each.name}`}>
          <td class="head wraps" data-label={t.admin.plugin}>
            {each.name}
            {each.why && <span class="sub">{each.why}</span>}
          </td>
          <td data-label={t.admin.kind}>{t.admin.pluginKinds[each.kind]}</td>
          <td data-label={t.admin.state}><StateBadge plugin={each} /></td>
          <td class="wraps" data-label={t.admin.installed}>{each.distribution ? `${each.distribution} ${each.version}` : t.app.nothing}</td>
          <td class="right act">
            <a class="button small" aria-label={t.staff.lookAt(each.name)} href={`/admin/plugins/${kindName(each.kind)}/${encodeURIComponent(each.name)}`}>
              {t.staff.look}
            </a>
          </td>
        </tr>
      ))}
    </Listing>
  );
}

type Wish = "approve" | "withdraw" | "quarantine" | "release";

export function OnePlugin({ kind, name }: { kind: string; name: string }) {
  const { answer, error, again } = useAnswer(() => admin.getPlugin({ name, kind: KINDS[kind] ?? PluginKind.UNSPECIFIED }), [kind, name]);
  const [wish, setWish] = useState<Wish | undefined>(undefined);
  const plugin = answer?.plugin;
  if (!plugin) return <Failure error={error} />;
  const close = () => setWish(undefined);
  const done = () => {
    close();
    again();
  };
  return (
    <>
      <section class="card block" aria-labelledby="plugin">
        <h2 id="plugin">{plugin.name} <StateBadge plugin={plugin} /></h2>
        {plugin.why && <Notice look="warn">{plugin.why}</Notice>}
        {answer.about && <p>{answer.about}</p>}
        <Facts
          facts={[
            [t.admin.kind, t.admin.pluginKinds[plugin.kind] ?? ""],
            [t.admin.installed, plugin.distribution ? `${plugin.distribution} ${plugin.version}` : ""],
            [t.admin.entryPoint, plugin.entryPoint],
            [t.admin.keptFrom, plugin.excludedOwners ? t.admin.owners(plugin.excludedOwners) : ""],
          ]}
        />
        {plugin.digest && <p class="digest"><span class="quiet">{t.admin.digest}</span> <code>{plugin.digest}</code></p>}
        <div class="acts start">
          {plugin.digest && plugin.state !== PluginState.APPROVED && <Button look="primary" onClick={() => setWish("approve")}>{t.staff.approve}</Button>}
          {plugin.digest && plugin.state === PluginState.APPROVED && <Button onClick={() => setWish("approve")}>{t.admin.approveAgain}</Button>}
          {plugin.approval && <Button look="danger" onClick={() => setWish("withdraw")}>{t.admin.withdraw}</Button>}
          {!plugin.quarantine && <Button look="danger" onClick={() => setWish("quarantine")}>{t.admin.quarantine}</Button>}
          {(plugin.quarantine || plugin.excludedOwners > 0) && <Button onClick={() => setWish("release")}>{t.admin.release}</Button>}
        </div>
      </section>
      <div class="columns">
        <Approval plugin={plugin} />
        <Quarantine plugin={plugin} />
      </div>
      <Content told={answer} />
      {wish === "approve" && <Approve plugin={plugin} onClose={close} onDone={done} />}
      {(wish === "withdraw" || wish === "quarantine" || wish === "release") && (
        <Decide wish={wish} plugin={plugin} onClose={close} onDone={done} />
      )}
    </>
  );
}

function Approval({ plugin: { approval } }: { plugin: Plugin }) {
  const may = approval?.capabilities;
  const sizes = Object.entries(may?.maxOrderNotional ?? {}).map(([asset, most]) => `${most} ${asset}`).sort();
  return (
    <section class="card block" aria-labelledby="approval">
      <h2 id="approval">{t.admin.approval}</h2>
      {!approval && <p class="quiet">{t.admin.notApproved}</p>}
      {approval && (
        <>
          <Facts
            facts={[
              [t.admin.version, approval.version],
              [t.admin.by, <code>{approval.approvedBy}</code>],
              [t.admin.when, momentOf(approval.approvedAtNs)],
              [t.admin.lookAhead, t.admin.lookAheads[approval.lookAhead] ?? ""],
              [t.admin.capability.symbols, may?.symbols.join(", ") || t.admin.all],
              [t.admin.capability.notional, sizes.join(", ") || t.admin.unbounded],
              [t.admin.capability.orders, may?.maxOpenOrders === undefined ? t.admin.unbounded : String(may.maxOpenOrders)],
              [t.admin.capability.intents, may?.maxIntentsPerMinute === undefined ? t.admin.unbounded : String(may.maxIntentsPerMinute)],
              [t.admin.capability.reduceOnly, may?.reduceOnly ? t.admin.yes : t.admin.no],
              [t.admin.capability.expires, may?.expiresAtNs ? momentOf(may.expiresAtNs) : t.admin.never],
            ]}
          />
          <p class="digest"><span class="quiet">{t.admin.digest}</span> <code>{approval.digest}</code></p>
        </>
      )}
    </section>
  );
}

function Quarantine({ plugin: { quarantine } }: { plugin: Plugin }) {
  return (
    <section class="card block" aria-labelledby="quarantine">
      <h2 id="quarantine">{t.admin.inQuarantine}</h2>
      {!quarantine && <p class="quiet">{t.admin.notQuarantined}</p>}
      {quarantine && (
        <Facts
          facts={[
            [t.staff.cause, quarantine.cause],
            [t.admin.by, quarantine.quarantinedBy ? <code>{quarantine.quarantinedBy}</code> : t.admin.houseItself],
            [t.admin.when, momentOf(quarantine.quarantinedAtNs)],
          ]}
        />
      )}
    </section>
  );
}

/** What an approval would be of: its settings, and its files one by one. */
function Content({ told }: { told: GetPluginResponse }) {
  return (
    <section class="card block" aria-labelledby="made-of">
      <h2 id="made-of">{t.admin.content}</h2>
      {told.settingsSchemaJson && (
        <details>
          <summary>{t.admin.settings}</summary>
          <pre class="evidence" tabIndex={0}>{pretty(told.settingsSchemaJson)}</pre>
        </details>
      )}
      {told.files.length === 0 && <p class="quiet">{t.admin.noFiles}</p>}
      {told.files.length > 0 && (
        <details>
          <summary>{t.admin.files(told.fileCount)}</summary>
          <ul class="files">
            {told.files.slice(0, FILES_SHOWN).map(({ path, sha256 }) => (
              <li key={path}><span>{path}</span> <code class="quiet">{sha256 || t.admin.missing}</code></li>
            ))}
          </ul>
          {told.fileCount > Math.min(told.files.length, FILES_SHOWN) && <p class="quiet">{t.admin.moreFiles}</p>}
        </details>
      )}
    </section>
  );
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), undefined, 2);
  } catch {
    return json;
  }
}

function Decide({ wish, plugin: { name, kind }, onClose, onDone }: {
  wish: Exclude<Wish, "approve">;
  plugin: Plugin;
  onClose: () => void;
  onDone: () => void;
}) {
  const [cause, setCause] = useState("");
  const [typed, setTyped] = useState("");
  const decide = useAction(async () => {
    switch (wish) {
      case "withdraw": {
        const request = create(WithdrawPluginRequestSchema, { name, kind });
        await coded(AdminService, "WithdrawPlugin", WithdrawPluginRequestSchema, request, admin.withdrawPlugin);
        break;
      }
      case "quarantine": {
        const request = create(QuarantinePluginRequestSchema, { name, kind, cause: cause.trim() });
        await coded(AdminService, "QuarantinePlugin", QuarantinePluginRequestSchema, request, admin.quarantinePlugin);
        break;
      }
      case "release": {
        const request = create(ReleasePluginRequestSchema, { name, kind });
        await coded(AdminService, "ReleasePlugin", ReleasePluginRequestSchema, request, admin.releasePlugin);
      }
    }
    say(t.admin.decided[wish](name));
    onDone();
  });
  const wrong = wrongsOf(decide.error, ["cause"]);
  return (
    <Asking
      title={`${t.admin[wish]}: ${name}`} submit={t.admin[wish]} danger={wish !== "release"} ready={typed === name}
      busy={decide.busy} error={wrong.rest} onSubmit={() => decide.run()} onClose={onClose}
    >
      <p>{t.admin.decideTexts[wish]}</p>
      {wish === "quarantine" && <CauseField value={cause} onInput={setCause} error={wrong.at("cause")} autoFocus />}
      <TypedWord word={name} value={typed} onInput={setTyped} />
    </Asking>
  );
}
