// Signing in, with the second factor where the account has one.

import { useState } from "preact/hooks";
import { t } from "../messages";
import { completeSignIn, isDemo, openDemo, signIn } from "../session";
import { Button, Failure, Field, useAction } from "../ui";

export function SignIn() {
  const [factor, setFactor] = useState("");
  return factor ? (
    <CodeForm token={factor} onBack={() => setFactor("")} />
  ) : (
    <PasswordForm onFactor={setFactor} />
  );
}

function PasswordForm({ onFactor }: { onFactor: (token: string) => void }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const sign = useAction(async () => {
    const asked = await signIn(email.trim(), password);
    if (asked) onFactor(asked.secondFactorToken);
  });
  const demo = useAction(openDemo);
  return (
    <form
      class="gate"
      onSubmit={(event) => {
        event.preventDefault();
        sign.run();
      }}
    >
      <h1>{t.signIn.title}</h1>
      <p class="quiet lead">{t.signIn.lead}</p>
      {isDemo && (
        <>
          <Button look="primary" wide busy={demo.busy} onClick={() => demo.run()}>
            {t.signIn.demo}
          </Button>
          <p class="quiet small">{t.signIn.demoHint}</p>
          <Failure error={demo.error} />
          <p class="or"><span>{t.signIn.or}</span></p>
        </>
      )}
      <Field
        label={t.signIn.email}
        type="email"
        name="email"
        autoComplete="username"
        value={email}
        onInput={setEmail}
        autoFocus={!isDemo}
        required
      />
      <Field
        label={t.signIn.password}
        type="password"
        name="password"
        autoComplete="current-password"
        value={password}
        onInput={setPassword}
        required
      />
      <Failure error={sign.error} />
      <Button type="submit" look={isDemo ? "plain" : "primary"} wide busy={sign.busy}>
        {t.signIn.submit}
      </Button>
      <p class="links">
        <a href="/recover">{t.signIn.forgot}</a>
        <span>
          {t.signIn.none} <a href="/sign-up">{t.app.signUp}</a>
        </span>
        <a href="/stop">{t.signIn.letter}</a>
      </p>
    </form>
  );
}

function CodeForm({ token, onBack }: { token: string; onBack: () => void }) {
  const [code, setCode] = useState("");
  const confirm = useAction(() => completeSignIn(token, code));
  return (
    <form
      class="gate"
      onSubmit={(event) => {
        event.preventDefault();
        confirm.run();
      }}
    >
      <h1>{t.signIn.codeTitle}</h1>
      <p class="quiet lead">{t.signIn.codeLead}</p>
      <Field
        label={t.signIn.code}
        value={code}
        onInput={setCode}
        autoComplete="one-time-code"
        name="code"
        autoFocus
        required
      />
      <Failure error={confirm.error} />
      <Button type="submit" look="primary" wide busy={confirm.busy}>{t.signIn.codeSubmit}</Button>
      <p class="links">
        <button type="button" class="link" onClick={onBack}>{t.signIn.back}</button>
      </p>
    </form>
  );
}
