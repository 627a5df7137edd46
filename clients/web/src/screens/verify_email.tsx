// Confirming the address of an account that is open already: a letter with a code, and where to
// enter it.

import { useState } from "preact/hooks";
import { account, auth } from "../api";
import { t } from "../messages";
import { reloadAccount, session } from "../session";
import { useStore } from "../store";
import { Button, Dialog, Failure, Field, say, useAction } from "../ui";

/** Says that the address is not confirmed, and sends a code where one asks for it. */
export function Unverified() {
  const [token, setToken] = useState("");
  const start = useAction(async () => {
    const { verificationToken } = await account.startEmailVerification({});
    setToken(verificationToken);
  });
  return (
    <>
      <div class="banner warn">
        {t.impediments.unverified}{" "}
        <Button small busy={start.busy} onClick={() => start.run()}>{t.verify.send}</Button>
        <Failure error={start.error} />
      </div>
      {token && <Verify token={token} onClose={() => setToken("")} />}
    </>
  );
}

function Verify({ token, onClose }: { token: string; onClose: () => void }) {
  const email = useStore(session, (state) => state.email);
  const [code, setCode] = useState("");
  const confirm = useAction(async () => {
    await account.confirmEmail({ verificationToken: token, code: code.trim() });
    onClose();
    say(t.verify.done);
    await reloadAccount();
  });
  const resend = useAction(async () => {
    await auth.resendCode({ token });
    say(t.signUp.resent, "info");
  });
  const sendAgain = () => {
    confirm.clear();
    resend.run();
  };
  return (
    <Dialog title={t.signUp.verifyTitle} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          resend.clear();
        confirm.run();
        }}
      >
        <p class="quiet">{t.verify.lead(email)}</p>
        <Field
          label={t.signUp.code}
          name="code"
          autoComplete="one-time-code"
          value={code}
          onInput={setCode}
          autoFocus
          required
        />
        <Failure error={confirm.error ?? resend.error} />
        <div class="acts">
          <Button busy={resend.busy} onClick={sendAgain}>{t.signUp.resend}</Button>
          <Button type="submit" look="primary" busy={confirm.busy}>{t.signUp.verify}</Button>
        </div>
      </form>
    </Dialog>
  );
}
