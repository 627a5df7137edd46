// A new password for who forgot the old one; the second factor stays asked for.

import { useState } from "preact/hooks";
import { auth } from "../api";
import { t } from "../messages";
import { go } from "../router";
import { Button, Failure, Field, say, useAction } from "../ui";

export function Recover() {
  const [email, setEmail] = useState("");
  const [token, setToken] = useState("");
  const start = useAction(async () => {
    const { recoveryToken } = await auth.startRecovery({ email: email.trim() });
    setToken(recoveryToken);
  });
  if (token) return <Finish token={token} />;
  return (
    <form
      class="gate"
      onSubmit={(event) => {
        event.preventDefault();
        start.run();
      }}
    >
      <h1>{t.recover.title}</h1>
      <p class="quiet lead">{t.recover.lead}</p>
      <Field
        label={t.signIn.email}
        type="email"
        name="email"
        autoComplete="username"
        value={email}
        onInput={setEmail}
        autoFocus
        required
      />
      <Failure error={start.error} />
      <Button type="submit" look="primary" wide busy={start.busy}>{t.recover.submit}</Button>
      <p class="links"><a href="/sign-in">{t.signIn.back}</a></p>
    </form>
  );
}

function Finish({ token }: { token: string }) {
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const [factor, setFactor] = useState("");
  const finish = useAction(async () => {
    await auth.finishRecovery({
      recoveryToken: token,
      code: code.trim(),
      password,
      secondFactorCode: factor.trim(),
    });
    say(t.recover.done);
    go("/sign-in");
  });
  return (
    <form
      class="gate"
      onSubmit={(event) => {
        event.preventDefault();
        finish.run();
      }}
    >
      <h1>{t.recover.finishTitle}</h1>
      <p class="quiet lead">{t.recover.finishLead}</p>
      <Field
        label={t.signUp.code}
        name="code"
        autoComplete="one-time-code"
        value={code}
        onInput={setCode}
        autoFocus
        required
      />
      <Field
        label={t.recover.newPassword}
        type="password"
        name="password"
        autoComplete="new-password"
        hint={t.signUp.passwordHint}
        value={password}
        onInput={setPassword}
        required
      />
      <Field
        label={t.recover.factor}
        name="factor"
        hint={t.recover.factorHint}
        value={factor}
        onInput={setFactor}
      />
      <Failure error={finish.error} />
      <Button type="submit" look="primary" wide busy={finish.busy}>{t.recover.finish}</Button>
      <p class="links"><a href="/sign-in">{t.signIn.back}</a></p>
    </form>
  );
}
