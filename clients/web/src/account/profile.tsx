// How one is reached and called, what letters are wanted about, and which fees one pays.

import { useState } from "preact/hooks";
import { account } from "../api";
import { amount, rate } from "../format";
import { DelayedKind, type FeeStanding, type GetProfileResponse, NoticeTopic } from "../gen/xache/v1/account_pb";
import type { FeeTier } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { Listing } from "../parts";
import { Waiting } from "../screens/guards";
import { session } from "../session";
import { useStore } from "../store";
import { Button, Check, Failure, Field, say, useAction, useAnswer } from "../ui";
import { ChangeEmail } from "./email";

const NAME_MAX = 64;
const TOPICS = [
  NoticeTopic.FILLS, NoticeTopic.MONEY, NoticeTopic.ALERTS, NoticeTopic.STRATEGIES, NoticeTopic.NEWS,
] as const;

export function Profile() {
  return (
    <>
      <div class="columns">
        <Email />
        <Preferences />
      </div>
      <Fees />
    </>
  );
}

function Email() {
  const email = useStore(session, (state) => state.email);
  const { answer, error, again } = useAnswer(() => account.getGuards({}), []);
  const [changing, setChanging] = useState(false);
  return (
    <section class="card block" aria-labelledby="email">
      <h2 id="email">{t.account.email}</h2>
      <p class="address">{email}</p>
      <p class="quiet">{t.account.emailText}</p>
      <Failure error={error} />
      <Waiting guards={answer} kinds={[DelayedKind.EMAIL]} onChange={again} />
      <div class="acts start">
        <Button onClick={() => setChanging(true)}>{t.account.changeEmail}</Button>
      </div>
      {changing && (
        <ChangeEmail
          onClose={() => {
            setChanging(false);
            again();
          }}
        />
      )}
    </section>
  );
}

function Preferences() {
  const { answer, error } = useAnswer(() => account.getProfile({}), []);
  return (
    <section class="card block" aria-labelledby="preferences">
      <h2 id="preferences">{t.account.profile}</h2>
      <Failure error={error} />
      {answer?.profile && <Form before={answer.profile} />}
    </section>
  );
}

function Form({ before }: { before: NonNullable<GetProfileResponse["profile"]> }) {
  const [displayName, setName] = useState(before.displayName);
  const [timeZone, setTimeZone] = useState(before.timeZone);
  const [baseCurrency, setCurrency] = useState(before.baseCurrency);
  const [lettersAbout, setLetters] = useState<readonly NoticeTopic[]>(before.lettersAbout);
  const save = useAction(async () => {
    await account.updateProfile({
      profile: {
        displayName: displayName.trim(), timeZone: timeZone.trim(),
        baseCurrency: baseCurrency.trim().toUpperCase(), lettersAbout: [...lettersAbout],
      },
      updateMask: { paths: ["display_name", "time_zone", "base_currency", "letters_about"] },
    });
    say(t.account.saved);
  });
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        save.run();
      }}
    >
      <Field label={t.account.name} autoComplete="nickname" value={displayName} onInput={setName} maxLength={NAME_MAX} />
      <div class="pair">
        <Field label={t.account.timeZone} hint={t.account.timeZoneHint} value={timeZone} onInput={setTimeZone} maxLength={NAME_MAX} />
        <Field label={t.account.baseCurrency} hint={t.account.baseCurrencyHint} value={baseCurrency} onInput={setCurrency} maxLength={16} />
      </div>
      <fieldset class="topics">
        <legend class="quiet">{t.account.letters}</legend>
        {TOPICS.map((topic) => (
          <Check
            key={topic}
            label={t.account.topics[topic] ?? ""}
            value={lettersAbout.includes(topic)}
            onChange={(wanted) => setLetters(wanted ? [...lettersAbout, topic] : lettersAbout.filter((each) => each !== topic))}
          />
        ))}
      </fieldset>
      <p class="quiet">{t.account.lettersText}</p>
      <Failure error={save.error} />
      <div class="acts start"><Button type="submit" busy={save.busy}>{t.account.save}</Button></div>
    </form>
  );
}

function Fees() {
  const { answer, error } = useAnswer(() => account.getFees({}), []);
  return (
    <Listing
      id="fee-tiers"
      title={t.account.fees}
      columns={[t.account.asset, t.account.volume, t.account.tier, t.account.nextTier]}
      count={answer?.standings.length}
      empty={t.account.noFees}
      hint={t.account.noFeesHint}
      error={error}
      acting={false}
      lead={t.account.feesText}
    >
      {answer?.standings.map((each) => <Standing key={each.asset} told={each} />)}
    </Listing>
  );
}

function Standing({ told }: { told: FeeStanding }) {
  const { nextTier } = told;
  return (
    <tr>
      <td class="head" data-label={t.account.asset}>{told.asset}</td>
      <td class="figure" data-label={t.account.volume}>{amount(told.volume30d)}</td>
      <td class="figure" data-label={t.account.tier}>{told.tier ? ratesOf(told.tier) : t.account.noTier}</td>
      <td class="figure" data-label={t.account.nextTier}>
        {nextTier ? `${ratesOf(nextTier)} ${t.account.from(amount(nextTier.minVolume))}` : t.app.nothing}
      </td>
    </tr>
  );
}

function ratesOf(tier: FeeTier): string {
  return `${rate(tier.makerFeePpm)} · ${rate(tier.takerFeePpm)}`;
}
