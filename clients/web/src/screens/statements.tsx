// Statements: what the house has on record about a time, as files to keep.

import { useId, useState } from "preact/hooks";
import { wallet } from "../api";
import { compliance } from "../compliance";
import { saveFile, wholeOf } from "../files";
import { t } from "../messages";
import { Button, Failure, say, useAction } from "../ui";

const DAY_MS = 86_400_000;
const PAGE = 500;
const CSV = "text/csv";

export function Statements({ purse }: { purse: string }) {
  const [from, setFrom] = useState(dateOf(Date.now() - 29 * DAY_MS));
  const [to, setTo] = useState(dateOf(Date.now()));
  const [begin, end] = [Date.parse(from), Date.parse(to) + DAY_MS];
  const wrong = !(begin < end);
  const trades = useAction(async () => {
    const asked = { fromNs: nanos(begin), toNs: nanos(Math.min(end, Date.now())) };
    const whole = await wholeOf(compliance.exportTrades(asked, { timeoutMs: 0 }), CSV);
    saveFile(`xache-trades-${from}-${to}.csv`, whole);
    say(t.statements.saved);
  });
  const movements = useAction(async () => {
    const rows = await movementsOf(purse, nanos(begin), nanos(end));
    saveFile(`xache-movements-${purse}-${from}-${to}.csv`, new Blob([rows], { type: CSV }));
    say(t.statements.saved);
  });
  const fees = useAction(async () => {
    const { days } = await wallet.getFeeStatement({ subaccount: purse, fromDate: from, toDate: to });
    const rows = days.map((day) => [day.date, day.asset, day.makerNotional, day.makerFee, day.takerNotional, day.takerFee, day.fee]);
    const whole = csv([["date", "asset", "maker_notional", "maker_fee", "taker_notional", "taker_fee", "fee"], ...rows]);
    saveFile(`xache-fees-${purse}-${from}-${to}.csv`, new Blob([whole], { type: CSV }));
    say(t.statements.saved);
  });
  return (
    <section class="card block" aria-labelledby="statements">
      <h2 id="statements">{t.statements.title}</h2>
      <p class="quiet">{t.statements.text}</p>
      <div class="pair dates">
        <DateField label={t.statements.from} value={from} onInput={setFrom} />
        <DateField label={t.statements.to} value={to} onInput={setTo} error={wrong ? t.statements.order : undefined} />
      </div>
      <Failure error={trades.error ?? movements.error ?? fees.error} />
      <div class="acts start">
        <Button busy={trades.busy} disabled={wrong} onClick={() => trades.run()}>{t.statements.trades}</Button>
        <Button busy={movements.busy} disabled={wrong} onClick={() => movements.run()}>{t.statements.movements(purse)}</Button>
        <Button busy={fees.busy} disabled={wrong} onClick={() => fees.run()}>{t.statements.fees(purse)}</Button>
      </div>
    </section>
  );
}

function DateField(props: { label: string; value: string; error?: string | undefined; onInput: (value: string) => void }) {
  const id = useId();
  return (
    <div class={props.error ? "field wrong" : "field"}>
      <label for={id}>{props.label}</label>
      <div class="box">
        <input
          id={id}
          type="date"
          required
          value={props.value}
          aria-invalid={props.error ? true : undefined}
          aria-describedby={props.error ? `${id}-note` : undefined}
          onInput={(event) => event.currentTarget.value && props.onInput(event.currentTarget.value)}
        />
      </div>
      {props.error && <p class="note" id={`${id}-note`}>{props.error}</p>}
    </div>
  );
}

async function movementsOf(purse: string, beginNs: bigint, endNs: bigint): Promise<string> {
  const rows: string[][] = [];
  let pageToken = "";
  do {
    const page = await wallet.listTransactions({ subaccount: purse, pageSize: PAGE, pageToken });
    for (const each of page.transactions) {
      if (each.atNs >= beginNs && each.atNs < endNs) {
        const at = new Date(Number(each.atNs / 1_000_000n)).toISOString();
        rows.push([at, String(each.seq), t.wallets.kinds[each.kind] ?? "", each.asset, each.amount, each.reference]);
      }
    }
    const oldest = page.transactions.at(-1);
    pageToken = oldest && oldest.atNs < beginNs ? "" : page.nextPageToken;
  } while (pageToken);
  return csv([["time", "seq", "kind", "asset", "amount", "reference"], ...rows]);
}

/** Rows as CSV. What a spreadsheet would take for a formula gets a quote before it; numbers do not. */
export function csv(rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => {
    const safe = /^[=+\-@\t\r]/.test(text) && !/^-?[\d.]+$/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** A day as the house counts days: in UTC. */
function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function nanos(ms: number): bigint {
  return BigInt(ms) * 1_000_000n;
}
