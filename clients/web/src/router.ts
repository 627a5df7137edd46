// Where one is: the path of the address, and what leads elsewhere.

import { Store } from "./store";

interface Place {
  path: string;
  query: string;
}

export const place = new Store<Place>(here());

function here(): Place {
  if (typeof location === "undefined") return { path: "/", query: "" };
  return { path: location.pathname, query: location.search };
}

/** Go to another screen. */
export function go(path: string, replace = false): void {
  if (path === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", path);
  place.setNow(here());
  scrollTo(0, 0);
}

/** The parts of a path: ["trade", "BTC-USDT"]. */
export function partsOf(path: string): string[] {
  return path.split("/").filter(Boolean).map(decodeURIComponent);
}

/** Let links within the page not load it anew. */
export function followLinks(): void {
  addEventListener("popstate", () => place.setNow(here()));
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a");
    if (!link || link.origin !== location.origin || link.target || event.defaultPrevented) return;
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.hasAttribute("download") || link.pathname.startsWith("/docs")) return;
    if (link.pathname === location.pathname && link.hash) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
