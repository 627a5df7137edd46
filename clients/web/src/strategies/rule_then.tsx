// What a rule does when it fires.

import { Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { Button, Check, Field, Icon, Segments, Select } from "../ui";
import type { PartProps } from "./rule_form";
import type { AmountOf, Then } from "./rule_terms";

const KINDS: readonly Then[] = ["order", "rebalance", "stopAll"];
const AMOUNTS: readonly AmountOf[] = ["quoteQuantity", "quantity", "sharePpm"];
const TARGETS_MAX = 10;

export function ThenFields(part: PartProps) {
  const { draft, change } = part;
  const kinds = draft.when === "gains" ? (["sellShares"] as const) : KINDS;
  return (
    <>
      <Select<Then>
        label={t.rules.kind}
        value={draft.then}
        choices={kinds.map((kind) => [kind, t.rules.thens[kind]] as const)}
        onChange={(then) => change({ then })}
      />
      <p class="quiet small">{t.rules.thenTexts[draft.then]}</p>
      {fieldsOf(part)}
    </>
  );
}

function fieldsOf(part: PartProps) {
  const { draft, change, wrong } = part;
  switch (draft.then) {
    case "order":
      return <OrderFields {...part} />;
    case "sellShares":
      return <Field label={t.rules.shares} hint={t.rules.sharesHint} value={draft.shares} onInput={(shares) => change({ shares })} error={wrong("shares_ppm")} unit="%" />;
    case "rebalance":
      return <Weights {...part} />;
    case "stopAll":
      return <Check label={t.rules.sellAll} value={draft.sell} onChange={(sell) => change({ sell })} />;
  }
}

function OrderFields({ draft, change, wrong, symbols }: PartProps) {
  const unit = draft.amountOf === "sharePpm"
    ? "%"
    : draft.orderSymbol.split("-")[draft.amountOf === "quantity" ? 0 : 1];
  return (
    <>
      <Segments<Side>
        look="sides"
        label={t.orders.side}
        value={draft.side}
        choices={[[Side.BUY, t.ticket.buy], [Side.SELL, t.ticket.sell]]}
        onChange={(side) => change({ side })}
      />
      <Select label={t.orders.market} value={draft.orderSymbol} choices={symbols.map((each) => [each, each] as const)} onChange={(orderSymbol) => change({ orderSymbol })} />
      <Segments<AmountOf>
        label={t.rules.amountOf}
        value={draft.amountOf}
        choices={AMOUNTS.map((each) => [each, t.rules.amounts[each]] as const)}
        onChange={(amountOf) => change({ amountOf })}
      />
      <Field
        label={t.rules.amount}
        value={draft.amount}
        onInput={(amount) => change({ amount })}
        error={wrong("amount") ?? wrong("share_ppm") ?? wrong("quantity") ?? wrong("quote_quantity")}
        unit={unit}
        number
        required
      />
      <Field
        label={t.rules.limit}
        hint={t.rules.limitHint}
        value={draft.limit}
        onInput={(limit) => change({ limit })}
        error={wrong("limit") ?? (draft.when === "price" ? undefined : wrong("price"))}
        number
      />
    </>
  );
}

function Weights({ draft, change, wrong, symbols }: PartProps) {
  const put = (index: number, changed: Partial<{ symbol: string; weight: string }>) =>
    change({ targets: draft.targets.map((each, at) => (at === index ? { ...each, ...changed } : each)) });
  return (
    <>
      {draft.targets.map(({ symbol, weight }, index) => (
        <div class="pair with-drop" key={index}>
          <Select label={t.orders.market} value={symbol} choices={symbols.map((each) => [each, each] as const)} onChange={(chosen) => put(index, { symbol: chosen })} />
          <Field label={t.rules.weight} value={weight} onInput={(typed) => put(index, { weight: typed })} unit="%" number />
          <button
            type="button"
            class="icon-button"
            aria-label={t.rules.drop(symbol)}
            disabled={draft.targets.length < 2}
            onClick={() => change({ targets: draft.targets.filter((_, at) => at !== index) })}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      {(wrong("targets") ?? wrong("weight_ppm")) && <p class="note down">{wrong("targets") ?? wrong("weight_ppm")}</p>}
      <div class="acts start">
        <Button
          small
          disabled={draft.targets.length >= TARGETS_MAX}
          onClick={() => change({ targets: [...draft.targets, { symbol: symbols[draft.targets.length] ?? "", weight: "" }] })}
        >
          <Icon name="plus" /> {t.rules.addMarket}
        </Button>
      </div>
      <Field label={t.rules.drift} hint={t.rules.driftHint} value={draft.drift} onInput={(drift) => change({ drift })} error={wrong("drift_ppm")} unit="%" number />
    </>
  );
}
