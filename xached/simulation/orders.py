"""What people do with orders: place, cancel, change, repeat, send twice, and enter by stream."""

from __future__ import annotations

from typing import Any, Final

import grpc
import trio
from xache.v1 import trading_pb2, types_pb2

from xached.api.errors import StatusError
from xached.simulation.actions import action
from xached.simulation.calls import Answered, ReceivedResponses, Result, SentRequests
from xached.simulation.machine import Violation
from xached.simulation.people import TRADING, People, Person

SYMBOLS: Final = {"BTC-USDT": 60_000, "ETH-USDT": 2_500}
"""The markets and their marks at the beginning, in whole quote units."""

NS_PER_S: Final = 1_000_000_000
BURST: Final = 40
"""More than fit into the mailbox of the simulated exchange."""

ENTRIES_MAX: Final = 12

_OPEN: Final = (
    types_pb2.ORDER_STATUS_OPEN,
    types_pb2.ORDER_STATUS_PARTIALLY_FILLED,
    types_pb2.ORDER_STATUS_UNTRIGGERED,
)
_MODES: Final = (
    types_pb2.SELF_TRADE_PREVENTION_UNSPECIFIED,
    types_pb2.SELF_TRADE_PREVENTION_NONE,
    types_pb2.SELF_TRADE_PREVENTION_EXPIRE_TAKER,
    types_pb2.SELF_TRADE_PREVENTION_EXPIRE_MAKER,
    types_pb2.SELF_TRADE_PREVENTION_EXPIRE_BOTH,
    types_pb2.SELF_TRADE_PREVENTION_DECREMENT,
    types_pb2.SELF_TRADE_PREVENTION_TRANSFER,
    types_pb2.SELF_TRADE_PREVENTION_TRANSFER,
)


def order(people: People, person: Person, **more: Any) -> trading_pb2.PlaceOrderRequest:
    """A limit order somewhere near the mark; ``more`` are fields that it has otherwise."""
    draw = people.draw
    symbol = draw.choice(list(SYMBOLS))
    fields: dict[str, Any] = {
        "client_order_id": person.new_id(),
        "symbol": symbol,
        "side": draw.choice((types_pb2.SIDE_BUY, types_pb2.SIDE_SELL)),
        "type": types_pb2.ORDER_TYPE_LIMIT,
        "price": str(SYMBOLS[symbol] + draw.randrange(-5, 6)),
        "quantity": f"0.0{draw.randrange(1, 100):02d}",
        "self_trade_prevention": draw.choice(_MODES),
    }
    fields.update(more)
    return trading_pb2.PlaceOrderRequest(**fields)


async def place(people: People, person: Person, request: trading_pb2.PlaceOrderRequest) -> Result:
    """Place an order and remember it when it may be open."""
    result = await people.ask(person, f"{TRADING}PlaceOrder", request)
    if isinstance(result, Answered):
        answer = trading_pb2.PlaceOrderResponse.FromString(result.body)
        if answer.order.status in _OPEN:
            person.orders.append((request.subaccount, request.client_order_id))
    return result


@action(40)
async def place_limit(people: People, person: Person) -> None:
    """A limit order that crosses the spread or rests."""
    await place(people, person, order(people, person))


@action(8)
async def place_market(people: People, person: Person) -> None:
    """A market order, by quantity or by quote amount."""
    sized: dict[str, Any] = people.draw.choice(
        ({"quantity": "0.020"}, {"quantity": "", "quote_quantity": "700"})
    )
    await place(
        people, person, order(people, person, type=types_pb2.ORDER_TYPE_MARKET, price="", **sized)
    )


@action(8)
async def place_hurried(people: People, person: Person) -> None:
    """An order that fills now or not at all."""
    time_in_force = people.draw.choice((types_pb2.TIME_IN_FORCE_IOC, types_pb2.TIME_IN_FORCE_FOK))
    await place(people, person, order(people, person, time_in_force=time_in_force))


@action(5)
async def place_passive(people: People, person: Person) -> None:
    """An order that must not take."""
    await place(people, person, order(people, person, post_only=True))


