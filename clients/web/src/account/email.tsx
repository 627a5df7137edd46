// Another e-mail address: proved afresh that it is you, then by a code that the new one is sent.

import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { account, auth } from "../api";
import { momentOf } from "../format";
import { StartEmailChangeRequestSchema } from "../gen/xache/v1/account_pb";
import { t } from "../messages";
import { prove } from "../proof";
import { real } from "../screens/security";
import { Button, Dialog, Failure, Field, say, useAction } from "../ui";

const EMAIL_MAX = 254;

export function ChangeEmail({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState("");
  const [token, setToken] = useState("");
  const start = useAction(async () => {
    const request = create(StartEmailChangeRequestSchema, { email: email.trim() });
    const options = await prove("/xache.v1.AccountService/StartEmailChange", StartEmailChangeRequestSchema, request);
    setToken((await account.startEmailChange(request, options)).changeToken);
  });
  return (
    <Dialog title={t.account.changeTitle} onClose={onClose}>
      {token ? (
        <Confirm email={email.trim()} token={token} onDone={onClose} />
      ) : (
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            start.run();
          }}
        >
          <p class="quiet">{t.account.changeText}</p>
          <Field
            label={t.account.newEmail} type="email" autoComplete="email" value={email} onInput={setEmail}
            maxLength={EMAIL_MAX} autoFocus required
          />
          <Failure error={real(start.error)} />
          <div class="acts"><Button type="submit" look="primary" busy={start.busy}>{t.account.sendCode}</Button></div>
        </form>
      )}
    </Dialog>
  );
}

function Confirm({ email, token, onDone }: { email: string; token: string; onDone: () => void }) {
  const [code, setCode] = useState("");
  const confirm = useAction(async () => {
    const { dueAtNs } = await account.confirmEmailChange({ changeToken: token, code: code.trim() });
    say(t.account.emailFrom(momentOf(dueAtNs)));
    onDone();
  });
  const resend = useAction(async () => {
    await auth.resendCode({ token });
    say(t.signUp.resent, "info");
  });
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        resend.clear();
        confirm.run();
      }}
    >
      <p class="quiet">{t.account.codeTo(email)}</p>
      <Field label={t.signUp.code} name="code" autoComplete="one-time-code" value={code} onInput={setCode} autoFocus required />
      <Failure error={confirm.error ?? resend.error} />
      <div class="acts">
        <Button
          busy={resend.busy}
          onClick={() => {
            confirm.clear();
            resend.run();
          }}
        >
          {t.signUp.resend}
        </Button>
        <Button type="submit" look="primary" busy={confirm.busy}>{t.signUp.verify}</Button>
      </div>
    </form>
  );
}
