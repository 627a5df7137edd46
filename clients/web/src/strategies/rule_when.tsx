// When a rule fires.

import { market } from "../api";
import { Direction } from "../gen/xache/v1/automation_pb";
import { Interval, type Indicator } from "../gen/xache/v1/market_pb";
import { t } from "../messages";
import { Check, Failure, Field, Segments, Select, useAnswer } from "../ui";
import type { PartProps } from "./rule_form";
import type { When } from "./rule_terms";

const KINDS: readonly When[] = ["every", "cron", "price", "gains", "drawdown", "indicator"];
const UNITS = [60, 3600, 86_400] as const;
const INTERVALS = [
  Interval.INTERVAL_1M, Interval.INTERVAL_5M, Interval.INTERVAL_15M, Interval.INTERVAL_1H, Interval.INTERVAL_1D,
] as const;

export function WhenFields(part: PartProps) {
  const { draft, change } = part;
  return (
    <>
      <Select<When>
        label={t.rules.kind}
        value={draft.when}
        choices={KINDS.map((kind) => [kind, t.rules.whens[kind]] as const)}
        // Gains are sold in shares, and nothing else is.
        onChange={(when) => change({ when, then: when === "gains" ? "sellShares" : draft.then === "sellShares" ? "order" : draft.then })}
      />
      <p class="quiet small">{t.rules.whenTexts[draft.when]}</p>
      {fieldsOf(part)}
    </>
  );
}

function fieldsOf(part: PartProps) {
  const { draft, change, wrong } = part;
  switch (draft.when) {
    case "every":
      return (
        <>
          <div class="pair">
            <Field label={t.rules.every} value={draft.every} onInput={(every) => change({ every })} error={wrong("schedule") ?? wrong("every_s")} number />
            <Select<number>
              label={t.rules.unit}
              value={draft.everyUnit}
              choices={UNITS.map((unit) => [unit, t.rules.units[unit] ?? ""] as const)}
              onChange={(everyUnit) => change({ everyUnit })}
            />
          </div>
          <Check label={t.rules.catchUp} value={draft.catchUp} onChange={(catchUp) => change({ catchUp })} />
        </>
      );
    case "cron":
      return (
        <>
          <Field label={t.rules.cron} hint={t.rules.cronHint} value={draft.cron} onInput={(cron) => change({ cron })} error={wrong("cron") ?? wrong("schedule")} />
          <Check label={t.rules.catchUp} value={draft.catchUp} onChange={(catchUp) => change({ catchUp })} />
        </>
      );
    case "price":
      return (
        <>
          <Market {...part} />
          <Way {...part} />
          <Field label={t.orders.price} value={draft.price} onInput={(price) => change({ price })} error={wrong("price")} number />
        </>
      );
    case "gains":
      return (
        <>
          <Market {...part} />
          <Field label={t.rules.gains} hint={t.rules.sharesHint} value={draft.gains} onInput={(gains) => change({ gains })} error={wrong("gains_ppm")} unit="%" />
        </>
      );
    case "drawdown":
      return (
        <div class="pair">
          <Field label={t.rules.fall} value={draft.fall} onInput={(fall) => change({ fall })} error={wrong("fall_ppm")} unit="%" number />
          <Select label={t.rules.asset} value={draft.asset} choices={part.quotes.map((each) => [each, each] as const)} onChange={(asset) => change({ asset })} />
        </div>
      );
    case "indicator":
      return <IndicatorFields {...part} />;
  }
}

function Market({ draft, change, symbols }: PartProps) {
  return <Select label={t.orders.market} value={draft.symbol} choices={symbols.map((each) => [each, each] as const)} onChange={(symbol) => change({ symbol })} />;
}

function Way({ draft, change }: PartProps) {
  return (
    <Segments<Direction>
      label={t.rules.direction}
      value={draft.direction}
      choices={[[Direction.ABOVE, t.rules.rises], [Direction.BELOW, t.rules.falls]]}
      onChange={(direction) => change({ direction })}
    />
  );
}

function IndicatorFields(part: PartProps) {
  const { draft, change, wrong, venues } = part;
  const { answer, error } = useAnswer(() => market.listIndicators({}), []);
  if (!answer) return <Failure error={error} />;
  const found = answer.indicators.find(({ name }) => name === draft.indicator) ?? answer.indicators[0];
  return (
    <>
      <Market {...part} />
      <div class="pair">
        <Select
          label={t.rules.venue}
          value={draft.venue}
          choices={[["", t.rules.venueOwn], ...venues.map((each) => [each, each] as const)]}
          onChange={(venue) => change({ venue })}
        />
        <Select<Interval>
          label={t.rules.candles}
          value={draft.interval}
          choices={INTERVALS.map((each) => [each, t.chart.interval[each] ?? ""] as const)}
          onChange={(interval) => change({ interval })}
        />
      </div>
      <Select
        label={t.rules.indicator}
        value={draft.indicator}
        choices={answer.indicators.map(({ name, title }) => [name, title] as const)}
        onChange={(indicator) => change({ indicator, settings: {}, output: "" })}
      />
      {found && <Parameters {...part} indicator={found} />}
      <Way {...part} />
      <Field label={t.rules.threshold} value={draft.threshold} onInput={(threshold) => change({ threshold })} error={wrong("threshold")} number />
    </>
  );
}

function Parameters({ indicator, draft, change, wrong }: PartProps & { indicator: Indicator }) {
  const outputs = indicator.outputs.map(({ name }) => [name, name] as const);
  return (
    <>
      {indicator.parameters.length > 0 && (
        <div class="pair">
          {indicator.parameters.map(({ name, description, defaultValue, minValue, maxValue }) => (
            <Field
              key={name}
              label={name}
              hint={`${description} · ${t.strategies.wrong.range(String(minValue), String(maxValue))}`}
              value={draft.settings[name] ?? ""}
              placeholder={String(defaultValue)}
              onInput={(value) => change({ settings: { ...draft.settings, [name]: value } })}
              error={wrong(name)}
              number
            />
          ))}
        </div>
      )}
      {wrong("settings") && <p class="note down">{wrong("settings")}</p>}
      {outputs.length > 1 && (
        <Select label={t.rules.output} value={draft.output || (outputs[0]?.[0] ?? "")} choices={outputs} onChange={(output) => change({ output })} />
      )}
    </>
  );
}