@action(6)
async def place_until(people: People, person: Person) -> None:
    """An order that expires soon."""
    world = people.machine.world
    if world is None or world.frozen:
        return
    expires_at_ns = world.now_ns() + round(people.draw.uniform(0.01, 3) * NS_PER_S)
    request = order(
        people, person, time_in_force=types_pb2.TIME_IN_FORCE_GTD, expires_at_ns=expires_at_ns
    )
    await place(people, person, request)


@action(6)
async def place_iceberg(people: People, person: Person) -> None:
    """An order that shows a part of itself."""
    await place(people, person, order(people, person, quantity="0.090", display_quantity="0.020"))


@action(6)
async def place_stop(people: People, person: Person) -> None:
    """An order that waits for a price."""
    draw = people.draw
    symbol = draw.choice(list(SYMBOLS))
    stop_price = str(SYMBOLS[symbol] + draw.randrange(-6, 7))
    kind: dict[str, Any] = draw.choice(
        (
            {"type": types_pb2.ORDER_TYPE_STOP, "price": "", "stop_price": stop_price},
            {"type": types_pb2.ORDER_TYPE_STOP_LIMIT, "stop_price": stop_price},
            {"type": types_pb2.ORDER_TYPE_TAKE_PROFIT, "price": "", "stop_price": stop_price},
            {"type": types_pb2.ORDER_TYPE_TAKE_PROFIT_LIMIT, "stop_price": stop_price},
            {"type": types_pb2.ORDER_TYPE_TRAILING_STOP, "price": "", "trail_bps": 10},
        )
    )
    await place(people, person, order(people, person, symbol=symbol, **kind))


@action(3)
async def place_reducing(people: People, person: Person) -> None:
    """A sale of no more than the position."""
    await place(people, person, order(people, person, side=types_pb2.SIDE_SELL, reduce_only=True))


@action(4)
async def place_batch(people: People, person: Person) -> None:
    """Several orders in one message; each has its own result."""
    orders = [order(people, person) for _ in range(people.draw.randrange(1, 8))]
    request = trading_pb2.PlaceOrdersRequest(orders=orders)
    result = await people.ask(person, f"{TRADING}PlaceOrders", request)
    if isinstance(result, Answered):
        answer = trading_pb2.PlaceOrdersResponse.FromString(result.body)
        if len(answer.results) != len(orders):
            raise Violation("answers", f"{len(orders)} orders got {len(answer.results)} results")
        for each in answer.results:
            if each.placed.order.status in _OPEN:
                person.orders.append(("", each.placed.order.client_order_id))


def _one_of(people: People, person: Person) -> tuple[str, str] | None:
    """An order of this person that may be open, no longer remembered as such."""
    if not person.orders:
        return None
    return person.orders.pop(people.draw.randrange(len(person.orders)))


@action(22)
async def cancel_order(people: People, person: Person) -> None:
    """Cancel an order that was open the last time this person looked."""
    found = _one_of(people, person)
    if found is None:
        return
    request = trading_pb2.CancelOrderRequest(
        subaccount=found[0],
        client_order_id=found[1],
        request_id=people.draw.choice(("", person.new_id())),
    )
    await people.ask(person, f"{TRADING}CancelOrder", request)


@action(2)
async def cancel_all(people: People, person: Person) -> None:
    """Cancel everything, or everything of one market."""
    request = trading_pb2.CancelAllOrdersRequest(
        symbol=people.draw.choice(("", *SYMBOLS)), request_id=person.new_id()
    )
    await people.ask(person, f"{TRADING}CancelAllOrders", request)


@action(8)
async def amend_order(people: People, person: Person) -> None:
    """Lower an order's quantity."""
    found = _one_of(people, person)
    if found is None:
        return
    person.orders.append(found)
    request = trading_pb2.AmendOrderRequest(
        subaccount=found[0],
        client_order_id=found[1],
        symbol=people.draw.choice(list(SYMBOLS)),
        quantity=f"0.0{people.draw.randrange(1, 40):02d}",
        request_id=person.new_id(),
    )
    await people.ask(person, f"{TRADING}AmendOrder", request)


