// A backtest in the house: over which histories, with what money and at which costs.

import { useState } from "preact/hooks";
import { amount, dayOf } from "../format";
import { BacktestFills, type History } from "../gen/xache/v1/backtest_pb";
import type { StrategyPlugin } from "../gen/xache/v1/strategy_pb";
import { t } from "../messages";
import { go } from "../router";
import { Button, Check, Empty, Failure, Field, Notice, Select, say, useAction, useAnswer, useRequestId } from "../ui";
import { backtests } from "./services";
import { type Draft, type Setting, jsonOf } from "./settings_schema";

const PPM = /^\d{1,7}$/;
const DAYS = /^\d{1,4}$/;
/** As `xache backtest` has it. */
const COSTS = { fee: "1000", halfSpread: "100", slippage: "100", impact: "1000000" } as const;
const CASH = "10000";
const TRAIN_DAYS = "60";
const TEST_DAYS = "20";
const DAY_NS = 86_400_000_000_000n;

export function BacktestForm(props: {
  plugin: StrategyPlugin;
  settings: readonly Setting[];
  draft: Draft;
  valid: () => boolean;
  onDraft: (draft: Draft) => void;
}) {
  const { plugin, settings, draft, valid, onDraft } = props;
  const { answer, error } = useAnswer(() => backtests.listHistories({}), []);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [cash, setCash] = useState(CASH);
  const [costs, setCosts] = useState<Record<keyof typeof COSTS, string>>({ ...COSTS });
  const [fills, setFills] = useState<BacktestFills>(BacktestFills.TOUCH);
  const [from, setFrom] = useState("");
  const [until, setUntil] = useState("");
  const [trainDays, setTrainDays] = useState(TRAIN_DAYS);
  const [testDays, setTestDays] = useState(TEST_DAYS);
  const [check, setCheck] = useState(true);
  const [capacity, setCapacity] = useState(false);
  const [invalid, setInvalid] = useState(false);
  const requestId = useRequestId("bt", [
    draft, chosen, cash, costs, fills, from, until, trainDays, testDays, check, capacity,
  ]);
  const wrong = Object.values(costs).some((text) => !PPM.test(text))
    || [from, until].some(isNoDay) || [trainDays, testDays].some((text) => !DAYS.test(text));
  const start = useAction(async () => {
    const { backtest } = await backtests.startBacktest({
      plugin: plugin.name,
      requestId,
      terms: {
        settingsJson: jsonOf(settings, draft, true),
        histories: [...chosen],
        cash: cash.trim(),
        feePpm: Number(costs.fee),
        halfSpreadPpm: Number(costs.halfSpread),
        slippagePpm: Number(costs.slippage),
        impactPpm: Number(costs.impact),
        fills,
        fromNs: dayNs(from),
        untilNs: until ? dayNs(until) + DAY_NS : 0n,
        trainDays: Number(trainDays),
        testDays: Number(testDays),
        check,
        capacity,
      },
    });
    say(t.backtests.queued);
    go(`/strategies/backtests/${encodeURIComponent(backtest?.backtestId ?? "")}`);
  });
  if (!answer) return <Failure error={error} />;
  if (!answer.histories.length) return <Empty title={t.backtests.noHistories} hint={t.backtests.noHistoriesHint} />;
  const picked = answer.histories.filter(({ name }) => chosen.includes(name));
  const cost = (key: keyof typeof COSTS) => (
    <Field
      label={t.backtests.costs[key]}
      value={costs[key]}
      onInput={(text) => setCosts({ ...costs, [key]: text })}
      error={PPM.test(costs[key]) ? undefined : t.strategies.wrong.whole}
      unit={t.backtests.ppm}
      number
    />
  );
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        const fine = valid() && !wrong && chosen.length > 0;
        setInvalid(!fine);
        if (fine) start.run();
      }}
    >
      <fieldset class="markets">
        <legend>{t.backtests.histories}</legend>
        <ul class="histories">
          {answer.histories.map((each) => (
            <li key={each.name}>
              <Check
                label={`${each.name} · ${each.symbol} · ${each.venue} · ${each.interval}`}
                value={chosen.includes(each.name)}
                onChange={(on) => setChosen(on ? [...chosen, each.name] : chosen.filter((other) => other !== each.name))}
              />
              <span class="quiet small figure">{t.backtests.span(amount(String(each.candles)), dayOf(each.fromNs), dayOf(each.untilNs))}</span>
            </li>
          ))}
        </ul>
      </fieldset>
      <Fit histories={picked} settings={settings} draft={draft} onDraft={onDraft} />
      <div class="pair">
        <Day label={t.backtests.from} value={from} onInput={setFrom} />
        <Day label={t.backtests.until} value={until} onInput={setUntil} />
      </div>
      <Field label={t.backtests.cash} value={cash} onInput={setCash} number />
      <details>
        <summary>{t.backtests.costsTitle}</summary>
        <div class="stack">
          <div class="pair">{cost("fee")}{cost("halfSpread")}</div>
          <div class="pair">{cost("slippage")}{cost("impact")}</div>
          <p class="quiet small">{t.backtests.costsText}</p>
          <Select<BacktestFills>
            label={t.backtests.fills}
            value={fills}
            choices={[
              [BacktestFills.TOUCH, t.backtests.fillNames[BacktestFills.TOUCH]],
              [BacktestFills.NEXT_OPEN, t.backtests.fillNames[BacktestFills.NEXT_OPEN]],
            ]}
            onChange={setFills}
          />
          <div class="pair">
            <Field label={t.backtests.trainDays} value={trainDays} onInput={setTrainDays} error={DAYS.test(trainDays) ? undefined : t.strategies.wrong.whole} number />
            <Field label={t.backtests.testDays} value={testDays} onInput={setTestDays} error={DAYS.test(testDays) ? undefined : t.strategies.wrong.whole} number />
          </div>
        </div>
      </details>
      <div class="checks">
        <Check label={t.backtests.check} value={check} onChange={setCheck} />
        <Check label={t.backtests.capacity} value={capacity} onChange={setCapacity} />
      </div>
      <p class="quiet small">{t.backtests.trialText}</p>
      {invalid && <Notice look="bad" alert>{chosen.length ? t.strategies.settingsWrong : t.backtests.noneChosen}</Notice>}
      <Failure error={start.error} />
      <div class="acts start"><Button type="submit" look="primary" busy={start.busy}>{t.backtests.start}</Button></div>
    </form>
  );
}

