// One's own account: address and preferences, level and papers, terms, and what the house knows.

import { useEffect } from "preact/hooks";
import { t } from "../messages";
import { Parted } from "../parts";
import { Data } from "./data";
import { Identity } from "./identity";
import { Profile } from "./profile";
import { Terms } from "./terms";

const PARTS = ["", "identity", "terms", "data"] as const;

export function Account({ rest }: { rest: readonly string[] }) {
  const [part = ""] = rest;
  useEffect(() => {
    document.title = `${t.account.title} · ${t.app.name}`;
  }, []);
  return (
    <Parted
      look="account"
      title={t.account.title}
      root="/account"
      part={part}
      parts={PARTS.map((path) => [path, t.account.partNames[path]])}
    >
      {shown(part)}
    </Parted>
  );
}

function shown(part: string) {
  switch (part) {
    case "identity":
      return <Identity />;
    case "terms":
      return <Terms />;
    case "data":
      return <Data />;
    default:
      return <Profile />;
  }
}