@action(8)
async def replace_order(people: People, person: Person) -> None:
    """Put an order in another's place."""
    found = _one_of(people, person)
    if found is None:
        return
    symbol = people.draw.choice(list(SYMBOLS))
    request = trading_pb2.ReplaceOrderRequest(
        subaccount=found[0],
        replaced_client_order_id=found[1],
        symbol=symbol,
        client_order_id=person.new_id(),
        price=str(SYMBOLS[symbol] + people.draw.randrange(-5, 6)),
        quantity=f"0.0{people.draw.randrange(1, 100):02d}",
    )
    result = await people.ask(person, f"{TRADING}ReplaceOrder", request)
    if isinstance(result, Answered):
        person.orders.append((found[0], request.client_order_id))


@action(5)
async def preview(people: People, person: Person) -> None:
    """Ask what an order would do."""
    request = trading_pb2.PreviewOrderRequest(order=order(people, person))
    await people.ask(person, f"{TRADING}PreviewOrder", request)


@action(8)
async def place_list(people: People, person: Person) -> None:
    """Two of which one will do, one for the sake of another, or a bracket; around the mark."""
    draw = people.draw
    symbol = draw.choice(list(SYMBOLS))
    mark, quantity = SYMBOLS[symbol], f"0.0{draw.randrange(1, 60):02d}"

    def leg(away: int, **more: Any) -> trading_pb2.PlaceOrderRequest:
        fields = {"symbol": "", "quantity": quantity, "side": types_pb2.SIDE_SELL, **more}
        return order(people, person, price=str(mark + away), **fields)

    stop = leg(0, type=types_pb2.ORDER_TYPE_STOP, stop_price=str(mark - draw.randrange(3, 9)))
    stop.price = ""
    profit = leg(draw.randrange(3, 9))
    parent = leg(draw.randrange(-3, 4), side=types_pb2.SIDE_BUY)
    kind, orders = draw.choice(
        (
            (types_pb2.LIST_KIND_OCO, [profit, stop]),
            (types_pb2.LIST_KIND_OTO, [parent, profit]),
            (types_pb2.LIST_KIND_BRACKET, [parent, profit, stop]),
        )
    )
    activation = types_pb2.LIST_ACTIVATION_UNSPECIFIED
    if kind == types_pb2.LIST_KIND_OTO:
        activation = draw.choice(
            (types_pb2.LIST_ACTIVATION_FULL, types_pb2.LIST_ACTIVATION_PARTIAL)
        )
    request = trading_pb2.PlaceOrderListRequest(
        symbol=symbol, kind=kind, activation=activation, orders=orders, request_id=person.new_id()
    )
    result = await people.ask(person, f"{TRADING}PlaceOrderList", request)
    if isinstance(result, Answered):
        person.orders.extend(("", each.client_order_id) for each in orders)


@action(1)
async def flatten(people: People, person: Person) -> None:
    """Cancel everything of a market and sell what one has in it."""
    request = trading_pb2.FlattenRequest(
        symbol=people.draw.choice(list(SYMBOLS)), request_id=person.new_id()
    )
    await people.ask(person, f"{TRADING}Flatten", request)


@action(2)
async def arm_dead_man(people: People, person: Person) -> None:
    """Cancel everything unless one is heard of again in time; or disarm."""
    request = trading_pb2.CancelAllAfterRequest(
        timeout_ms=people.draw.choice((0, 1_000, 2_000, 10_000)), request_id=person.new_id()
    )
    await people.ask(person, f"{TRADING}CancelAllAfter", request)


# --- repeating --------------------------------------------------------------------------------


@action(5)
async def send_twice(people: People, person: Person) -> None:
    """A client, or its network, sends the same order several times at once."""
    request = order(people, person)
    results: list[Result] = []

    async def send() -> None:
        results.append(await place(people, person, request))

    async with trio.open_nursery() as nursery:
        for _ in range(people.draw.randrange(2, 4)):
            nursery.start_soon(send)
    answers = [result.body for result in results if isinstance(result, Answered)]
    if any(answer != answers[0] for answer in answers):
        raise Violation("repeated", f"{request.client_order_id} was answered in two ways")