/** Settings that name another market than the history does see nothing of it. */
function Fit(props: {
  histories: readonly History[];
  settings: readonly Setting[];
  draft: Draft;
  onDraft: (draft: Draft) => void;
}) {
  const [history] = props.histories;
  if (!history) return null;
  const told: Record<string, string> = {
    symbol: history.symbol, venue: history.venue, interval: history.interval,
  };
  const names = new Set(props.settings.map(({ name }) => name));
  const symbols = props.histories.map(({ symbol }) => symbol);
  const off = Object.entries(told).filter(([name, value]) => {
    const typed = props.draft[name];
    return names.has(name) && typed !== value && !(name === "symbol" && symbols.includes(String(typed)));
  });
  if (!off.length) return null;
  const fitting = Object.fromEntries(off);
  return (
    <Notice look="warn">
      <p>{t.backtests.unfit(off.map(([name, value]) => `${name} ${value}`).join(", "))}</p>
      <Button small onClick={() => props.onDraft({ ...props.draft, ...fitting })}>{t.backtests.fit}</Button>
    </Notice>
  );
}

function Day({ label, value, onInput }: { label: string; value: string; onInput: (value: string) => void }) {
  const wrong = isNoDay(value);
  return (
    <Field
      label={label}
      value={value}
      onInput={onInput}
      placeholder={t.backtests.dayForm}
      error={wrong ? t.backtests.dayWrong : undefined}
      maxLength={10}
    />
  );
}

function isNoDay(text: string): boolean {
  return text !== "" && Number.isNaN(Date.parse(`${text}T00:00:00Z`));
}

/** When a day begins, UTC; 0 for none. */
function dayNs(text: string): bigint {
  return text ? BigInt(Date.parse(`${text}T00:00:00Z`)) * 1_000_000n : 0n;
}
