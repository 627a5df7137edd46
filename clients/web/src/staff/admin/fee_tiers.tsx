// Fee tiers: what accounts pay that trade much. The table is set as a whole.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { parse, plain } from "../../decimal";
import { amount, rate } from "../../format";
import { AdminService, SetFeeTiersRequestSchema } from "../../gen/xache/v1/admin_pb";
import type { FeeTier } from "../../gen/xache/v1/types_pb";
import { t } from "../../messages";
import { Button, Field, Icon, Select, say, useAction, useAnswer, useRequestId } from "../../ui";
import { Listing } from "../../parts";
import { Asking, percentText, ppmOf, wrongsOf } from "./asking";
import { admin, coded } from "./services";

interface Line {
  asset: string;
  volume: string;
  maker: string;
  taker: string;
}

export function FeeTiers({ quotes }: { quotes: readonly string[] }) {
  const { answer, error, again } = useAnswer(() => admin.getFeeTiers({}), []);
  const [editing, setEditing] = useState(false);
  return (
    <>
      <Listing
        id="tiers"
        title={t.admin.tiers}
        columns={[t.admin.volume, t.admin.makerFee, t.admin.takerFee]}
        acting={false}
        count={answer?.tiers.length}
        empty={t.admin.noTiers}
        hint={t.admin.noTiersHint}
        error={error}
        acts={<Button small disabled={!answer} onClick={() => setEditing(true)}>{t.admin.changeTiers}</Button>}
      >
        {answer?.tiers.map(({ asset, minVolume, makerFeePpm, takerFeePpm }) => (
          <tr key={`${asset} ${minVolume}`}>
            <td class="figure head" data-label={t.admin.volume}>{t.admin.from(amount(minVolume), asset)}</td>
            <td class="figure" data-label={t.admin.makerFee}>{rate(makerFeePpm)}</td>
            <td class="figure" data-label={t.admin.takerFee}>{rate(takerFeePpm)}</td>
          </tr>
        ))}
      </Listing>
      {editing && answer && (
        <Table
          tiers={answer.tiers}
          quotes={quotes}
          onClose={() => setEditing(false)}
          onDone={() => {
            setEditing(false);
            again();
          }}
        />
      )}
    </>
  );
}

function Table({ tiers, quotes, onClose, onDone }: {
  tiers: readonly FeeTier[];
  quotes: readonly string[];
  onClose: () => void;
  onDone: () => void;
}) {
  const [lines, setLines] = useState<readonly Line[]>(() => tiers.map((each) => ({
    asset: each.asset, volume: each.minVolume, maker: percentText(each.makerFeePpm), taker: percentText(each.takerFeePpm),
  })));
  const requestId = useRequestId("tiers", [lines]);
  const set = useAction(async () => {
    const request = create(SetFeeTiersRequestSchema, {
      requestId,
      tiers: lines.map(({ asset, volume, maker, taker }) => ({
        asset, minVolume: plain(volume), makerFeePpm: ppmOf(maker) ?? 0, takerFeePpm: ppmOf(taker) ?? 0,
      })),
    });
    await coded(AdminService, "SetFeeTiers", SetFeeTiersRequestSchema, request, admin.setFeeTiers);
    say(t.admin.tiersSet);
    onDone();
  });
  const put = (index: number, change: Partial<Line>) => {
    set.clear();
    setLines(lines.map((each, at) => (at === index ? { ...each, ...change } : each)));
  };
  const wrong = wrongsOf(set.error, ["tiers", "min_volume"]);
  const percent = (text: string) => (text && ppmOf(text) === undefined ? t.admin.wrong.percent : undefined);
  const ready = lines.every(({ volume, maker, taker }) => parse(volume) && ppmOf(maker) !== undefined && ppmOf(taker) !== undefined);
  return (
    <Asking
      wide title={t.admin.changeTiers} submit={lines.length ? t.admin.setTiers : t.admin.endTiers} ready={ready} danger={!lines.length}
      busy={set.busy} error={wrong.rest} onSubmit={() => set.run()} onClose={onClose}
    >
      <p class="quiet">{t.admin.tiersText}</p>
      {lines.map((line, index) => (
        <fieldset class="tier" key={index}>
          <legend>{t.admin.tier(index + 1)}</legend>
          <Select
            label={t.admin.volumeIn}
            value={line.asset}
            choices={[...new Set([line.asset, ...quotes])].map((each) => [each, each] as const)}
            onChange={(asset) => put(index, { asset })}
          />
          <Field
            label={t.admin.volume} value={line.volume} onInput={(volume) => put(index, { volume })}
            error={line.volume && !parse(line.volume) ? t.admin.wrong.number : undefined} number required
          />
          <Field label={t.admin.makerFee} value={line.maker} onInput={(maker) => put(index, { maker })} error={percent(line.maker)} unit="%" number required />
          <Field label={t.admin.takerFee} value={line.taker} onInput={(taker) => put(index, { taker })} error={percent(line.taker)} unit="%" number required />
          <button
            type="button" class="icon-button" aria-label={t.admin.dropTier(index + 1)}
            onClick={() => setLines(lines.filter((_, at) => at !== index))}
          >
            <Icon name="close" />
          </button>
        </fieldset>
      ))}
      {(wrong.at("tiers") ?? wrong.at("min_volume")) && <p class="note down">{wrong.at("tiers") ?? wrong.at("min_volume")}</p>}
      <div class="acts start">
        <Button small disabled={!quotes.length} onClick={() => setLines([...lines, following(lines, quotes[0] ?? "")])}>
          <Icon name="plus" /> {t.admin.addTier}
        </Button>
      </div>
    </Asking>
  );
}

/** Another line: the first begins with no volume at all. */
function following(lines: readonly Line[], quote: string): Line {
  const last = lines.at(-1);
  return last ? { ...last, volume: "" } : { asset: quote, volume: "0", maker: "", taker: "" };
}
