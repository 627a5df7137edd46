// How a strategy did day by day, in one stage. What is not known of a day is no point of the line.

import { useState } from "preact/hooks";
import { dayUtc } from "../format";
import type { StrategyDay, StrategyPerformance } from "../gen/xache/v1/strategy_pb";
import { t } from "../messages";
import { Segments } from "../ui";
import { Curve } from "./curve";

type Figure = "equity" | "drawdownRatio" | "turnover" | "fees";

const FIGURES: readonly (readonly [Figure, string])[] = [
  ["equity", t.strategies.equity], ["drawdownRatio", t.strategies.drawdown], ["turnover", t.strategies.turnover], ["fees", t.strategies.fees],
];

export function Daily({ told, asset }: { told: StrategyPerformance; asset: string }) {
  const [figure, setFigure] = useState<Figure>("equity");
  const known = told.daily.filter((day) => day[figure] !== "");
  const label = `${t.strategies.stages[told.stage]}: ${FIGURES.find(([each]) => each === figure)?.[1] ?? ""}`;
  return (
    <div class="block daily">
      <Segments label={t.strategies.byDay} value={figure} choices={FIGURES} onChange={setFigure} />
      {known.length > 1 ? (
        <Curve
          label={label}
          names={known.map(({ beginAtNs }) => dayUtc(beginAtNs))}
          values={known.map((day) => drawn(day, figure))}
          unit={figure === "drawdownRatio" ? "%" : asset}
        />
      ) : (
        <p class="quiet small">{t.strategies.oneDay}</p>
      )}
    </div>
  );
}

/** A number to draw: a fall goes down. */
function drawn(day: StrategyDay, figure: Figure): number {
  const value = Number(day[figure]);
  return figure === "drawdownRatio" ? -100 * value : value;
}
