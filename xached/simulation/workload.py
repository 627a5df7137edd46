"""What people do: a table of actions, each a few lines, drawn by weight.

An action gets everybody and one person, and may do what it likes with the calls. To teach the
simulation something new, write one more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import attrs
from xache.v1 import admin_pb2, auth_pb2, trading_pb2, types_pb2, wallet_pb2

from xached.simulation.calls import Answered
from xached.simulation.people import ADMIN, AUTH, PASSWORD, TRADING, WALLET, People, Person

SYMBOLS: Final = {"BTC-USDT": 60_000, "ETH-USDT": 2_500}
"""The markets and their marks at the beginning, in whole quote units."""

Run = Callable[[People, Person], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Action:
    """Something people do, ``weight`` times in :func:`total_weight`."""

    name: str
    weight: int
    run: Run


ACTIONS: Final[list[Action]] = []


def action(weight: int) -> Callable[[Run], Run]:
    """Put a function into the table."""

    def add(run: Run) -> Run:
        ACTIONS.append(Action(name=run.__name__, weight=weight, run=run))
        return run

    return add


def draw_action(people: People) -> Action:
    """One of the table."""
    (drawn,) = people.draw.choices(ACTIONS, [each.weight for each in ACTIONS])
    return drawn


# --- orders ----------------------------------------------------------------------------------


def order(people: People, person: Person, **more: object) -> trading_pb2.PlaceOrderRequest:
    """A limit order somewhere near the mark; ``more`` are fields that it has otherwise."""
    draw = people.draw
    symbol = draw.choice(list(SYMBOLS))
    fields: dict[str, object] = {
        "client_order_id": person.new_id(),
        "symbol": symbol,
        "side": draw.choice((types_pb2.SIDE_BUY, types_pb2.SIDE_SELL)),
        "type": types_pb2.ORDER_TYPE_LIMIT,
        "price": str(SYMBOLS[symbol] + draw.randrange(-5, 6)),
        "quantity": f"0.0{draw.randrange(1, 100):02d}",
    }
    fields.update(more)
    return trading_pb2.PlaceOrderRequest(**fields)  # type: ignore[arg-type]  # by field name


async def place(people: People, person: Person, request: trading_pb2.PlaceOrderRequest) -> None:
    """Place an order and remember it when it may be open."""
    result = await people.ask(person, f"{TRADING}PlaceOrder", request)
    if isinstance(result, Answered):
        answer = trading_pb2.PlaceOrderResponse.FromString(result.body)
        if answer.order.status in _OPEN:
            person.orders.append((request.subaccount, request.client_order_id))


_OPEN: Final = (types_pb2.ORDER_STATUS_OPEN, types_pb2.ORDER_STATUS_PARTIALLY_FILLED)


@action(40)
async def place_limit(people: People, person: Person) -> None:
    """A limit order that crosses the spread or rests."""
    await place(people, person, order(people, person))


@action(20)
async def cancel_order(people: People, person: Person) -> None:
    """Cancel an order that was open the last time this person looked."""
    if not person.orders:
        return
    index = people.draw.randrange(len(person.orders))
    subaccount, client_order_id = person.orders.pop(index)
    request = trading_pb2.CancelOrderRequest(
        subaccount=subaccount,
        client_order_id=client_order_id,
        request_id=people.draw.choice(("", person.new_id())),
    )
    await people.ask(person, f"{TRADING}CancelOrder", request)


@action(3)
async def look_at_balances(people: People, person: Person) -> None:
    """Read the purse."""
    await people.ask(person, f"{WALLET}GetBalances", wallet_pb2.GetBalancesRequest())


@action(3)
async def log_in(people: People, person: Person) -> None:
    """Open another session."""
    request = auth_pb2.LoginRequest(email=person.email, password=PASSWORD)
    result = await people.ask(person, f"{AUTH}Login", request)
    if isinstance(result, Answered):
        people.signed_in(person, result.body)


@action(3)
async def deposit(people: People, person: Person) -> None:
    """Money comes in from outside."""
    asset, amount = people.draw.choice((("BTC", "2"), ("ETH", "40"), ("USDT", "100000")))
    request = admin_pb2.DepositRequest(
        account_id=person.account_id,
        asset=asset,
        amount=amount,
        request_id=people.admin.new_id(),
    )
    await people.ask(people.admin, f"{ADMIN}Deposit", request)
