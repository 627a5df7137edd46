// A line through time, drawn to be looked at: what it begins, ends, peaks and falls to is told too.

import { useState } from "preact/hooks";
import { short } from "../format";
import { t } from "../messages";

const WIDTH = 1000;
const HEIGHT = 260;
const GRID = 4;

export function Curve(props: { label: string; names: readonly string[]; values: readonly number[]; unit: string }) {
  const { label, names, values, unit } = props;
  const [at, setAt] = useState<number | undefined>(undefined);
  const [first, last] = [values[0], values.at(-1)];
  if (first === undefined || last === undefined || values.length < 2) return <p class="quiet">{t.backtests.tooShort}</p>;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const height = high - low || 1;
  const across = (index: number) => (index / (values.length - 1)) * WIDTH;
  const up = (value: number) => HEIGHT - ((value - low) / height) * HEIGHT;
  const line = values.map((value, index) => `${across(index).toFixed(1)},${up(value).toFixed(1)}`).join(" ");
  const shown = at ?? values.length - 1;
  const money = (value: number) => `${short(value.toFixed(2), 2)} ${unit}`;
  return (
    <figure class="curve">
      <figcaption class="figure">
        <span class="quiet">{names[shown]}</span> <strong>{money(values[shown] ?? last)}</strong>
      </figcaption>
      <div class="plot">
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={t.backtests.curve(label, money(first), money(last), money(low), money(high))}
          class={last < first ? "down" : "up"}
          onPointerMove={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            const share = (event.clientX - box.left) / box.width;
            setAt(Math.max(0, Math.min(values.length - 1, Math.round(share * (values.length - 1)))));
          }}
          onPointerLeave={() => setAt(undefined)}
        >
          {Array.from({ length: GRID + 1 }, (_, index) => (
            <line key={index} class="grid" x1={0} x2={WIDTH} y1={(index / GRID) * HEIGHT} y2={(index / GRID) * HEIGHT} />
          ))}
          <line class="start" x1={0} x2={WIDTH} y1={up(first)} y2={up(first)} />
          <polygon points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
          <polyline points={line} />
          {at !== undefined && <line class="cursor" x1={across(at)} x2={across(at)} y1={0} y2={HEIGHT} />}
        </svg>
        <ol class="scale figure quiet" aria-hidden="true">
          {Array.from({ length: GRID + 1 }, (_, index) => (
            <li key={index}>{short((high - (height * index) / GRID).toFixed(2), 2)}</li>
          ))}
        </ol>
      </div>
      <p class="ends figure quiet" aria-hidden="true"><span>{names[0]}</span><span>{names.at(-1)}</span></p>
    </figure>
  );
}