@action(4)
async def cancel_before_placing(people: People, person: Person) -> None:
    """The cancel overtakes the order on its way."""
    request = order(people, person)
    cancel = trading_pb2.CancelOrderRequest(client_order_id=request.client_order_id)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(people.ask, person, f"{TRADING}CancelOrder", cancel)
        nursery.start_soon(place, people, person, request)


@action(4)
async def reuse_an_id(people: People, person: Person) -> None:
    """Another order under an id that was used: it must not be accepted."""
    placed = [each for each in person.acknowledged if each.path == f"{TRADING}PlaceOrder"]
    if not placed:
        return
    used = trading_pb2.PlaceOrderRequest.FromString(people.draw.choice(placed).body)
    used.quantity = "0.123"
    result = await people.machine.call(f"{TRADING}PlaceOrder", used, person.token)
    if isinstance(result, Answered):
        raise Violation("repeated", f"{used.client_order_id} was used for two orders")
    if isinstance(result, StatusError) and result.code is grpc.StatusCode.INTERNAL:
        raise Violation("no incident", people.machine.incidents[-1])


@action(4)
async def find_out(people: People, person: Person) -> None:
    """Ask again for what was never answered."""
    if person.unknown:
        method, body = person.unknown.pop(0)
        await people.send(person, method, body)


@action(3)
async def look_for_order(people: People, person: Person) -> None:
    """An order that was answered is found by its id."""
    placed = [each for each in person.acknowledged if each.path == f"{TRADING}PlaceOrder"]
    if not placed:
        return
    name = trading_pb2.PlaceOrderRequest.FromString(people.draw.choice(placed).body).client_order_id
    request = trading_pb2.GetOrderRequest(client_order_id=name)
    result = await people.ask(person, f"{TRADING}GetOrder", request)
    if isinstance(result, StatusError) and result.code is grpc.StatusCode.NOT_FOUND:
        raise Violation("acknowledged", f"{name} was accepted and is not found")


# --- much at once --------------------------------------------------------------------------------


@action(1)
async def burst(people: People, person: Person) -> None:
    """More orders at once than fit into the mailbox."""
    async with trio.open_nursery() as nursery:
        for _ in range(BURST):
            request = order(people, person, time_in_force=types_pb2.TIME_IN_FORCE_IOC)
            nursery.start_soon(place, people, person, request)


@action(4)
async def enter_by_stream(people: People, person: Person) -> None:
    """Orders and cancels over one stream: answered in order; some clients vanish.

    Some are armed: their end cancels what is open.
    """
    requests, responses = SentRequests(), ReceivedResponses()
    call = people.machine.converse(f"{TRADING}EnterOrders", requests, person.token, responses)
    if call is None:
        return
    draw = people.draw
    tags = range(1, draw.randrange(2, ENTRIES_MAX))
    for tag in tags:
        request = order(people, person)
        entry = trading_pb2.EnterOrdersRequest(tag=tag, place=request)
        if draw.random() < 0.3 and person.orders:
            cancel = trading_pb2.CancelOrderRequest(client_order_id=person.orders[0][1])
            entry = trading_pb2.EnterOrdersRequest(tag=tag, cancel=cancel)
        if tag == 1:
            entry.cancel_on_disconnect = draw.choice(
                (
                    types_pb2.CANCEL_SCOPE_UNSPECIFIED,
                    types_pb2.CANCEL_SCOPE_ENTRIES,
                    types_pb2.CANCEL_SCOPE_ALL,
                )
            )
        requests.put(entry)
        await trio.sleep(draw.uniform(0, 0.002))
    vanishes = draw.random() < 0.3
    if not vanishes:
        requests.end()
    with trio.move_on_after(0.01 if vanishes else 60):
        await call.ended.wait()
    call.scope.cancel()
    answered = [each.tag for each in responses.messages]  # type: ignore[attr-defined]  # EnterOrdersResponse
    if answered != list(tags)[: len(answered)]:
        raise Violation("answers", f"entries {list(tags)} were answered as {answered}")
    if isinstance(call.result, Answered) and len(answered) < len(tags):
        raise Violation("answers", f"of {len(tags)} entries {len(answered)} were answered")
