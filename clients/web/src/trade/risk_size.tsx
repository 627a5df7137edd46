// Sizing by risk: how much to trade so that not more than so much is lost where one would give up.

import { useEffect, useState } from "preact/hooks";
import { parse, partOf, read, toStep, write } from "../decimal";
import { desk } from "../desk";
import { type Instrument, Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { Field } from "../ui";
import { fill } from "./draft";
import { type Kind, type Ticket, reckonedPrice, sizedByRisk } from "./ticket";

/** Kinds that begin a position; the others end one. */
export const RISKED: ReadonlySet<Kind> = new Set(["limit", "market", "stop", "stop-limit", "iceberg", "bracket"]);

const FIRST_MILLIONTHS = 10_000; // one percent of what is there

export function RiskSize({ ticket, instrument, market }: { ticket: Ticket; instrument: Instrument; market: string }) {
  const [loss, setLoss] = useState(() => firstLoss(instrument));
  const [stop, setStop] = useState("");
  const own = ticket.kind === "bracket";
  const at = own ? ticket.stop : stop;
  const entry = reckonedPrice(ticket, market) || market;
  // A market order is sized at the price of when it was asked for: it does not follow every tick.
  const fixed = ticket.kind === "market" ? "" : entry;
  const sized = sizedByRisk(ticket, { loss, stop: at }, entry, instrument);
  useEffect(() => {
    if (typeof sized === "object") fill({ quantity: sized.quantity, byQuote: false });
    // What was sized before would lose more than what is now said.
    else if (sized !== undefined) fill({ quantity: "" });
  }, [loss, at, fixed, ticket.side, ticket.kind]);
  const wrongSide = ticket.side === Side.BUY || own ? t.ticket.risk.below : t.ticket.risk.above;
  const number = (text: string) => (text === "" || (parse(text)?.units ?? 0n) > 0n ? undefined : t.ticket.notANumber);
  return (
    <div class="risk">
      <Field
        number
        name="loss"
        label={t.ticket.risk.loss}
        unit={instrument.quote}
        value={loss}
        error={number(loss) ?? (sized === "small" ? t.ticket.risk.small(instrument.lotSize) : undefined)}
        onInput={(value) => setLoss(value)}
      />
      {!own && (
        <Field
          number
          name="risk-stop"
          label={t.ticket.risk.stop}
          unit={instrument.quote}
          value={stop}
          error={number(stop) ?? (sized === "side" ? wrongSide : undefined)}
          onInput={(value) => setStop(value)}
        />
      )}
      {own && sized === "side" && <p class="note">{wrongSide}</p>}
      <p class="quiet note">{t.ticket.risk.hint}</p>
    </div>
  );
}

/** One percent of the free quote money, to begin with. */
function firstLoss(instrument: Instrument): string {
  const free = desk.state.balances.find(({ asset }) => asset === instrument.quote)?.available ?? "";
  const part = toStep(partOf(read(free), FIRST_MILLIONTHS), read("0.01"));
  return part.units > 0n ? write(part) : "";
}
