"""A flow of orders that is the same on every machine, and an exchange to send it through.

It is made once, by playing it, so that a run that is timed only replays commands: half of them
rest in the book, two in five cancel an order that rests, one in ten takes. The instrument, its
fees and its limits are the ones that ship.
"""

from __future__ import annotations

import random

import attrs

from xached.config.config import default_house
from xached.domain.exchange import Exchange
from xached.domain.instrument import AssetName, Symbol
from xached.domain.messages import (
    CancelOrder,
    Command,
    Deposit,
    Event,
    ListAsset,
    ListInstrument,
    OpenPurse,
    OrderRested,
    PlaceOrder,
    SetMark,
    SetRiskLimits,
)
from xached.domain.order import (
    MAIN,
    EndReason,
    OrderId,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    make_purse,
)

SYMBOL = Symbol("BTC-USDT")
REFERENCE_TICKS = 5_000_000
PURSES = 200
LEVELS = 100
"""Orders rest on so many ticks a side, from a spread of one tick outwards."""

BEYOND_TICKS = 200
"""How far a taker's limit is on the other side of the book: beyond all that rests."""

LOTS_MIN, LOTS_MAX = 20, 1_000
CANCELS, TAKERS = 0.4, 0.1
GRANTS = {AssetName("BTC"): 10**14, AssetName("USDT"): 10**18}


@attrs.frozen
class Flow:
    """Commands that list a market and fund its purses, and then the ones that trade."""

    opening: tuple[Command, ...]
    trading: tuple[Command, ...]


class Stepper:
    """What the matching actor does with a command between its mailbox and the journal."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.seq = 0

    @property
    def at_ns(self) -> int:
        """The time of the last row."""
        return self.seq

    def step(self, command: Command) -> list[Event]:
        """Decide and apply one command with everything that becomes due by it."""
        exchange = self.exchange
        seq = self.seq + 1
        events = list(exchange.decide(command, seq, seq))
        for event in events:
            exchange.apply(event, seq, seq)
        while (due := exchange.next_due()) is not None:
            for event in exchange.decide(due, seq, seq):
                exchange.apply(event, seq, seq)
                events.append(event)
        self.seq = seq
        return events


def make_flow(commands: int) -> Flow:
    """The first so many commands of the flow."""
    opening = tuple(_opening())
    stepper = Stepper()
    command: Command
    for command in opening:
        stepper.step(command)
    chance = random.Random(1)  # noqa: S311 - the same flow everywhere, nothing secret
    purses = [_purse(number) for number in range(PURSES)]
    orders = stepper.exchange.state.orders
    resting: list[tuple[OrderId, Purse]] = []
    trading: list[Command] = []
    while len(trading) < commands:
        draw = chance.random()
        if draw < CANCELS:
            if not resting:
                continue
            index = chance.randrange(len(resting))
            order_id, purse = resting[index]
            resting[index] = resting[-1]
            resting.pop()
            if order_id not in orders:  # It was taken meanwhile.
                continue
            command = _cancel(purse, order_id)
        else:
            purse = purses[chance.randrange(PURSES)]
            takes = draw >= 1 - TAKERS
            command = _order(chance, purse, f"c{len(trading)}", takes=takes)
        events = stepper.step(command)
        trading.append(command)
        if isinstance(events[-1], OrderRested):
            resting.append((events[-1].order_id, events[-1].purse))
    return Flow(opening, tuple(trading))


def _opening() -> list[Command]:
    house = default_house()
    commands: list[Command] = [ListAsset(asset=asset, request_id="") for asset in house.assets]
    commands.extend(
        ListInstrument(instrument=instrument, request_id="") for instrument in house.instruments
    )
    commands.append(
        SetMark(symbol=SYMBOL, price_ticks=REFERENCE_TICKS, source="bench", request_id="")
    )
    commands.append(
        SetRiskLimits(
            purse=None,
            max_open_orders=house.limits.max_open_orders,
            max_order_notional_units=house.limits.max_order_notional_units,
            request_id="",
        )
    )
    for number in range(PURSES):
        purse = _purse(number)
        commands.append(OpenPurse(purse=purse, simulated=False, request_id=""))
        commands.extend(
            Deposit(purse=purse, asset=asset, amount_units=units, request_id="")
            for asset, units in GRANTS.items()
        )
    return commands


def _purse(number: int) -> Purse:
    return make_purse(f"account{number:09d}", MAIN)


def _cancel(purse: Purse, order_id: OrderId) -> CancelOrder:
    return CancelOrder(
        purse=purse,
        order_id=order_id,
        client_order_id=None,
        request_id="",
        reason=EndReason.USER,
    )


def _order(chance: random.Random, purse: Purse, client_order_id: str, *, takes: bool) -> PlaceOrder:
    side = Side.BUY if chance.random() < 0.5 else Side.SELL
    away = -BEYOND_TICKS if takes else chance.randrange(LEVELS)
    price_ticks = REFERENCE_TICKS - 1 - away if side is Side.BUY else REFERENCE_TICKS + away
    return PlaceOrder(
        purse=purse,
        client_order_id=client_order_id,
        symbol=SYMBOL,
        side=side,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.IOC if takes else TimeInForce.GTC,
        price_ticks=price_ticks,
        quantity_lots=chance.randrange(LOTS_MIN, LOTS_MAX),
        quote_units=None,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
        expires_at_ns=None,
    )
