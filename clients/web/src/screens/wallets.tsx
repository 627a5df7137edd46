// What a purse owns, what of it is held and why, and how money moved.

import { useState } from "preact/hooks";
import { account, newId, wallet } from "../api";
import { desk } from "../desk";
import { amount, isZero, momentOf, signed } from "../format";
import type { Balance, Hold, Order } from "../gen/xache/v1/types_pb";
import { Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { choosePurse, reloadAccount, session } from "../session";
import { useStore } from "../store";
import { Button, Change, Dialog, Empty, Failure, Field, Icon, Select, say, useAction, useAnswer, usePages } from "../ui";

export function Wallets() {
  const purse = useStore(session, (state) => state.purse);
  const told = useStore(desk, (state) => state.balances);
  const orders = useStore(desk, (state) => state.orders);
  const [dialog, setDialog] = useState<"transfer" | "open" | undefined>(undefined);
  const { answer, error } = useAnswer(() => wallet.getBalances({ subaccount: purse }), [purse], [told]);
  const balances = answer?.balances ?? [];
  return (
    <main id="content" class="screen">
      <header class="title">
        <h1>{t.wallets.title} <span class="badge">{purse}</span></h1>
        <div class="acts">
          <Button onClick={() => setDialog("open")}><Icon name="plus" /> {t.wallets.open}</Button>
          <Button look="primary" onClick={() => setDialog("transfer")}><Icon name="swap" /> {t.wallets.transfer}</Button>
        </div>
      </header>
      <Failure error={answer ? undefined : error} />
      <section class="card" aria-labelledby="balances-title">
        <header class="head"><h2 id="balances-title">{t.wallets.balances}</h2></header>
        {answer && !balances.length && <Empty title={t.wallets.empty} />}
        {balances.length > 0 && <Balances balances={balances} orders={orders} />}
      </section>
      <History purse={purse} />
      {dialog === "transfer" && <Transfer balances={balances} onDone={() => setDialog(undefined)} />}
      {dialog === "open" && <OpenPurse onDone={() => setDialog(undefined)} />}
    </main>
  );
}

function Balances({ balances, orders }: { balances: readonly Balance[]; orders: readonly Order[] }) {
  return (
    <div class="scroll" tabIndex={0}>
      <table class="table cards" id="wallet-balances">
        <thead>
          <tr>
            <th scope="col">{t.wallets.asset}</th>
            <th scope="col" class="right">{t.wallets.available}</th>
            <th scope="col" class="right">{t.wallets.held}</th>
            <th scope="col" class="right">{t.wallets.total}</th>
            <th scope="col">{t.wallets.why}</th>
          </tr>
        </thead>
        <tbody>
          {balances.map((balance) => (
            <tr key={balance.asset}>
              <td class="head" data-label={t.wallets.asset}>{balance.asset}</td>
              <td class="right figure" data-label={t.wallets.available}>{amount(balance.available)}</td>
              <td class="right figure" data-label={t.wallets.held}>{isZero(balance.held) ? t.app.nothing : amount(balance.held)}</td>
              <td class="right figure" data-label={t.wallets.total}>{amount(balance.total)}</td>
              <td class="wide" data-label={t.wallets.why}>
                {balance.holds.length ? (
                  <ul class="holds">
                    {balance.holds.map((hold) => (
                      <li key={`${hold.orderId} ${hold.listId}`}><HoldLine hold={hold} asset={balance.asset} orders={orders} /></li>
                    ))}
                  </ul>
                ) : <span class="quiet">{t.app.nothing}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function HoldLine({ hold, asset, orders }: { hold: Hold; asset: string; orders: readonly Order[] }) {
  const order = orders.find(({ orderId }) => orderId === hold.orderId);
  const side = order?.side === Side.BUY ? t.ticket.buy : t.ticket.sell;
  const terms = order && `${side} ${order.leavesQuantity} ${order.symbol.replace("-", "/")}${order.price ? ` @ ${amount(order.price)}` : ""}`;
  return (
    <>
      <span class="figure">{amount(hold.amount)} {asset}</span>{" "}
      <span class="quiet">{hold.listId ? t.wallets.holdList : t.wallets.hold(terms ?? hold.clientOrderId)}</span>
    </>
  );
}

function Transfer({ balances, onDone }: { balances: readonly Balance[]; onDone: () => void }) {
  const { purses, purse } = session.state;
  const others = purses.filter(({ name }) => name !== purse);
  const [target, setTarget] = useState(others[0]?.name ?? "");
  const [asset, setAsset] = useState(balances.find(({ available }) => !isZero(available))?.asset ?? "");
  const [much, setMuch] = useState("");
  const [requestId] = useState(() => newId("t"));
  const free = balances.find((balance) => balance.asset === asset)?.available ?? "0";
  const move = useAction(async () => {
    await wallet.transferFunds({ subaccount: purse, targetSubaccount: target, asset, amount: much.trim(), requestId });
    say(t.wallets.moved(much, asset, target));
    onDone();
  });
  return (
    <Dialog title={t.wallets.transferTitle} onClose={onDone}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          move.run();
        }}
      >
        <div class="pair">
          <p class="field"><span class="quiet">{t.wallets.from}</span> <b>{purse}</b></p>
          <Select label={t.wallets.to} value={target} choices={others.map(({ name }) => [name, name] as const)} onChange={setTarget} />
        </div>
        <Select label={t.wallets.asset} value={asset} choices={balances.map((each) => [each.asset, each.asset] as const)} onChange={setAsset} />
        <Field
          number
          label={t.wallets.amount}
          unit={asset}
          value={much}
          onInput={setMuch}
          hint={`${t.wallets.available} ${amount(free)} ${asset}`}
          required
        />
        <Failure error={move.error} />
        <div class="acts">
          <Button onClick={() => setMuch(free)}>{t.wallets.all}</Button>
          <Button type="submit" look="primary" busy={move.busy} disabled={!target || !asset}>{t.wallets.move}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function OpenPurse({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState("");
  const [requestId] = useState(() => newId("p"));
  const open = useAction(async () => {
    await account.openSubaccount({ subaccount: name.trim(), requestId });
    say(t.wallets.opened(name));
    await reloadAccount();
    choosePurse(name.trim());
    onDone();
  });
  return (
    <Dialog title={t.wallets.openTitle} onClose={onDone}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          open.run();
        }}
      >
        <p class="quiet">{t.wallets.openText}</p>
        <Field label={t.wallets.name} hint={t.wallets.nameHint} value={name} onInput={setName} autoFocus maxLength={32} required />
        <Failure error={open.error} />
        <div class="acts">
          <Button type="submit" look="primary" busy={open.busy}>{t.wallets.open}</Button>
        </div>
      </form>
    </Dialog>
  );
}

const PAGE = 50;

function History({ purse }: { purse: string }) {
  const minSeq = useStore(desk, (state) => state.balancesSeq);
  const { rows, error, busy, more } = usePages(async (pageToken) => {
    const page = await wallet.listTransactions({ subaccount: purse, pageSize: PAGE, pageToken, minSeq });
    return { rows: page.transactions, next: page.nextPageToken };
  }, [purse, minSeq]);
  return (
    <section class="card" aria-labelledby="transactions-title">
      <header class="head"><h2 id="transactions-title">{t.wallets.history}</h2></header>
      <Failure error={error} />
      {rows?.length === 0 && <Empty title={t.wallets.noHistory} />}
      {rows && rows.length > 0 && (
        <div class="scroll" tabIndex={0}>
          <table class="table cards" id="transactions">
            <thead>
              <tr>
                <th scope="col">{t.wallets.time}</th>
                <th scope="col">{t.wallets.kind}</th>
                <th scope="col" class="right">{t.wallets.amount}</th>
                <th scope="col">{t.wallets.reference}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr key={`${row.seq} ${index}`}>
                  <td class="figure" data-label={t.wallets.time}>{momentOf(row.atNs)}</td>
                  <td data-label={t.wallets.kind}>{t.wallets.kinds[row.kind]}</td>
                  <td class="right" data-label={t.wallets.amount}>
                    <Change value={row.amount}>{signed(row.amount, 8)} {row.asset}</Change>
                  </td>
                  <td class="quiet figure" data-label={t.wallets.reference}>{row.reference || t.app.nothing}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {more && <p class="foot"><Button small busy={busy} onClick={more}>{t.app.more}</Button></p>}
    </section>
  );
}
