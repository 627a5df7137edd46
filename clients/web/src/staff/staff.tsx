// The staff's screens: who applies, what has to be looked into, and who needs help.

import { useEffect } from "preact/hooks";
import { Role } from "../gen/xache/v1/options_pb";
import { t } from "../messages";
import { session } from "../session";
import { useStore } from "../store";
import { Applications } from "./applications";
import { Cases } from "./cases";
import { Disclosures } from "./disclosures";
import { Parted } from "../parts";
import { People } from "./people";
import "../styles/staff.css";

export function Staff({ rest }: { rest: readonly string[] }) {
  const roles = useStore(session, (state) => state.roles);
  const reviews = roles.includes(Role.COMPLIANCE);
  const [given = ""] = rest;
  const part = reviews ? given : "people";
  useEffect(() => {
    document.title = `${t.app.staff} · ${t.app.name}`;
  }, []);
  const parts = ["", "cases", "people", "disclosures"] as const;
  return (
    <Parted
      look="staff"
      title={t.app.staff}
      root="/staff"
      part={part}
      parts={parts.filter((path) => reviews || path === "people").map((path) => [path, t.staff.partNames[path]])}
    >
      {shown(part)}
    </Parted>
  );
}

function shown(part: string) {
  switch (part) {
    case "cases":
      return <Cases />;
    case "people":
      return <People />;
    case "disclosures":
      return <Disclosures />;
    default:
      return <Applications />;
  }
}
