// Strategies of one's own: what there is to choose from, what runs, what was tried, and rules.

import { useEffect } from "preact/hooks";
import { t } from "../messages";
import { Backtest } from "./backtest";
import { Backtests } from "./backtest_list";
import { Catalogue } from "./catalogue";
import { OneStrategy } from "./one_strategy";
import { Plugin } from "./plugin";
import { OneRule } from "./rule";
import { NewRule } from "./rule_form";
import { Rules } from "./rule_list";
import { PurseOrders } from "./strategy_orders";
import { StrategyList } from "./strategy_list";
import "../styles/strategies.css";

const PARTS = ["", "catalogue", "backtests", "rules"] as const;

export function Strategies({ rest }: { rest: readonly string[] }) {
  const [part = "", name = ""] = rest;
  const known = part === "mine" || part === "purse" ? "" : part;
  useEffect(() => {
    document.title = `${t.app.strategies} · ${t.app.name}`;
  }, []);
  return (
    <main id="content" class="screen strategies">
      <header class="title">
        <h1>{t.app.strategies}</h1>
        <nav class="segments pills" aria-label={t.app.parts}>
          {PARTS.map((path) => (
            <a
              key={path}
              href={path ? `/strategies/${path}` : "/strategies"}
              aria-current={path === known ? "page" : undefined}
            >
              {t.strategies.partNames[path]}
            </a>
          ))}
        </nav>
      </header>
      {shown(part, name)}
    </main>
  );
}

function shown(part: string, name: string) {
  switch (part) {
    case "catalogue":
      return name ? <Plugin key={name} name={name} /> : <Catalogue />;
    case "backtests":
      return name ? <Backtest key={name} id={name} /> : <Backtests />;
    case "rules":
      return name === "new" ? <NewRule /> : name ? <OneRule key={name} id={name} /> : <Rules />;
    case "purse":
      return <PurseOrders key={name} subaccount={name} />;
    case "mine":
      return <OneStrategy key={name} name={name} />;
    default:
      return <StrategyList />;
  }
}
