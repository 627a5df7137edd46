// Other settings, another budget: for a strategy that does not run.

import { useState } from "preact/hooks";
import { refusalOf } from "../api";
import { desk, venuesOf } from "../desk";
import type { Strategy, StrategyPlugin } from "../gen/xache/v1/strategy_pb";
import { t } from "../messages";
import { useStore } from "../store";
import { Button, Dialog, Failure, Field, Notice, say, sentenceOf, useAction, useAnswer } from "../ui";
import { strategies } from "./services";
import { SettingsForm } from "./settings_form";
import { draftOf, jsonOf, mistakeOf, readSchema } from "./settings_schema";

export function ChangeStrategy(props: { strategy: Strategy; onClose: () => void; onChanged: () => void }) {
  const { answer, error } = useAnswer(() => strategies.listStrategyPlugins({}), []);
  const plugin = answer?.plugins.find(({ name }) => name === props.strategy.plugin);
  return (
    <Dialog wide title={t.strategies.changeTitle(props.strategy.name)} onClose={props.onClose}>
      <Failure error={answer ? undefined : error} />
      {answer && !plugin && <Notice look="warn">{t.strategies.noPlugin}</Notice>}
      {plugin && <Form {...props} plugin={plugin} />}
    </Dialog>
  );
}

function Form({ strategy, plugin, onChanged }: { strategy: Strategy; plugin: StrategyPlugin; onChanged: () => void }) {
  const { settings } = readSchema(plugin.settingsSchemaJson);
  const before = draftOf(settings, strategy.settingsJson);
  const [draft, setDraft] = useState(before);
  const [budget, setBudget] = useState(strategy.budget);
  const [lossLimit, setLossLimit] = useState(strategy.lossLimit);
  // What was looked at: the list is asked anew while one types.
  const [version] = useState(strategy.version);
  const venues = useStore(desk, (state) => state.tickers) && strategy.symbols.flatMap((symbol) => venuesOf(desk.state, symbol));
  const wrong = settings.some((each) => mistakeOf(each, draft[each.name] ?? ""));
  const change = useAction(async () => {
    const same = jsonOf(settings, draft) === jsonOf(settings, before);
    await strategies.updateStrategy({
      name: strategy.name,
      expectedVersion: version,
      settingsJson: same ? "" : jsonOf(settings, draft),
      budget: budget.trim() === strategy.budget ? "" : budget.trim(),
      lossLimit: lossLimit.trim() === strategy.lossLimit ? "" : lossLimit.trim(),
    });
    say(t.strategies.changed(strategy.name));
    onChanged();
  });
  const refused = change.error === undefined ? undefined : refusalOf(change.error);
  const of = (field: string) => (refused?.facts.field === field ? sentenceOf(refused) : undefined);
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (!wrong) change.run();
      }}
    >
      <p class="quiet">{t.strategies.changeText}</p>
      <SettingsForm
        settings={settings}
        draft={draft}
        onChange={setDraft}
        several={false}
        strict
        known={{ symbol: strategy.symbols, venue: [...new Set(venues)] }}
      />
      <div class="pair">
        <Field label={t.strategies.budget} value={budget} onInput={setBudget} unit={strategy.budgetAsset} error={of("budget")} number required />
        <Field label={t.strategies.lossLimit} value={lossLimit} onInput={setLossLimit} unit={strategy.budgetAsset} error={of("loss_limit")} number required />
      </div>
      <Failure error={refused && !of("budget") && !of("loss_limit") ? change.error : undefined} />
      <div class="acts"><Button type="submit" look="primary" busy={change.busy} disabled={wrong}>{t.strategies.change}</Button></div>
    </form>
  );
}
