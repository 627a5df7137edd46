// The settings of a plugin as its schema tells them: what may be typed, and the JSON that is sent.

import { compare, parse } from "../decimal";
import { t } from "../messages";

export type Kind = "text" | "whole" | "decimal" | "switch" | "choice";

/** One setting. Limits are inclusive, but for `above`. */
export interface Setting {
  name: string;
  about: string;
  unit: string;
  kind: Kind;
  /** A list of values of this kind. */
  list: boolean;
  itemsMax: number;
  /** May be left out, or be nothing. */
  optional: boolean;
  choices: readonly Json[];
  least: string | undefined;
  most: string | undefined;
  above: string | undefined;
  initial: Draft[string];
}

type Json = string | number | boolean | null;

/** What has been typed, by the name of the setting. */
export type Draft = Record<string, string | boolean>;

interface Schema {
  type?: string;
  format?: string;
  description?: string;
  enum?: readonly Json[];
  anyOf?: readonly Schema[];
  items?: Schema;
  maxItems?: number;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  "x-minimum"?: string;
  "x-maximum"?: string;
  "x-exclusiveMinimum"?: string;
  "x-unit"?: string;
}

const COMMA = /\s*,\s*/;

/** What a plugin says of its settings as a whole, and each of them. */
export function readSchema(text: string): { about: string; settings: readonly Setting[] } {
  const schema = JSON.parse(text || "{}") as Schema & {
    properties?: Record<string, Schema>;
    required?: readonly string[];
  };
  const required = new Set(schema.required);
  // What has to be given comes first.
  const named = Object.entries(schema.properties ?? {})
    .sort(([a], [b]) => Number(required.has(b)) - Number(required.has(a)));
  const settings = named.map(([name, each]) => settingOf(name, each, required.has(name)));
  return { about: plainText(schema.description ?? ""), settings };
}

/** What authors write for programmers, without its marks. */
export function plainText(text: string): string {
  return text.replace(/``/g, "").replace(/:\w+:`~?([^`]*)`/g, "$1");
}

function settingOf(name: string, told: Schema, required: boolean): Setting {
  const nullable = told.anyOf?.some(({ type }) => type === "null") ?? false;
  const whole = told.anyOf?.find(({ type }) => type !== "null") ?? told;
  const list = whole.type === "array";
  const one = list ? (whole.items ?? {}) : whole;
  const kind = kindOf(one);
  const limit = (plain?: number, exact?: string) => exact ?? (plain === undefined ? undefined : String(plain));
  return {
    name,
    about: plainText(told.description ?? ""),
    unit: told["x-unit"] ?? "",
    kind,
    list,
    itemsMax: whole.maxItems ?? 100,
    optional: nullable || (!required && told.default === undefined),
    choices: one.enum ?? [],
    least: limit(one.minimum, one["x-minimum"]),
    most: limit(one.maximum, one["x-maximum"]),
    above: limit(one.exclusiveMinimum, one["x-exclusiveMinimum"]),
    initial: typed(told.default, kind),
  };
}

function kindOf(schema: Schema): Kind {
  if (schema.enum) return "choice";
  if (schema.type === "boolean") return "switch";
  if (schema.type === "integer") return "whole";
  return schema.format === "decimal" ? "decimal" : "text";
}

/** A value as it would have been typed. */
function typed(value: unknown, kind: Kind): string | boolean {
  if (kind === "switch" && !Array.isArray(value)) return value === true;
  if (value === undefined || value === null) return "";
  return Array.isArray(value) ? value.map(String).join(", ") : String(value);
}

/** What the form begins with: the defaults, and where they are given, the settings of JSON. */
export function draftOf(settings: readonly Setting[], json = "{}"): Draft {
  const given = JSON.parse(json || "{}") as Record<string, unknown>;
  return Object.fromEntries(
    settings.map(({ name, kind, initial }) => [name, name in given ? typed(given[name], kind) : initial]),
  );
}

/** Whether several values of a setting can be tried against each other. */
export function isTriable({ kind, list }: Setting): boolean {
  return !list && (kind === "whole" || kind === "decimal");
}

/** What is wrong with what was typed; with `several`, values apart by commas are fine. */
export function mistakeOf(setting: Setting, value: Draft[string], several = false): string | undefined {
  if (typeof value === "boolean") return undefined;
  const text = value.trim();
  if (text === "") return setting.optional || setting.list ? undefined : t.strategies.wrong.required;
  if (!setting.list && !(several && isTriable(setting))) return mistakeOfOne(setting, text);
  const items = text.split(COMMA);
  if (items.length > setting.itemsMax) return t.strategies.wrong.items(setting.itemsMax);
  for (const each of items) {
    const mistake = mistakeOfOne(setting, each);
    if (mistake) return mistake;
  }
  return undefined;
}

function mistakeOfOne(setting: Setting, text: string): string | undefined {
  if (setting.kind === "choice") {
    return setting.choices.some((each) => String(each) === text)
      ? undefined
      : t.strategies.wrong.choice(setting.choices.join(", "));
  }
  if (setting.kind === "switch") {
    return ["true", "false"].includes(text) ? undefined : t.strategies.wrong.choice("true, false");
  }
  if (setting.kind === "text") return undefined;
  const number = parse(text);
  if (!number) return t.strategies.wrong.number;
  if (setting.kind === "whole" && !/^-?\d{1,15}$/.test(text)) return t.strategies.wrong.whole;
  const against = (limit: string | undefined) => {
    const bound = limit === undefined ? undefined : parse(limit);
    return bound && compare(number, bound);
  };
  const [least, most, above] = [against(setting.least), against(setting.most), against(setting.above)];
  const outside = (least ?? 0) < 0 || (most ?? 0) > 0 || (above ?? 1) <= 0;
  return outside ? rangeOf(setting) : undefined;
}

/** Which values a setting takes, in words; empty when nothing bounds them. */
export function rangeOf({ least, most, above, unit }: Setting): string {
  const tail = unit && ` ${unit}`;
  if (above !== undefined) {
    return t.strategies.wrong.above(above, most ?? "") + tail;
  }
  if (least === undefined && most === undefined) return "";
  return t.strategies.wrong.range(least ?? "", most ?? "") + tail;
}

/** The settings as the house takes them: a decimal is text, for a JSON number would be rounded. */
export function jsonOf(settings: readonly Setting[], draft: Draft, several = false): string {
  const values: Record<string, unknown> = {};
  for (const setting of settings) {
    const value = draft[setting.name] ?? "";
    if (typeof value === "boolean") {
      values[setting.name] = value;
      continue;
    }
    const items = value.trim() === "" ? [] : value.trim().split(COMMA).map((each) => plain(setting, each));
    if (setting.list) values[setting.name] = items;
    else if (items.length > 1 && several && isTriable(setting)) values[setting.name] = items;
    else if (items.length) values[setting.name] = plain(setting, value.trim());
  }
  return JSON.stringify(values);
}

function plain(setting: Setting, text: string): Json {
  switch (setting.kind) {
    case "whole":
      return Number(text);
    case "switch":
      return text === "true";
    case "choice":
      return setting.choices.find((each) => String(each) === text) ?? text;
    default:
      return text;
  }
}
