// A new rule, of any kind: when it fires, what it then does, and what bounds it.

import { useState } from "preact/hooks";
import { newId, refusalOf } from "../api";
import { desk, takingOrders, venuesOf } from "../desk";
import { t } from "../messages";
import { go } from "../router";
import { session } from "../session";
import { useStore } from "../store";
import { Button, Failure, Field, say, sentenceOf, useAction } from "../ui";
import { Bounds } from "./rule_bounds";
import { ThenFields } from "./rule_then";
import { EMPTY, type RuleDraft, mistakesOf, termsOf } from "./rule_terms";
import { WhenFields } from "./rule_when";
import { automation } from "./services";

/** What the parts of the form share. */
export interface PartProps {
  draft: RuleDraft;
  change: (change: Partial<RuleDraft>) => void;
  /** What is wrong with a field, by the name that the house has for it. */
  wrong: (field: string) => string | undefined;
  symbols: readonly string[];
  quotes: readonly string[];
  venues: readonly string[];
}

const AT_FIELDS = new Set([
  "name", "price", "threshold", "gains_ppm", "fall_ppm", "amount", "share_ppm", "shares_ppm", "targets",
  "weight_ppm", "drift_ppm", "windows", "days", "max_firings", "cooldown_s", "ends_at_ns", "schedule",
  "cron", "every_s", "indicator", "output", "settings", "quantity", "quote_quantity",
]);

export function NewRule() {
  const purse = useStore(session, (state) => state.purse);
  const instruments = takingOrders({ instruments: useStore(desk, (state) => state.instruments) });
  const symbols = instruments.map(({ symbol }) => symbol);
  const [name, setName] = useState("");
  const [typed, setTyped] = useState<RuleDraft>(EMPTY);
  const [mistakes, setMistakes] = useState<Record<string, string>>({});
  const [requestId, setRequestId] = useState(() => newId("rule"));
  const first = symbols[0] ?? "";
  const draft: RuleDraft = {
    ...typed,
    symbol: typed.symbol || first,
    orderSymbol: typed.orderSymbol || first,
    targets: typed.targets.map((each) => ({ ...each, symbol: each.symbol || first })),
  };
  const make = useAction(async () => {
    const { rule } = await automation.createRule({
      subaccount: purse, name: name.trim(), terms: termsOf(draft), requestId,
    });
    say(t.rules.kept(rule?.name ?? name));
    go(`/strategies/rules/${encodeURIComponent(rule?.ruleId ?? "")}`);
  });
  const refused = make.error === undefined ? undefined : refusalOf(make.error);
  const field = refused?.facts.field ?? "";
  const wrong = (wanted: string) =>
    mistakes[wanted] ?? (refused && field === wanted ? sentenceOf(refused) : undefined);
  const change = (changed: Partial<RuleDraft>) => {
    setTyped({ ...draft, ...changed });
    setMistakes({});
    make.clear();
    // Another rule: the same id would give the one that was made with it.
    setRequestId(newId("rule"));
  };
  const part: PartProps = {
    draft, change, wrong, symbols,
    quotes: [...new Set(instruments.map(({ quote }) => quote))],
    venues: [...new Set(symbols.flatMap((symbol) => venuesOf(desk.state, symbol)))],
  };
  return (
    <form
      class="stack rule-form"
      onSubmit={(event) => {
        event.preventDefault();
        const found = mistakesOf(draft);
        setMistakes(found);
        if (!Object.keys(found).length) make.run();
      }}
    >
      <section class="card block" aria-labelledby="new-rule">
        <h2 id="new-rule">{t.rules.newTitle}</h2>
        <p class="quiet">{t.rules.newText(purse)}</p>
        <Field label={t.strategies.name} value={name} onInput={(text) => { setName(text); setRequestId(newId("rule")); }} error={wrong("name")} hint={t.rules.nameHint} maxLength={40} required />
      </section>
      <div class="columns">
        <section class="card block" aria-labelledby="when">
          <h2 id="when">{t.rules.when}</h2>
          <WhenFields {...part} />
        </section>
        <section class="card block" aria-labelledby="then">
          <h2 id="then">{t.rules.then}</h2>
          <ThenFields {...part} />
        </section>
      </div>
      <section class="card block" aria-labelledby="bounds">
        <h2 id="bounds">{t.rules.bounds}</h2>
        <Bounds {...part} />
      </section>
      <Failure error={refused && !AT_FIELDS.has(field) ? make.error : undefined} />
      <div class="acts start"><Button type="submit" look="primary" busy={make.busy}>{t.rules.keep}</Button></div>
    </form>
  );
}
