// A fresh proof that it is you, for one request: what a stolen session alone cannot do.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { useEffect, useState } from "preact/hooks";
import { auth, bytesOf, proven } from "./api";
import { t } from "./messages";
import { session } from "./session";
import { Store, useStore } from "./store";
import { Button, Dialog, Failure, Field, UserName, useAction } from "./ui";

interface Asked {
  method: string;
  request: Uint8Array;
  done: (token: string) => void;
  refused: (reason: unknown) => void;
}

const asked = new Store<{ now: Asked | undefined }>({ now: undefined });

/** Thrown where the person did not want to prove it. */
export class NotProven extends Error {}

/** Ask for a proof that goes with this very request. Returns the options of the call. */
export async function prove<D extends DescMessage>(
  method: string, schema: D, request: MessageShape<D>,
): Promise<{ headers: Record<string, string> }> {
  const bytes = bytesOf(schema, request);
  const token = await new Promise<string>((done, refused) => {
    asked.setNow({ now: { method, request: bytes, done, refused } });
  });
  return proven(token);
}

/** Where proofs are asked for; stands once on the page. */
export function ProofDialog() {
  const now = useStore(asked, (state) => state.now);
  return now ? <Proof key={now.method} asked={now} /> : null;
}

function Proof({ asked: { method, request, done, refused } }: { asked: Asked }) {
  const [active, setActive] = useState<boolean | undefined>(undefined);
  const [text, setText] = useState("");
  useEffect(() => {
    auth.getSecondFactor({}).then(({ active: on }) => setActive(on), (error: unknown) => {
      asked.setNow({ now: undefined });
      refused(error);
    });
  }, []);
  const confirm = useAction(async () => {
    const proof = active
      ? { case: "code" as const, value: text.trim() }
      : { case: "password" as const, value: text };
    const { stepUpToken } = await auth.stepUp({ method, request, proof });
    asked.setNow({ now: undefined });
    done(stepUpToken);
  });
  if (active === undefined) return null;
  return (
    <Dialog
      title={t.security.proofTitle}
      onClose={() => {
        if (asked.state.now === undefined) return;
        asked.setNow({ now: undefined });
        refused(new NotProven());
      }}
    >
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          confirm.run();
        }}
      >
        {!active && <UserName email={session.state.email} />}
        <p class="quiet">{active ? t.security.proofCode : t.security.proofPassword}</p>
        <Field
          label={active ? t.signIn.code : t.signIn.password}
          type={active ? "text" : "password"}
          autoComplete={active ? "one-time-code" : "current-password"}
          value={text}
          onInput={setText}
          autoFocus
          required
        />
        <Failure error={confirm.error} />
        <div class="acts">
          <Button type="submit" look="primary" busy={confirm.busy}>{t.security.confirm}</Button>
        </div>
      </form>
    </Dialog>
  );
}
