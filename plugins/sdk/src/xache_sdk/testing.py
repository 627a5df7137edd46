"""Try a strategy without a daemon: feed it values, look at its intents.

The same checks and the same arithmetic as in its process; see :func:`xache_sdk.strategy.dispatch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from xache_sdk.market import Instrument, Subscription
from xache_sdk.orders import (
    Fill,
    Intent,
    OrderStatus,
    OrderUpdate,
    Place,
)
from xache_sdk.settings import make_settings
from xache_sdk.strategy import Balance, Context, Input, Position, Strategy, dispatch, start


class Rig:
    """A strategy under test.

    ``settings`` are values as JSON has them. Raises: SettingsError, and whatever the strategy
    raises.
    """

    def __init__(self, strategy_type: type[Strategy[Any]], settings: Mapping[str, Any]) -> None:
        self.strategy = strategy_type(make_settings(strategy_type.settings_type, dict(settings)))
        self.subscriptions: list[Subscription] = list(self.strategy.subscriptions())

    def start(self, context: Context) -> list[Intent]:
        """Begin."""
        return start(self.strategy, context)

    def feed(self, *values: Input) -> list[Intent]:
        """Call the strategy with values, one after the other, and gather what it wants."""
        return self.feed_all(values)

    def feed_all(self, values: Iterable[Input]) -> list[Intent]:
        """The same with a series of values."""
        return [intent for value in values for intent in dispatch(self.strategy, value)]


def make_instrument(symbol: str = "BTC-USDT", **rules: str) -> Instrument:
    """An instrument with a tick of 0.01 and a lot of 0.00001; any rule may be given as text."""
    base, _, quote = symbol.partition("-")
    texts = {
        "tick_size": "0.01",
        "lot_size": "0.00001",
        "min_quantity": "0.00001",
        "max_quantity": "9000",
        "max_market_quantity": "100",
        "min_notional": "5",
        "max_notional": "9000000",
    } | rules
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        **{name: Decimal(text) for name, text in texts.items()},
    )


def make_context(
    *instruments: Instrument,
    balances: Mapping[str, str] | None = None,
    positions: Mapping[str, str] | None = None,
    now_ns: int = 0,
) -> Context:
    """A start with free balances and positions given as text."""
    return Context(
        run_id="test",
        now_ns=now_ns,
        instruments={each.symbol: each for each in instruments or (make_instrument(),)},
        balances={
            asset: Balance(Decimal(text), Decimal(0)) for asset, text in (balances or {}).items()
        },
        positions={
            symbol: Position(Decimal(text), Decimal(0))
            for symbol, text in (positions or {}).items()
        },
        open_orders=(),
    )


def opened(place: Place, at_ns: int = 0) -> OrderUpdate:
    """The order rests in the book."""
    return _update(place, OrderStatus.OPEN, at_ns)


def ended(
    place: Place, status: OrderStatus = OrderStatus.CANCELED, reason: str = "USER", at_ns: int = 0
) -> OrderUpdate:
    """The order is over, or was refused."""
    return _update(place, status, at_ns, reason=reason)


def filled(
    place: Place,
    price: Decimal,
    quantity: Decimal | None = None,
    *,
    executed: Decimal = Decimal(0),
    maker: bool = False,
    at_ns: int = 0,
) -> OrderUpdate:
    """The order traded ``quantity`` (all of it by default), after ``executed`` before."""
    whole = place.quantity if place.quantity is not None else quantity
    assert whole is not None, "say how much an order by quote quantity traded"
    traded = whole - executed if quantity is None else quantity
    done = executed + traded >= whole
    return _update(
        place,
        OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED,
        at_ns,
        whole=whole,
        executed=executed + traded,
        fill=Fill(price=price, quantity=traded, fee=Decimal(0), maker=maker),
    )


def _update(
    place: Place,
    status: OrderStatus,
    at_ns: int,
    *,
    reason: str = "",
    whole: Decimal | None = None,
    executed: Decimal = Decimal(0),
    fill: Fill | None = None,
) -> OrderUpdate:
    quantity = whole or place.quantity or Decimal(0)
    return OrderUpdate(
        id=place.id,
        own=True,
        symbol=place.symbol,
        side=place.side,
        status=status,
        at_ns=at_ns,
        reason=reason,
        price=place.price,
        quantity=quantity,
        executed_quantity=executed,
        leaves_quantity=Decimal(0) if status.final else quantity - executed,
        fill=fill,
    )
