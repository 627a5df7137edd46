// Keys for programs: made with a fresh proof, told once, revoked at once.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { account } from "../api";
import { dayOf } from "../format";
import { type CreateApiKeyResponse, CreateApiKeyRequestSchema, KeyAlgorithm } from "../gen/xache/v1/account_pb";
import { Scope } from "../gen/xache/v1/options_pb";
import { t } from "../messages";
import { prove } from "../proof";
import { Button, Check, CopyButton, Dialog, Empty, Failure, Field, Segments, Select, say, useAction, useAnswer } from "../ui";
import { real } from "./security";

const DAY_MS = 86_400_000;

export function ApiKeys() {
  const { answer, error, again } = useAnswer(() => account.listApiKeys({}), []);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<CreateApiKeyResponse | undefined>(undefined);
  const revoke = useAction(async (keyId: string) => {
    await account.revokeApiKey({ keyId });
    say(t.security.revoked);
    again();
  });
  return (
    <section class="card" aria-labelledby="keys">
      <header class="head">
        <h2 id="keys">{t.security.keys}</h2>
        <Button small onClick={() => setMaking(true)}>{t.security.newKey}</Button>
      </header>
      <Failure error={error ?? revoke.error} />
      {answer?.keys.length === 0 && <Empty title={t.security.noKeys} hint={t.security.keysText} />}
      {answer && answer.keys.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="table cards" id="key-list">
            <thead>
              <tr>
                <th scope="col">{t.security.label}</th>
                <th scope="col">{t.security.keyId}</th>
                <th scope="col">{t.security.scopes}</th>
                <th scope="col">{t.security.address}</th>
                <th scope="col">{t.security.expires}</th>
                <th scope="col"><span class="unseen">{t.security.revoke}</span></th>
              </tr>
            </thead>
            <tbody>
              {answer.keys.map((key) => (
                <tr key={key.keyId}>
                  <td class="head" data-label={t.security.label}>{key.label}</td>
                  <td data-label={t.security.keyId}><code>{key.keyId}</code></td>
                  <td data-label={t.security.scopes}>{key.terms?.scopes.map((scope) => t.security.scopeNames[scope]).join(", ")}</td>
                  <td data-label={t.security.address}>{key.terms?.networks.join(", ") || t.app.nothing}</td>
                  <td class="figure" data-label={t.security.expires}>{dayOf(key.terms?.expiresAtNs ?? 0n)}</td>
                  <td class="right act">
                    <Button small aria-label={t.security.revokeOne(key.label)} onClick={() => revoke.run(key.keyId)}>{t.security.revoke}</Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {making && (
        <MakeKey
          onClose={() => setMaking(false)}
          onMade={(key) => {
            setMaking(false);
            setMade(key);
            again();
          }}
        />
      )}
      {made && <Told made={made} onClose={() => setMade(undefined)} />}
    </section>
  );
}

function MakeKey({ onMade, onClose }: { onMade: (made: CreateApiKeyResponse) => void; onClose: () => void }) {
  const [label, setLabel] = useState("");
  const [trade, setTrade] = useState(false);
  const [algorithm, setAlgorithm] = useState<KeyAlgorithm>(KeyAlgorithm.ED25519);
  const [publicKey, setPublicKey] = useState("");
  const [networks, setNetworks] = useState("");
  const [days, setDays] = useState(90);
  const signed = algorithm === KeyAlgorithm.ED25519;
  const bytes = hexBytes(publicKey);
  const make = useAction(async () => {
    const request = create(CreateApiKeyRequestSchema, {
      label: label.trim(),
      algorithm,
      publicKey: signed && bytes ? bytes : new Uint8Array(),
      terms: {
        scopes: trade ? [Scope.READ, Scope.TRADE] : [Scope.READ],
        networks: networks.split(",").map((each) => each.trim()).filter(Boolean),
        expiresAtNs: BigInt(Date.now() + days * DAY_MS) * 1_000_000n,
      },
    });
    const options = await prove("/xache.v1.AccountService/CreateApiKey", CreateApiKeyRequestSchema, request);
    onMade(await account.createApiKey(request, options));
  });
  const wrong = signed && publicKey !== "" && !bytes ? t.security.publicKeyWrong : undefined;
  return (
    <Dialog title={t.security.keyTitle} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (!signed || bytes) make.run();
        }}
      >
        <Field label={t.security.label} value={label} onInput={setLabel} maxLength={64} autoFocus required />
        <div class="checks">
          <Check label={t.security.scopeNames[Scope.READ]} value onChange={() => {}} />
          <Check label={t.security.scopeNames[Scope.TRADE]} value={trade} onChange={setTrade} />
        </div>
        <Segments<KeyAlgorithm>
          label={t.security.algorithm}
          value={algorithm}
          choices={[[KeyAlgorithm.ED25519, "Ed25519"], [KeyAlgorithm.HMAC_SHA256, "HMAC"]]}
          onChange={setAlgorithm}
        />
        <p class="quiet">{signed ? t.security.ed25519 : t.security.hmac}</p>
        {signed && <Field label={t.security.publicKey} value={publicKey} onInput={setPublicKey} error={wrong} maxLength={64} required />}
        <Field label={t.security.networks} hint={t.security.networksHint} value={networks} onInput={setNetworks} />
        <Select<number>
          label={t.security.lasts}
          value={days}
          choices={Object.entries(t.security.days).map(([count, name]) => [Number(count), name] as const)}
          onChange={setDays}
        />
        <Failure error={real(make.error)} />
        <div class="acts"><Button type="submit" look="primary" busy={make.busy}>{t.security.make}</Button></div>
      </form>
    </Dialog>
  );
}

function Told({ made, onClose }: { made: CreateApiKeyResponse; onClose: () => void }) {
  const secret = hexText(made.secret);
  return (
    <Dialog title={t.security.made} onClose={onClose}>
      <p class="secret"><span class="quiet">{t.security.keyId}</span> <code id="made-key">{made.key?.keyId}</code></p>
      {secret && (
        <>
          <p class="quiet">{t.security.madeText}</p>
          <p class="secret"><span class="quiet">{t.security.secret}</span> <code>{secret}</code> <CopyButton text={secret} /></p>
        </>
      )}
      <div class="acts"><Button look="primary" onClick={onClose}>{t.app.close}</Button></div>
    </Dialog>
  );
}

/** The 32 bytes that 64 hexadecimal digits mean; undefined where there are no 64. */
export function hexBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[0-9a-fA-F]{64}$/.test(text.trim())) return undefined;
  const pairs = text.trim().match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

export function hexText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
