// Choosing indicators: what the house computes, how each is set, and what is shown above the chart.

import { useState } from "preact/hooks";
import { plain } from "../decimal";
import { market } from "../api";
import { short } from "../format";
import type { Indicator, IndicatorParameter } from "../gen/xache/v1/market_pb";
import { t } from "../messages";
import { useStore } from "../store";
import { Button, Dialog, Empty, Failure, Field, Icon, Select, sentenceOfError, useAnswer } from "../ui";
import { coloursOf, colourOf, drawn } from "./indicator_lines";
import { type Chosen, INDICATORS_MAX, type Told, choose, indicators, keyOf, labelOf } from "./indicators";

/** Opens the list of indicators. */
export function IndicatorButton() {
  const [open, setOpen] = useState(false);
  const full = useStore(indicators, (state) => state.chosen.length >= INDICATORS_MAX);
  return (
    <>
      <Button
        small
        look="quiet"
        id="indicators"
        disabled={full}
        aria-label={t.indicators.title}
        title={full ? t.indicators.full(INDICATORS_MAX) : undefined}
        onClick={() => setOpen(true)}
      >
        <Icon name="indicator" /> <span class="name">{t.indicators.title}</span>
      </Button>
      {open && <Settings onDone={() => setOpen(false)} />}
    </>
  );
}

/** What is drawn, with its values at a candle; press a name to set it otherwise. */
export function IndicatorLegend({ atNs, places }: { atNs: bigint; places: number }) {
  const chosen = useStore(indicators, (state) => state.chosen);
  const told = useStore(indicators, (state) => state.told);
  const refused = useStore(indicators, (state) => state.refused);
  const [changing, setChanging] = useState<Chosen | undefined>(undefined);
  if (!chosen.length) return null;
  let first = 0;
  return (
    <>
      <ul class="studies figure" id="studies">
        {chosen.map((each) => {
          const key = keyOf(each);
          const of = told.get(key);
          const start = first;
          if (of) first += coloursOf(of.about);
          const label = labelOf(each, of);
          const error = refused.get(key);
          return (
            <li key={key}>
              <button type="button" class="name" title={t.indicators.change(label)} onClick={() => setChanging(each)}>{label}</button>
              {of && <Values told={of} first={start} atNs={atNs} places={places} />}
              {error !== undefined && <span class="down">{sentenceOfError(error)}</span>}
              <button
                type="button"
                class="drop"
                aria-label={t.indicators.drop(label)}
                onClick={() => choose(chosen.filter((other) => other !== each))}
              >
                <Icon name="close" />
              </button>
            </li>
          );
        })}
      </ul>
      {changing && <Settings changed={changing} onDone={() => setChanging(undefined)} />}
    </>
  );
}

function Values({ told, first, atNs, places }: { told: Told; first: number; atNs: bigint; places: number }) {
  const point = told.points.find(({ openAtNs }) => openAtNs === atNs) ?? told.points.at(-1);
  return (
    <>
      {drawn(told.about).map(({ output, index }) => (
        <span key={output.name} title={output.name}>
          <i class={colourOf(told.about, index, first)} aria-hidden="true" />
          {point ? written(point.values[index], output.isPrice ? places : 2) : t.app.nothing}
        </span>
      ))}
    </>
  );
}

function written(value: number | undefined, places: number): string {
  if (value === undefined || !Number.isFinite(value)) return t.app.nothing;
  const shown = Math.abs(value) >= 0.005 || value === 0 ? value.toFixed(places) : value.toPrecision(3);
  return shown.includes("e") ? shown : short(shown, places || 2);
}

function Settings({ changed, onDone }: { changed?: Chosen; onDone: () => void }) {
  const { answer, error } = useAnswer(() => market.listIndicators({}), []);
  const [name, setName] = useState(changed?.name ?? "sma");
  const [settings, setSettings] = useState<Record<string, string>>(changed?.settings ?? {});
  const about = answer?.indicators.find((each) => each.name === name);
  const wrong = about ? about.parameters.some((each) => complaint(each, settings[each.name]) !== undefined) : true;
  return (
    <Dialog title={changed ? t.indicators.set : t.indicators.add} onClose={onDone}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (wrong || !about) return;
          const before = indicators.state.chosen;
          const made = { name, settings: explicit(about, settings) };
          choose(changed ? before.map((each) => (keyOf(each) === keyOf(changed) ? made : each)) : [...before, made]);
          onDone();
        }}
      >
        <Failure error={error} />
        {!answer && error === undefined && <Empty title={t.app.loading} />}
        {answer && (
          <Select
            label={t.indicators.which}
            value={name}
            choices={answer.indicators.map((each) => [each.name, each.title] as const)}
            onChange={(chosen) => {
              setName(chosen);
              setSettings({});
            }}
          />
        )}
        {about && (
          <>
            <p class="quiet">{about.outputs.some(({ isPrice }) => isPrice) ? t.indicators.onPrices : t.indicators.below} {t.indicators.source(about.source)}</p>
            {about.parameters.map((each) => (
              <Field
                key={`${name} ${each.name}`}
                number
                name={each.name}
                label={each.name.replaceAll("_", " ")}
                hint={each.description}
                value={settings[each.name] ?? String(each.defaultValue)}
                error={complaint(each, settings[each.name])}
                onInput={(value) => setSettings({ ...settings, [each.name]: value.trim() })}
              />
            ))}
          </>
        )}
        <div class="acts">
          {changed && (
            <Button
              onClick={() => {
                choose(indicators.state.chosen.filter((each) => keyOf(each) !== keyOf(changed)));
                onDone();
              }}
            >
              {t.indicators.remove}
            </Button>
          )}
          <Button type="submit" look="primary" disabled={wrong}>{changed ? t.indicators.apply : t.indicators.show}</Button>
        </div>
      </form>
    </Dialog>
  );
}

/** What the house would not take of a setting; the rest it says itself. */
function complaint(about: IndicatorParameter, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const value = Number(plain(text));
  if (text === "" || !Number.isFinite(value)) return t.ticket.notANumber;
  if (about.whole && !Number.isInteger(value)) return t.indicators.whole;
  if (value < about.minValue || value > about.maxValue) {
    return t.indicators.between(String(about.minValue), String(about.maxValue));
  }
  return undefined;
}

/** Settings that are not as the house sets them. */
function explicit(about: Indicator, settings: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    about.parameters
      .filter(({ name, defaultValue }) => settings[name] !== undefined && Number(plain(settings[name])) !== defaultValue)
      .map(({ name }) => [name, plain(settings[name] ?? "")]),
  );
}
