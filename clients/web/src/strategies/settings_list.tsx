// Settings of a strategy, as they are kept.

import { t } from "../messages";

/** Settings as they are kept, one below the other. */
export function Settings({ json }: { json: string }) {
  const values = Object.entries(JSON.parse(json || "{}") as Record<string, unknown>);
  if (!values.length) return <p class="quiet">{t.strategies.noSettings}</p>;
  return (
    <dl class="list code">
      {values.map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd></div>
      ))}
    </dl>
  );
}
