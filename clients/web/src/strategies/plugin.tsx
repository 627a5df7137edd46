// A plugin: what it is, its settings, and what to do with them: try them on the past, or run them.

import { useState } from "preact/hooks";
import { desk, venuesOf } from "../desk";
import type { StrategyPlugin } from "../gen/xache/v1/strategy_pb";
import { t } from "../messages";
import { useStore } from "../store";
import { Failure, Segments, useAnswer } from "../ui";
import { BacktestForm } from "./backtest_form";
import { LookAhead } from "./catalogue";
import { StrategyForm } from "./strategy_form";
import { strategies } from "./services";
import { SettingsForm } from "./settings_form";
import { type Draft, draftOf, mistakeOf, plainText, readSchema } from "./settings_schema";

const DIGEST_SHOWN = 16;

type Aim = "backtest" | "strategy";

/** What was typed for a plugin stays while the page does; others may bring settings along. */
const kept = new Map<string, { draft: Draft; aim: Aim }>();

/** Have settings of JSON in the form of a plugin when it is shown next. */
export function bring(plugin: StrategyPlugin, json: string, aim: Aim): void {
  kept.set(plugin.name, { draft: draftOf(readSchema(plugin.settingsSchemaJson).settings, json), aim });
}

export function Plugin({ name }: { name: string }) {
  const { answer, error } = useAnswer(() => strategies.listStrategyPlugins({}), []);
  const plugin = answer?.plugins.find((each) => each.name === name);
  if (!answer) return <Failure error={error} />;
  if (!plugin) return <p class="quiet">{t.strategies.noPlugin}</p>;
  return <Known plugin={plugin} />;
}

function Known({ plugin }: { plugin: StrategyPlugin }) {
  const { about, settings } = readSchema(plugin.settingsSchemaJson);
  const before = kept.get(plugin.name);
  const [draft, setDraft] = useState<Draft>(before?.draft ?? draftOf(settings));
  const [aim, setAim] = useState<Aim>(before?.aim ?? "backtest");
  const [strict, setStrict] = useState(false);
  const instruments = useStore(desk, (state) => state.instruments);
  const symbols = instruments.map(({ symbol }) => symbol);
  const venues = [...new Set(symbols.flatMap((symbol) => venuesOf(desk.state, symbol)))];
  const keep = (change: Partial<{ draft: Draft; aim: Aim }>) => {
    kept.set(plugin.name, { draft, aim, ...change });
    if (change.draft) setDraft(change.draft);
    if (change.aim) setAim(change.aim);
  };
  const several = aim === "backtest";
  const valid = () => {
    setStrict(true);
    return settings.every((each) => !mistakeOf(each, draft[each.name] ?? "", several));
  };
  const form = { plugin, settings, draft, valid, onDraft: (changed: Draft) => keep({ draft: changed }) };
  return (
    <>
      <section class="card block about" aria-labelledby="plugin">
        <h2 id="plugin">
          {plugin.name} <span class="badge">{t.strategies.version(plugin.version)}</span>
          <LookAhead passed={plugin.lookAheadPassed} />
        </h2>
        <p class="text">{plainText(plugin.about)}</p>
        <p class="quiet small">{t.strategies.digest} <code title={plugin.digest}>{plugin.digest.slice(0, DIGEST_SHOWN)}</code></p>
      </section>
      <div class="columns">
        <section class="card block" aria-labelledby="settings">
          <h2 id="settings">{t.strategies.settings}</h2>
          {about && <p class="quiet small">{about}</p>}
          <SettingsForm
            settings={settings}
            draft={draft}
            onChange={(changed) => keep({ draft: changed })}
            several={several}
            strict={strict}
            known={{ symbol: symbols, venue: venues }}
          />
        </section>
        <section class="card block" aria-label={t.strategies.aims[aim]}>
          <Segments<Aim>
            label={t.strategies.aim}
            value={aim}
            choices={[["backtest", t.strategies.aims.backtest], ["strategy", t.strategies.aims.strategy]]}
            onChange={(chosen) => keep({ aim: chosen })}
          />
          {aim === "backtest" ? <BacktestForm {...form} /> : <StrategyForm {...form} />}
        </section>
      </div>
    </>
  );
}
