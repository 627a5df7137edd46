// What bounds a rule: when it is awake, how often it fires, and until when.

import { t } from "../messages";
import { Button, Check, Field, Icon } from "../ui";
import type { PartProps } from "./rule_form";
import type { WindowDraft } from "./rule_terms";

const WINDOWS_MAX = 10;
const NEW_WINDOW: WindowDraft = { days: [0, 1, 2, 3, 4], from: "08:00", to: "16:00" };

export function Bounds({ draft, change, wrong }: PartProps) {
  const put = (index: number, changed: Partial<WindowDraft>) =>
    change({ windows: draft.windows.map((each, at) => (at === index ? { ...each, ...changed } : each)) });
  return (
    <>
      <div class="triple">
        <Field label={t.rules.times} hint={t.rules.timesHint} value={draft.times} onInput={(times) => change({ times })} error={wrong("max_firings")} number />
        <Field label={t.rules.cooldown} hint={t.rules.cooldownHint} value={draft.cooldown} onInput={(cooldown) => change({ cooldown })} error={wrong("cooldown_s")} unit={t.rules.minutes} number />
        <Field label={t.rules.ends} hint={t.rules.endsHint} value={draft.ends} onInput={(ends) => change({ ends })} error={wrong("ends_at_ns")} placeholder={t.rules.endsForm} />
      </div>
      {draft.windows.map(({ days, from, to }, index) => (
        <fieldset class="window" key={index}>
          <legend>{t.rules.window(index + 1)}</legend>
          <div class="checks">
            {t.rules.dayNames.map((name, day) => (
              <Check
                key={name}
                label={name}
                value={days.includes(day)}
                onChange={(on) => put(index, { days: on ? [...days, day] : days.filter((other) => other !== day) })}
              />
            ))}
          </div>
          <div class="pair with-drop">
            <Field label={t.rules.from} value={from} onInput={(typed) => put(index, { from: typed })} maxLength={5} />
            <Field label={t.rules.to} value={to} onInput={(typed) => put(index, { to: typed })} maxLength={5} />
            <button
              type="button"
              class="icon-button"
              aria-label={t.rules.dropWindow(index + 1)}
              onClick={() => change({ windows: draft.windows.filter((_, at) => at !== index) })}
            >
              <Icon name="close" />
            </button>
          </div>
        </fieldset>
      ))}
      {(wrong("windows") ?? wrong("days")) && <p class="note down">{wrong("windows") ?? wrong("days")}</p>}
      <div class="acts start">
        <Button small disabled={draft.windows.length >= WINDOWS_MAX} onClick={() => change({ windows: [...draft.windows, NEW_WINDOW] })}>
          <Icon name="plus" /> {t.rules.addWindow}
        </Button>
      </div>
    </>
  );
}
