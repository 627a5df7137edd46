// With the token of a letter, without signing in: freeze the account, or keep its address.

import { useState } from "preact/hooks";
import { account } from "../api";
import { t } from "../messages";
import { Button, Failure, Field, Notice, useAction } from "../ui";

export function Stop() {
  const [token, setToken] = useState("");
  const [done, setDone] = useState("");
  const freeze = useAction(async () => {
    await account.freezeByToken({ token: token.trim() });
    setDone(t.letter.frozen);
  });
  const keep = useAction(async () => {
    await account.cancelEmailChange({ token: token.trim() });
    setDone(t.letter.kept);
  });
  return (
    <form
      class="gate"
      onSubmit={(event) => {
        event.preventDefault();
        keep.clear();
        freeze.run();
      }}
    >
      <h1>{t.letter.title}</h1>
      {done ? (
        <Notice look="good" alert>{done}. {t.letter.done}</Notice>
      ) : (
        <>
          <p class="quiet lead">{t.letter.lead}</p>
          <Field label={t.letter.token} name="token" value={token} onInput={setToken} autoFocus required />
          <Failure error={freeze.error ?? keep.error} />
          <Button type="submit" look="danger" wide busy={freeze.busy}>{t.letter.freeze}</Button>
          <p class="quiet">{t.letter.freezeText}</p>
          <Button
            wide
            busy={keep.busy}
            onClick={() => {
              freeze.clear();
              keep.run();
            }}
          >
            {t.letter.keep}
          </Button>
          <p class="quiet">{t.letter.keepText}</p>
        </>
      )}
      <p class="links"><a href="/sign-in">{t.signIn.back}</a></p>
    </form>
  );
}
