// A strategy of one's own: a name, markets, a budget and what it may lose of it.

import { useState } from "preact/hooks";
import { refusalOf } from "../api";
import { desk, takingOrders } from "../desk";
import type { StrategyPlugin } from "../gen/xache/v1/strategy_pb";
import { t } from "../messages";
import { go } from "../router";
import { useStore } from "../store";
import { Button, Check, Failure, Field, Notice, Select, say, sentenceOf, useAction } from "../ui";
import { strategies } from "./services";
import { type Draft, type Setting, jsonOf } from "./settings_schema";

export function StrategyForm(props: {
  plugin: StrategyPlugin;
  settings: readonly Setting[];
  draft: Draft;
  valid: () => boolean;
}) {
  const { plugin, settings, draft, valid } = props;
  const instruments = takingOrders({ instruments: useStore(desk, (state) => state.instruments) });
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [asset, setAsset] = useState("");
  const [budget, setBudget] = useState("1000");
  const [lossLimit, setLossLimit] = useState("100");
  const [invalid, setInvalid] = useState(false);
  const quotes = [...new Set(instruments.map(({ quote }) => quote))];
  const quote = asset || quotes[0] || "";
  const offered = instruments.filter((each) => each.quote === quote).map(({ symbol }) => symbol);
  const wished = typeof draft.symbol === "string" ? draft.symbol : "";
  // What the settings name is among the markets without being chosen once more.
  const symbols = offered.filter((each) => chosen.includes(each) || each === wished);
  const make = useAction(async () => {
    const { strategy } = await strategies.createStrategy({
      name: name.trim(),
      plugin: plugin.name,
      symbols,
      settingsJson: jsonOf(settings, draft),
      budgetAsset: quote,
      budget: budget.trim(),
      lossLimit: lossLimit.trim(),
    });
    say(t.strategies.made(strategy?.name ?? name));
    go(`/strategies/mine/${encodeURIComponent(strategy?.name ?? name)}`);
  });
  const refused = make.error === undefined ? undefined : refusalOf(make.error);
  const of = (field: string) => (refused?.facts.field === field ? sentenceOf(refused) : undefined);
  const elsewhere = refused && !["name", "budget", "loss_limit", "symbols"].includes(refused.facts.field ?? "");
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        const fine = valid();
        setInvalid(!fine);
        if (fine) make.run();
      }}
    >
      <p class="quiet">{t.strategies.makeText}</p>
      <Field label={t.strategies.name} value={name} onInput={setName} hint={t.strategies.nameHint} error={of("name")} maxLength={20} required />
      {quotes.length > 1 && (
        <Select label={t.strategies.asset} value={quote} choices={quotes.map((each) => [each, each] as const)} onChange={setAsset} />
      )}
      <fieldset class="markets">
        <legend>{t.strategies.markets}</legend>
        <div class="checks">
          {offered.map((each) => (
            <Check
              key={each}
              label={each}
              value={symbols.includes(each)}
              onChange={(on) => setChosen(on ? [...chosen, each] : chosen.filter((other) => other !== each))}
            />
          ))}
        </div>
        {of("symbols") && <p class="note down">{of("symbols")}</p>}
      </fieldset>
      <div class="pair">
        <Field label={t.strategies.budget} value={budget} onInput={setBudget} unit={quote} error={of("budget")} number required />
        <Field label={t.strategies.lossLimit} value={lossLimit} onInput={setLossLimit} unit={quote} error={of("loss_limit")} number required />
      </div>
      <p class="quiet small">{t.strategies.lossText}</p>
      {invalid && <Notice look="bad" alert>{t.strategies.settingsWrong}</Notice>}
      <Failure error={elsewhere ? make.error : undefined} />
      <div class="acts start"><Button type="submit" look="primary" busy={make.busy}>{t.strategies.keep}</Button></div>
    </form>
  );
}
