// The administrators' screens: how the house does, who is in it, what is traded, what was done.

import { useEffect } from "preact/hooks";
import { t } from "../../messages";
import { Parted } from "../../parts";
import { Accounts } from "./accounts";
import { Audit } from "./audit";
import { Health } from "./health";
import { Instruments } from "./instruments";
import { OneMarket } from "./market_rules";
import { OnePlugin, Plugins } from "./plugins";
import { Risk } from "./risk";
import "../../styles/staff.css";

const PARTS = ["", "accounts", "markets", "risk", "plugins", "audit"] as const;

export function Admin({ rest }: { rest: readonly string[] }) {
  const [part = "", ...one] = rest;
  useEffect(() => {
    document.title = `${t.admin.title} · ${t.app.name}`;
  }, []);
  return (
    <Parted look="staff" title={t.admin.title} root="/admin" part={part} parts={PARTS.map((path) => [path, t.admin.partNames[path]])}>
      {shown(part, one)}
    </Parted>
  );
}

function shown(part: string, [name, more]: readonly string[]) {
  switch (part) {
    case "accounts":
      return <Accounts />;
    case "markets":
      return name ? <OneMarket symbol={name} /> : <Instruments />;
    case "risk":
      return <Risk />;
    case "plugins":
      return name && more ? <OnePlugin kind={name} name={more} /> : <Plugins />;
    case "audit":
      return <Audit />;
    default:
      return <Health />;
  }
}
