// Opening an account: an address, a pass phrase, and the code of a letter where the house asks.

import { useState } from "preact/hooks";
import { auth } from "../api";
import { t } from "../messages";
import { go } from "../router";
import { signIn } from "../session";
import { Button, Failure, Field, say, useAction } from "../ui";

export function SignUp() {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [token, setToken] = useState("");
  const enter = async () => {
    say(t.signUp.done);
    if (await signIn(email.trim(), password)) go("/sign-in");
  };
  const register = useAction(async () => {
    const answer = await auth.register({ email: email.trim(), password });
    if (answer.confirmationToken) setToken(answer.confirmationToken);
    else await enter();
  });
  if (token) return <Verify email={email} token={token} onDone={enter} />;
  return (
    <form
      class="gate"
      onSubmit={(event) => {
        event.preventDefault();
        register.run();
      }}
    >
      <h1>{t.signUp.title}</h1>
      <p class="quiet lead">{t.signUp.lead}</p>
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
      <Field
        label={t.signUp.password}
        type="password"
        name="password"
        autoComplete="new-password"
        hint={t.signUp.passwordHint}
        value={password}
        onInput={setPassword}
        required
      />
      <Failure error={register.error} />
      <Button type="submit" look="primary" wide busy={register.busy}>{t.signUp.submit}</Button>
      <p class="links">
        <span>
          {t.signUp.have} <a href="/sign-in">{t.app.signIn}</a>
        </span>
      </p>
    </form>
  );
}

function Verify(props: { email: string; token: string; onDone: () => Promise<void> }) {
  const [code, setCode] = useState("");
  const confirm = useAction(async () => {
    await auth.confirmRegistration({ confirmationToken: props.token, code: code.trim() });
    await props.onDone();
  });
  const resend = useAction(async () => {
    await auth.resendCode({ token: props.token });
    say(t.signUp.resent, "info");
  });
  const sendAgain = () => {
    confirm.clear();
    resend.run();
  };
  return (
    <form
      class="gate"
      onSubmit={(event) => {
        event.preventDefault();
        resend.clear();
        confirm.run();
      }}
    >
      <h1>{t.signUp.verifyTitle}</h1>
      <p class="quiet lead">{t.signUp.verifyLead(props.email)}</p>
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
      <Button type="submit" look="primary" wide busy={confirm.busy}>{t.signUp.verify}</Button>
      <p class="links">
        <button type="button" class="link" onClick={sendAgain}>{t.signUp.resend}</button>
      </p>
    </form>
  );
}
