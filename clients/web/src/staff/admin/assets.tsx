// What can be owned: list another asset, or let none come in any more.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { AdminService, DelistAssetRequestSchema, ListAssetRequestSchema } from "../../gen/xache/v1/admin_pb";
import type { Asset } from "../../gen/xache/v1/types_pb";
import { t } from "../../messages";
import { Button, Field, say, useAction, useRequestId } from "../../ui";
import { Listing } from "../../parts";
import { Asking, CauseField, TypedWord, countOf, wrongsOf } from "./asking";
import { admin, coded } from "./services";

export function Assets({ assets, onChange }: { assets: readonly Asset[] | undefined; onChange: () => void }) {
  const [listing, setListing] = useState(false);
  const [delisting, setDelisting] = useState("");
  const done = () => {
    setListing(false);
    setDelisting("");
    onChange();
  };
  return (
    <>
      <Listing
        id="assets"
        title={t.admin.assets}
        columns={[t.admin.asset, t.admin.scale, t.admin.change]}
        count={assets?.length}
        empty={t.admin.noAssets}
        acts={<Button small onClick={() => setListing(true)}>{t.admin.newAsset}</Button>}
      >
        {assets?.map(({ name, scale }) => (
          <tr key={name}>
            <td class="head" data-label={t.admin.asset}>{name}</td>
            <td class="figure" data-label={t.admin.scale}>{scale}</td>
            <td class="right act">
              <Button small aria-label={t.admin.delistOne(name)} onClick={() => setDelisting(name)}>{t.admin.delist}</Button>
            </td>
          </tr>
        ))}
      </Listing>
      {listing && <ListOne onClose={() => setListing(false)} onDone={done} />}
      {delisting && <Delist asset={delisting} onClose={() => setDelisting("")} onDone={done} />}
    </>
  );
}

function ListOne({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState("");
  const [scale, setScale] = useState("8");
  const requestId = useRequestId("asset", [name, scale]);
  const list = useAction(async () => {
    const asset = { name: name.trim(), scale: countOf(scale) ?? 0 };
    const request = create(ListAssetRequestSchema, { asset, requestId });
    await coded(AdminService, "ListAsset", ListAssetRequestSchema, request, admin.listAsset);
    say(t.admin.listed(asset.name));
    onDone();
  });
  const wrong = wrongsOf(list.error, ["asset"]);
  return (
    <Asking
      title={t.admin.newAsset} submit={t.admin.listIt} ready={name.trim() !== "" && countOf(scale) !== undefined}
      busy={list.busy} error={wrong.rest} onSubmit={() => list.run()} onClose={onClose}
    >
      <Field label={t.admin.asset} hint={t.admin.assetHint} value={name} onInput={setName} error={wrong.at("asset")} maxLength={21} autoFocus required />
      <Field
        label={t.admin.scale} hint={t.admin.scaleHint} value={scale} onInput={setScale}
        error={scale && countOf(scale) === undefined ? t.admin.wrong.count : undefined} inputMode="numeric" required
      />
    </Asking>
  );
}

function Delist({ asset, onClose, onDone }: { asset: string; onClose: () => void; onDone: () => void }) {
  const [cause, setCause] = useState("");
  const [typed, setTyped] = useState("");
  const requestId = useRequestId("delist", [asset, cause]);
  const delist = useAction(async () => {
    const request = create(DelistAssetRequestSchema, { asset, cause: cause.trim(), requestId });
    await coded(AdminService, "DelistAsset", DelistAssetRequestSchema, request, admin.delistAsset);
    say(t.admin.delisted(asset));
    onDone();
  });
  const wrong = wrongsOf(delist.error, ["cause"]);
  return (
    <Asking
      title={t.admin.delistOne(asset)} submit={t.admin.delist} danger ready={typed === asset}
      busy={delist.busy} error={wrong.rest} onSubmit={() => delist.run()} onClose={onClose}
    >
      <p>{t.admin.delistAssetText}</p>
      <CauseField value={cause} onInput={setCause} error={wrong.at("cause")} autoFocus />
      <TypedWord word={asset} value={typed} onInput={setTyped} />
    </Asking>
  );
}
