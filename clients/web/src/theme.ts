// Light, dark, or as the device says.

import { Store } from "./store";

export type Theme = "system" | "light" | "dark";

const KEY = "xache.theme";
const dark = typeof matchMedia === "undefined" ? undefined : matchMedia("(prefers-color-scheme: dark)");

/** `count` grows when colours change: what is painted with them is painted anew. */
export const theme = new Store<{ chosen: Theme; count: number }>({ chosen: kept(), count: 0 });

function kept(): Theme {
  if (typeof localStorage === "undefined") return "system";
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

/** Show the chosen colours from now on. */
export function applyTheme(): void {
  paint();
  dark?.addEventListener("change", paint);
}

/** Choose other colours. */
export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(KEY, chosen);
  theme.setNow({ chosen });
  paint();
}

function paint(): void {
  const { chosen, count } = theme.state;
  document.documentElement.dataset.theme =
    chosen === "system" ? (dark?.matches ? "dark" : "light") : chosen;
  theme.setNow({ count: count + 1 });
}

/** A colour of the page, for what paints on a canvas. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
