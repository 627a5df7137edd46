// The plugins that the house has approved.

import { t } from "../messages";
import { Empty, Failure, useAnswer } from "../ui";
import { strategies } from "./services";
import { plainText } from "./settings_schema";

const LINES = /\n\s*\n/;

export function Catalogue() {
  const { answer, error } = useAnswer(() => strategies.listStrategyPlugins({}), []);
  return (
    <>
      <Failure error={answer ? undefined : error} />
      {answer?.plugins.length === 0 && (
        <section class="card">
          <Empty title={t.strategies.emptyCatalogue} hint={t.strategies.emptyCatalogueHint} />
        </section>
      )}
      <ul class="plugins" id="catalogue">
        {answer?.plugins.map(({ name, version, about, lookAheadPassed }) => (
          <li key={name} class="card block">
            <h2><a href={`/strategies/catalogue/${encodeURIComponent(name)}`}>{name}</a></h2>
            <p class="about">{plainText(about).split(LINES)[0]}</p>
            <p class="badges">
              <span class="badge">{t.strategies.version(version)}</span>
              <LookAhead passed={lookAheadPassed} />
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Whether a plugin was tried without the future. */
export function LookAhead({ passed }: { passed: boolean }) {
  return passed ? (
    <span class="badge good" title={t.strategies.lookAheadHint}>{t.strategies.lookAheadPassed}</span>
  ) : (
    <span class="badge warn" title={t.strategies.lookAheadHint}>{t.strategies.lookAheadUnchecked}</span>
  );
}
