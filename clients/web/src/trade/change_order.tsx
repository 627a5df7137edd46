// Changing an open order: what was dragged on the chart or is typed here, confirmed before it is sent.

import { useRef, useState } from "preact/hooks";
import { isOutage, newId } from "../api";
import { compare, parse, plain, read, subtract, toStep } from "../decimal";
import { instrumentOf, desk } from "../desk";
import { amount } from "../format";
import { type Instrument, type Order, OrderStatus, Side } from "../gen/xache/v1/types_pb";
import { t } from "../messages";
import { useStore } from "../store";
import { Button, Dialog, Failure, Field, say, useAction } from "../ui";
import { type Attempt, type OrderChange, amend, replace } from "./place";

type Name = "price" | "stop" | "quantity" | "display";

/** The price by which an order is drawn, and the field that holds it; undefined: it has none. */
export function drawnPrice(order: Order): { name: "price" | "stop"; price: string } | undefined {
  const waits = order.status === OrderStatus.UNTRIGGERED;
  if (waits && order.stopPrice !== "") return { name: "stop", price: order.stopPrice };
  return order.price === "" ? undefined : { name: "price", price: order.price };
}

/** Whether the house changes such an order: one of a list only goes with its list. */
export function isChangeable(order: Order): boolean {
  return order.listId === "";
}

interface ChangeProps {
  order: Order;
  /** What it was dragged to. */
  to?: Partial<Record<Name, string>>;
  onDone: () => void;
}

/** The form; the order is looked at as it stands while the form is open. */
export function ChangeOrder({ order: opened, to, onDone }: ChangeProps) {
  const order = useStore(desk, (state) => state.orders.find(({ orderId }) => orderId === opened.orderId)) ?? opened;
  const instrument = instrumentOf(desk.state, order.symbol);
  const [typed, setTyped] = useState<Partial<Record<Name, string>>>(to ?? {});
  // An attempt is repeated as it was, also when the order traded meanwhile; another content is
  // another attempt.
  const attempt = useRef<Attempt | undefined>(undefined);
  const was = fieldsOf(order);
  const wanted: OrderChange = {};
  const wrong: Partial<Record<Name, string>> = {};
  for (const { name, value } of was) {
    const text = typed[name] ?? value;
    const fault = complaint(name, text, order, instrument);
    if (fault) wrong[name] = fault;
    else if (compare(read(text), read(value)) !== 0) wanted[name] = plain(text);
  }
  const changed = Object.keys(wanted).length > 0;
  const keeps = isSmaller(wanted, order);
  const send = useAction(async () => {
    attempt.current ??= { id: newId(keeps ? "am" : "w"), executedQuantity: order.executedQuantity };
    try {
      say(keeps
        ? await amend(order, wanted.quantity ?? "", attempt.current)
        : await replace(order, wanted, attempt.current));
    } catch (error) {
      // What was refused was not done: next time it is about the order as it is shown then.
      if (!isOutage(error)) attempt.current = undefined;
      throw error;
    }
    onDone();
  });
  const ready = changed && !Object.keys(wrong).length;
  const side = order.side === Side.BUY ? t.ticket.buy : t.ticket.sell;
  return (
    <Dialog title={t.change.title(side, amount(order.quantity), order.symbol.replace("-", "/"))} onClose={onDone}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) send.run();
        }}
      >
        {was.map(({ name, label, value }) => (
          <Field
            key={name}
            number
            name={name}
            label={label}
            unit={name === "price" || name === "stop" ? instrument?.quote : instrument?.base}
            value={typed[name] ?? value}
            error={wrong[name]}
            hint={wanted[name] === undefined ? undefined : t.change.was(amount(value))}
            onInput={(text) => {
              setTyped({ ...typed, [name]: text.trim() });
              attempt.current = undefined;
              send.clear();
            }}
          />
        ))}
        <p class="quiet">{!changed ? t.change.same : keeps ? t.change.keeps : t.change.loses}</p>
        <Failure error={send.error} />
        <div class="acts">
          <Button onClick={onDone}>{t.change.leave}</Button>
          <Button type="submit" look="primary" busy={send.busy} disabled={!ready}>{t.change.confirm}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function fieldsOf(order: Order): { name: Name; label: string; value: string }[] {
  const waits = order.status === OrderStatus.UNTRIGGERED;
  const all: { name: Name; label: string; value: string }[] = [
    { name: "stop", label: t.ticket.stop, value: waits ? order.stopPrice : "" },
    { name: "price", label: t.ticket.price, value: order.price },
    { name: "quantity", label: t.ticket.quantity, value: order.quantity },
    { name: "display", label: t.ticket.display, value: order.displayQuantity },
  ];
  return all.filter(({ value }) => value !== "");
}

function complaint(name: Name, text: string, order: Order, instrument: Instrument | undefined): string | undefined {
  const value = parse(text);
  if (!value || value.units <= 0n) return t.ticket.notANumber;
  const step = name === "price" || name === "stop" ? instrument?.tickSize : instrument?.lotSize;
  if (step && compare(toStep(value, read(step)), value) !== 0) return t.ticket.step(step);
  if (name === "quantity" && compare(value, read(order.executedQuantity)) <= 0 && order.executedQuantity !== "0") {
    return t.change.traded(amount(order.executedQuantity));
  }
  return undefined;
}

/** Whether nothing is asked for but less of it: that keeps its place in the queue. */
function isSmaller(wanted: OrderChange, order: Order): boolean {
  const [only, ...more] = Object.keys(wanted);
  if (only !== "quantity" || more.length) return false;
  return subtract(read(wanted.quantity ?? ""), read(order.quantity)).units < 0n;
}
