// The form of a plugin's settings, made of its schema.

import { useId } from "preact/hooks";
import { t } from "../messages";
import { Check, Field, Select, classes } from "../ui";
import { type Draft, type Setting, isTriable, mistakeOf, rangeOf } from "./settings_schema";

const NOTHING = "";

/** Every setting with what is wrong below it; with `several`, lists of values may be typed. */
export function SettingsForm(props: {
  settings: readonly Setting[];
  draft: Draft;
  onChange: (draft: Draft) => void;
  several: boolean;
  /** Whether to say of empty fields that they are needed. */
  strict: boolean;
  /** What there is to choose from, by the name of the setting. */
  known: Record<string, readonly string[]>;
}) {
  const { settings, draft, onChange, several, strict, known } = props;
  return (
    <div class="settings">
      {several && settings.some(isTriable) && <p class="quiet small">{t.strategies.severalHint}</p>}
      {settings.map((setting) => {
        const { name } = setting;
        const value = draft[name] ?? "";
        const mistake = value === "" && !strict ? undefined : mistakeOf(setting, value, several);
        return (
          <SettingField
            key={name}
            setting={setting}
            value={value}
            error={mistake}
            several={several}
            known={known[name] ?? []}
            onChange={(typed) => onChange({ ...draft, [name]: typed })}
          />
        );
      })}
    </div>
  );
}

function SettingField(props: {
  setting: Setting;
  value: string | boolean;
  error: string | undefined;
  several: boolean;
  known: readonly string[];
  onChange: (value: string | boolean) => void;
}) {
  const { setting, value, error, several, known, onChange } = props;
  const label = setting.optional ? `${setting.name} ${t.strategies.optional}` : setting.name;
  const hints = [setting.about, rangeOf(setting)];
  if (setting.list) hints.push(t.strategies.listHint);
  const hint = hints.filter(Boolean).join(" · ");
  if (typeof value === "boolean") {
    return (
      <div class="switch">
        <Check label={label} value={value} onChange={onChange} />
        {hint && <p class="quiet small">{hint}</p>}
      </div>
    );
  }
  if (setting.kind === "choice" && !setting.list) {
    const choices = setting.choices.map((each) => [String(each), String(each)] as const);
    const none = setting.optional || value === NOTHING ? [[NOTHING, t.strategies.choose] as const] : [];
    return (
      <div class={classes(error && "wrong")}>
        <Select label={label} value={value} choices={[...none, ...choices]} onChange={onChange} />
        {(error ?? hint) && <p class={classes("note", error && "down")}>{error ?? hint}</p>}
      </div>
    );
  }
  if (known.length && !setting.list) {
    return <Suggested label={label} value={value} known={known} hint={hint} error={error} onInput={onChange} />;
  }
  const number = (setting.kind === "whole" || setting.kind === "decimal") && !setting.list && !several;
  return (
    <Field
      label={label}
      value={value}
      onInput={onChange}
      hint={hint || undefined}
      error={error}
      number={number}
      unit={setting.unit || undefined}
    />
  );
}

/** A field that knows some of what can be typed. */
function Suggested(props: {
  label: string;
  value: string;
  known: readonly string[];
  hint: string;
  error: string | undefined;
  onInput: (value: string) => void;
}) {
  const id = useId();
  const note = props.error ?? props.hint;
  return (
    <div class={classes("field", props.error && "wrong")}>
      <label for={id}>{props.label}</label>
      <div class="box">
        <input
          id={id}
          list={`${id}-known`}
          value={props.value}
          autoComplete="off"
          autoCapitalize="none"
          spellcheck={false}
          aria-invalid={props.error ? true : undefined}
          aria-describedby={note ? `${id}-note` : undefined}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
        <datalist id={`${id}-known`}>
          {props.known.map((each) => <option key={each} value={each} />)}
        </datalist>
      </div>
      {note && <p class="note" id={`${id}-note`}>{note}</p>}
    </div>
  );
}
